import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSecrets, createRedactor, redactJson, redactText } from '../../../src/kernel/redact/redact.ts';

const mark = '[redacted]';

/** Feeds the text cut at these offsets. */
function cutAt(text: string, secrets: readonly string[], ...offsets: number[]): string {
  const bytes = Buffer.from(text);
  const redactor = createRedactor(secrets);
  const ends = [...offsets, bytes.length];
  const out = ends.map((end, index) => redactor.push(bytes.subarray(index === 0 ? 0 : ends[index - 1], end)));
  return Buffer.concat([...out, redactor.flush()]).toString();
}

/** What comes out whatever the cut: whole, cut once at every offset, and cut twice at every pair of offsets where that is wanted. */
function always(text: string, secrets: readonly string[], twice = true): string {
  const whole = cutAt(text, secrets);
  const length = Buffer.byteLength(text);
  for (let first = 0; first <= length; first++) {
    expect(cutAt(text, secrets, first), `cut at ${first}`).toBe(whole);
    for (let second = first; twice && second <= length; second++)
      if (cutAt(text, secrets, first, second) !== whole) expect.fail(`cut at ${first} and ${second}`);
  }
  return whole;
}

describe('a secret at the edge of what is looked at', () => {
  it.each([
    ['alone', 'opensesame', mark],
    ['at the very start', 'opensesame.', `${mark}.`],
    ['at the very end', 'x opensesame', `x ${mark}`],
    ['at the end of a line', 'x opensesame\ny', `x ${mark}\ny`],
    ['twice, one after the other', 'opensesameopensesame', mark.repeat(2)],
    ['after its own beginning', 'opensopensesame', `opens${mark}`],
    ['after most of itself', 'opensesamopensesame!', `opensesam${mark}!`],
    ['but for its last character', 'x opensesam', 'x opensesam'],
    ['but for its first character', 'x pensesame', 'x pensesame'],
    ['with another character within', 'opens-sesame', 'opens-sesame'],
    ['between multibyte characters', 'é\u{1f389}opensesame\u{1f389}é', `é\u{1f389}${mark}\u{1f389}é`],
  ])('%s, cut anywhere', (_, text, shown) => {
    expect(always(text, ['opensesame'])).toBe(shown);
  });

  it.each([
    ['the shorter one alone', 'x opens y', `x ${mark} y`],
    ['the shorter one, then what could go on', 'x openses y', `x ${mark}es y`],
    ['the shorter one at the end of the text', 'x opens', `x ${mark}`],
    ['all of the longer one but one character', 'opensesam', `${mark}esam`],
    ['the longer one', 'x opensesame y', `x ${mark} y`],
    ['the longer one, then the shorter', 'opensesameopens', mark.repeat(2)],
    ['the end of the longer one alone', 'x sesame y', `x ${mark} y`],
  ])('where one is the beginning or the end of another: %s', (_, text, shown) => {
    expect(always(text, ['opens', 'opensesame', 'sesame'])).toBe(shown);
  });

  it.each([
    ['both, one into the other', '1 abcdefgh 2', `1 ${mark} 2`],
    ['three in a chain', '1 abcdefghij 2', `1 ${mark} 2`],
    ['the first and some of the second', '1 abcdefg 2', `1 ${mark}g 2`],
    ['the second after some of the first', '1 abcdefghi', `1 ${mark}i`],
    ['the second twice', 'cdefghcdefgh', mark.repeat(2)],
    ['one within a longer one', '<abcdefghijkl>', `<${mark}kl>`],
  ])('where they overlap: %s', (_, text, shown) => {
    expect(always(text, ['abcdef', 'cdefgh', 'efghij'])).toBe(shown);
  });

  it.each([
    ['the longer one', '1xxabcdyy2', `1${mark}2`],
    ['all of the longer one but its end', '1xxabcdy2', `1xx${mark}y2`],
    ['the beginning of the longer one, then the shorter', 'xxabxxabcd', `xxabxx${mark}`],
    ['the longer one after most of itself', 'xxabcdyxxabcdyy', `xx${mark}y${mark}`],
    ['the shorter one alone', '1abcd2', `1${mark}2`],
  ])('where one is in the middle of another: %s', (_, text, shown) => {
    expect(always(text, ['xxabcdyy', 'abcd'])).toBe(shown);
  });

  it('after more than it was ever looked through at once', () => {
    // The search remembers a place for each byte that may belong to a secret.
    const text = `${'a'.repeat(400_000)}b${'a'.repeat(10)}`;
    expect(redactText(text, ['aaaaaaab'])).toBe(`${'a'.repeat(400_000 - 7)}${mark}${'a'.repeat(10)}`);
  });

  it('in any value, by secrets that were compiled once', () => {
    const ready = compileSecrets(['opensesame']);
    for (const secrets of [ready, ['opensesame']]) {
      expect(redactText('x opensesame', secrets)).toBe(`x ${mark}`);
      expect(redactJson('x opensesame', secrets)).toBe(`x ${mark}`);
      expect(redactJson([1, true, null, 'opensesame', [0.5]], secrets)).toEqual([1, true, null, mark, [0.5]]);
      expect(redactJson({ opensesame: { a: 'opensesame', b: [], c: {} }, d: 'token=abc' }, secrets)).toEqual({
        [mark]: { a: mark, b: [], c: {} },
        d: `token=${mark}`,
      });
    }
    expect(redactJson({ a: 'token=abc', b: 1 })).toEqual({ a: `token=${mark}`, b: 1 });
  });

  it('that overlaps itself, as often as it does', () => {
    for (let length = 1; length <= 12; length++)
      expect(always('a'.repeat(length), ['aaaa'])).toBe(length < 4 ? 'a'.repeat(length) : mark);
    expect(always('ababababx', ['abab'])).toBe(`${mark}x`);
  });

  it('on a line break: it is looked over from the fifth byte on, and ends the search before', () => {
    const secret = 'abcdefgh';
    for (const end of ['\n', '\r\n', '\r', '\n\n']) {
      for (let at = 1; at < secret.length; at++) {
        const broken = `${secret.slice(0, at)}${end}${secret.slice(at)}`;
        expect(always(`<${broken}>`, [secret], false), `broken after ${at}`).toBe(at < 4 ? `<${broken}>` : `<${mark}>`);
      }
      expect(always(`${secret}${end}${secret}`, [secret], false)).toBe(`${mark}${end}${mark}`);
    }
  });

  it('in its forms: a form that is as long as the shortest counts, one that is shorter does not', () => {
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect(redactText(`${hex('abcdef')} ${base64('abcdef')}`, ['abcdef'])).toBe(`${mark} ${mark}`);
    expect(redactText(`${hex('abcde')} ${base64('abcde')}`, ['abcde'])).toBe(`${hex('abcde')} ${base64('abcde')}`);
    expect(redactText('abcd abc', ['abcd', 'abc'])).toBe(`${mark} abc`);
    expect(redactText('x abcd', ['  abcd \n'])).toBe(`x ${mark}`);
    expect(redactText('a%2Fb%2fc%2Fd a/b/c/d', ['a/b/c/d'])).toContain(mark);
  });

  it('that is used again: nothing of the text before is left', () => {
    const redactor = createRedactor(['opensesame']);
    const feed = (text: string) => redactor.push(Buffer.from(text)).toString();
    const flush = () => redactor.flush().toString();
    expect(feed('x openses') + flush()).toBe('x openses');
    // The rest of it in another text is none.
    expect(feed('ame y') + flush()).toBe('ame y');
    expect(feed('opensesame') + flush()).toBe(mark);
    expect(feed('password=hunt') + flush()).toBe(`password=${mark}`);
    expect(feed('er2') + flush()).toBe('er2');
  });

  it('that ended is not marked a second time when the rest of it comes later', () => {
    // The longer one may still come, so the text from the shorter on is held, and its mark with it.
    for (const text of ['opensesam!', 'opensesame!', 'opens!', 'opensesa', 'opensesame'])
      expect(always(text, ['opens', 'opensesame', 'nsesam'])).not.toContain('opens');
    expect(always('opensesa', ['opens', 'opensesame', 'nsesam'])).toBe(`${mark}esa`);
    expect(always('opensesam!', ['opens', 'opensesame', 'nsesam'])).toBe(`${mark}!`);
  });

  it('is held no longer than it may come: what goes out is all that cannot be part of one', () => {
    const redactor = createRedactor(['opensesame']);
    const feed = (text: string) => redactor.push(Buffer.from(text)).toString();
    expect(feed('a line\nopen')).toBe('a line\n');
    expect(feed('s')).toBe('');
    // The line is not complete, so it waits as a whole, but no longer than it is one.
    expect(feed('!\n')).toBe('opens!\n');
  });

  it('property: whatever the secrets and the cuts, it is as if the text had come at once, and no secret is left', () => {
    const unit = fc.constantFrom('a', 'b', 'c');
    const secret = fc.string({ unit, minLength: 4, maxLength: 7 });
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 5 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n', '.'), maxLength: 40 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        (secrets, text, cuts) => {
          const whole = cutAt(text, secrets);
          const at = cuts.map(cut => Math.min(cut, text.length)).sort((a, b) => a - b);
          expect(cutAt(text, secrets, ...at)).toBe(whole);
          for (const part of whole.split(mark)) for (const one of secrets) expect(part).not.toContain(one);
          // By hand: a byte is hidden when a secret covers it, line breaks aside where they are looked over.
          if (text.includes('\n')) return;
          const hidden = Array.from(text, () => false);
          for (const one of secrets)
            for (let from = text.indexOf(one); from >= 0; from = text.indexOf(one, from + 1))
              hidden.fill(true, from, from + one.length);
          const kept = Array.from(text).filter((_, n) => hidden[n] === false);
          expect(whole.replaceAll(mark, '')).toBe(kept.join(''));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is compiled to nothing where there is none to look for', () => {
    expect(compileSecrets([])).toEqual({ automaton: null, longest: 0 });
    expect(compileSecrets(['abc', ' '])).toEqual({ automaton: null, longest: 0 });
    expect(compileSecrets(['abcd']).longest).toBe(4);
    // In hex.
    expect(compileSecrets(['abcd', 'abcdef']).longest).toBe(12);
  });
});

describe('what looks like a credential, at the edge of its pattern', () => {
  const letters = 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z'.repeat(4);
  const upper = letters.toUpperCase();
  const lower = 'a1b2c3d4e5f60718'.repeat(6);
  // Put together here, so that scanners of repositories do not take them for real ones.
  const tokens: [name: string, prefix: string, rest: string, shortest: number, open: boolean][] = [
    ['AWS', 'AK' + 'IA', upper, 16, false],
    ['AWS, temporary', 'AS' + 'IA', upper, 16, false],
    ['AWS, bearer', 'AB' + 'IA', upper, 16, false],
    ['AWS, context', 'AC' + 'CA', upper, 16, false],
    ...['p', 'o', 'u', 's', 'r'].map(
      kind => [`GitHub ${kind}`, `gh${kind}_`, letters, 30, true] as (typeof tokens)[number],
    ),
    ['GitHub, fine-grained', 'github' + '_pat_', letters, 22, true],
    ['GitLab', 'glp' + 'at-', letters, 20, true],
    ['npm', 'np' + 'm_', letters, 36, true],
    ['Google', 'AI' + 'za', letters, 35, true],
    ['Stripe', 'sk' + '_live_', letters, 16, true],
    ['Stripe, test', 'sk' + '_test_', letters, 16, true],
    ['Stripe, restricted', 'rk' + '_live_', letters, 16, true],
    ['OpenAI', 'sk' + '-', letters, 20, true],
    ['Vault', 'hv' + 's.', letters, 20, true],
    ['DigitalOcean', 'dop' + '_v1_', lower, 64, true],
    ['Slack bot', 'xo' + 'xb-', letters, 10, true],
    ['Slack user', 'xo' + 'xp-', letters, 10, true],
    ['Slack, rotated', 'xo' + 'xe.xo' + 'xb-', letters, 10, true],
    ['Slack app', 'xa' + 'pp-', letters, 10, true],
  ];
  it.each(tokens)('%s: as long as the shortest is one, one character less is none', (_, prefix, rest, shortest) => {
    const token = prefix + rest.slice(0, shortest);
    for (const [before, after] of [
      ['', ''],
      ['see ', '.'],
      ['"', '"'],
      ['(', ')'],
      ['=', '\n'],
      ['_', ' '],
      ['-', ' '],
    ])
      expect(redactText(`${before}${token}${after}`)).toBe(`${before}${mark}${after}`);
    expect(redactText(`see ${token.slice(0, -1)}.`)).toBe(`see ${token.slice(0, -1)}.`);
  });
  it.each(tokens)('%s: not within a word, and whole when it is longer', (_, prefix, rest, shortest, open) => {
    const token = prefix + rest.slice(0, shortest);
    // The second half of Slack's rotated ones is one by itself.
    const shown = prefix.includes('.xo') ? `${prefix.slice(0, 5)}.${mark}` : token;
    for (const before of ['x', 'X', '7'])
      expect(redactText(`${before}${token} `)).toBe(`${before}${shown.replace('..', '.')} `);
    const longer = prefix + rest.slice(0, shortest + 5);
    // Google's and DigitalOcean's have one length; what follows them stays.
    const fixed = prefix.startsWith('AI') || prefix.startsWith('dop');
    if (open) expect(redactText(`${longer} `)).toBe(`${mark}${fixed ? longer.slice(token.length) : ''} `);
    else expect(redactText(`${longer} `)).toBe(`${longer} `);
  });

  const [head, body, tail] = [`ey${'J'}${'a'.repeat(8)}`, 'b'.repeat(8), 'c'];
  it.each([
    [`${head}.${body}.${tail}`, mark],
    [`${head}.${body}.`, mark],
    [`${head}.${body}`, mark],
    [`${head.slice(0, -1)}.${body}`, `${head.slice(0, -1)}.${body}`],
    [`${head}.${body.slice(0, -1)}`, `${head}.${body.slice(0, -1)}`],
    [`${head}.${body}.${tail}.x`, `${mark}.x`],
    [`x${head}.${body}`, `x${head}.${body}`],
    [`-${head}.${body}`, `-${head}.${body}`],
    [`.${head}.${body}`, `.${mark}`],
    [`${head}.${body}.a_b-C9 d`, `${mark} d`],
  ])('JWT %s', (given, shown) => expect(redactText(given)).toBe(shown));

  it.each([
    ['https://hooks.slack.com/services/T1/B2/xy', 'https://hooks.slack.com/services/[redacted]'],
    ['hooks.slack.com/services/T1/B2/xy', 'hooks.slack.com/services/[redacted]'],
    ['hooks.slack.com/services/T1/B2/x', 'hooks.slack.com/services/T1/B2/x'],
    ['hooks.slack.com/workflows/T1-B2/x_y?z', 'hooks.slack.com/workflows/[redacted]?z'],
    ['hooks.slack.com/services/T1/B2/', 'hooks.slack.com/services/T1/B2/'],
    ['hooksxslack.com/services/T1/B2/xyz', 'hooksxslack.com/services/T1/B2/xyz'],
    ['Authorization: abcd', 'Authorization: [redacted]'],
    ['Authorization: abc', 'Authorization: abc'],
    ['AUTHORIZATION=abcd,x', 'AUTHORIZATION=[redacted],x'],
    ["authorization':  'abcd';x", "authorization':  '[redacted]';x"],
    ['authorization        :        abcd', 'authorization        :        [redacted]'],
    ['authorization         : abcd', 'authorization         : abcd'],
    ['authorization:         abcd', 'authorization:         abcd'],
    ['authorization: Negotiate abcd', 'authorization: Negotiate [redacted]'],
    [`authorization: ${'n'.repeat(16)} abcd`, `authorization: ${'n'.repeat(16)} [redacted]`],
    [`authorization: ${'n'.repeat(17)} abcd`, `authorization: [redacted] abcd`],
    ['authorization: [redacted]', 'authorization: [redacted]'],
    ['Bearer abcdefghijkl', 'Bearer [redacted]'],
    ['bearer abcdefghijk', 'bearer abcdefghijk'],
    ['bearer A-z_9.~+/=-A! x', 'bearer [redacted]! x'],
    ['forbearer abcdefghijkl', 'forbearer abcdefghijkl'],
    ['-bearer abcdefghijkl', '-bearer [redacted]'],
    ['bearer [redacted]', 'bearer [redacted]'],
    ['x://u:p@h', 'x://u:[redacted]@h'],
    ['x://:p@h', 'x://:[redacted]@h'],
    ['x://u:@h', 'x://u:@h'],
    ['x://u@h', 'x://u@h'],
    ['x://u:p h@', 'x://u:p h@'],
    ['x://u:p/h@', 'x://u:p/h@'],
    [`x://u:p'h@`, `x://u:p'h@`],
    [`x://u:p"h@`, `x://u:p"h@`],
    ['x://u v:p@h', 'x://u v:p@h'],
    [`x://${'u'.repeat(128)}:p@h`, `x://${'u'.repeat(128)}:[redacted]@h`],
    [`x://${'u'.repeat(129)}:p@h`, `x://${'u'.repeat(129)}:p@h`],
    [`x://u:${'p'.repeat(256)}@h`, `x://u:[redacted]@h`],
    [`x://u:${'p'.repeat(257)}@h`, `x://u:${'p'.repeat(257)}@h`],
    ['x://u:[redacted]@h', 'x://u:[redacted]@h'],
    ...[
      'password',
      'passwd',
      'passphrase',
      'pwd',
      'secret',
      'token',
      'apikey',
      'api_key',
      'api-key',
      'accesskey',
      'access_key',
      'secret-key',
      'privatekey',
      'private_key',
      'accountkey',
      'account-key',
      'credential',
      'credentials',
      'PASSWORD',
      'dbPassword',
    ].map(name => [`${name}=abc`, `${name}=[redacted]`] as [string, string]),
    ['passwrd=abc', 'passwrd=abc'],
    ['password=ab', 'password=ab'],
    ['password => abc', 'password => [redacted]'],
    ['password -> abc', 'password -> abc'],
    ['password : abc', 'password : [redacted]'],
    ['password        =        abc', 'password        =        [redacted]'],
    ['password         = abc', 'password         = abc'],
    ['password=         abc', 'password=         abc'],
    [`'password': 'abc', x`, `'password': '[redacted]', x`],
    ['\\"password\\":\\"abc\\"', '\\"password\\":\\"abc\\"'],
    ['"password":\\"abcd\\"', '"password":\\"[redacted]"'],
    ...[...' \t"\'`,;&)}]'].map(end => [`token=abc${end}x`, `token=[redacted]${end}x`] as [string, string]),
    ['token=[redacted]', 'token=[redacted]'],
    ['monkey=abc', 'monkey=abc'],
  ])('%s', (given, shown) => {
    expect(redactText(given)).toBe(shown);
    expect(cutAt(given, [], Math.floor(given.length / 2))).toBe(shown);
  });

  it('every name that is looked for is seen by the first look, on a line of its own', () => {
    for (const [, prefix, rest, shortest] of tokens)
      expect(redactText(`\n\n${prefix}${rest.slice(0, shortest)}\n\n`)).toBe(`\n\n${mark}\n\n`);
  });
});

describe('a line without an end', () => {
  const token = ['ghp', '_', 'a1B2'.repeat(9)].join('');
  const window = 64 * 1024;
  const overlap = 4 * 1024;

  it('keeps a credential whole wherever the border falls on it', () => {
    // The border lies one overlap before the end of what has come; each text puts the token elsewhere on it.
    for (let shift = -token.length - 2; shift <= 2; shift++) {
      const before = '. '.repeat((window + 10) / 2).slice(0, window + 2 - overlap + shift);
      const text = `${before}${token} ${'. '.repeat(overlap)}`;
      for (const size of [window + 1, window + 2, window + 3]) {
        const shown = cutAt(text, [], size);
        if (shown !== text.replace(token, mark)) expect.fail(`shift ${shift}, size ${size}`);
      }
    }
  });

  it('is held up to 64 KiB, and all but the last 4 KiB go out with one byte more', () => {
    const redactor = createRedactor([]);
    expect(redactor.push(Buffer.alloc(window, '.')).length).toBe(0);
    expect(redactor.push(Buffer.from('.')).length).toBe(window + 1 - overlap);
    expect(redactor.flush().length).toBe(overlap);
  });

  it.each([' ', '"', "'", '`', ',', ';', '\n'])('a credential longer than all of it ends at %j', stop => {
    const text = `password=${'s'.repeat(2 * window)}${stop} well`;
    for (const size of [1000, window, window + 1]) {
      const offsets = Array.from({ length: Math.floor(text.length / size) }, (_, n) => (n + 1) * size);
      expect(cutAt(text, [], ...offsets)).toBe(`password=${mark}${stop} well`);
    }
  });

  it('goes on after such a credential as before it', () => {
    const text = `password=${'s'.repeat(2 * window)} ${'. '.repeat(window)}${token} end\npassword=abc\n`;
    const offsets = Array.from({ length: Math.floor(text.length / 5000) }, (_, n) => (n + 1) * 5000);
    expect(cutAt(text, [], ...offsets)).toBe(`password=${mark} ${'. '.repeat(window)}${mark} end\npassword=${mark}\n`);
  });
});

describe('private keys', () => {
  const kind = 'PRIVATE KEY';
  const [first, last] = [`-----BEGIN ${kind}-----`, `-----END ${kind}-----`];
  const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8c';

  it.each([
    ['alone', `${first}\n${line}\n${last}`, `${mark}\n`],
    ['between lines', `a\n${first}\n${line}\n${last}\nb\n`, `a\n${mark}\n\nb\n`],
    ['on one line', `x ${first}${line}${last} y`, `x ${mark} y`],
    ['indented, quoted', `> ${first}\n>  ${line}\n> ${last}\nb`, `> ${mark}\n\nb`],
    ['in a program', `"${first}\\n" +\n"${line}\\n" +\n"${last}";\nb`, `"${mark}\n";\nb`],
    ['with headers', `${first}\nProc-Type: 4,ENCRYPTED\n\n${line}\n${last}`, `${mark}\n`],
    ['of a kind', `-----BEGIN RSA ${kind}-----\n${line}\n-----END RSA ${kind}-----`, `${mark}\n`],
    ['of PGP', `-----BEGIN PGP ${kind} BLOCK-----\n${line}\n-----END PGP ${kind} BLOCK-----`, `${mark}\n`],
    ['two', `${first}\n${line}\n${last}\n${first}\n${line}\n${last}\nb`, `${mark}\n\n${mark}\n\nb`],
    ['without an end', `${first}\n${line}\n`, `${mark}\n`],
    [
      'a line that is no key ends it',
      `${first}\n${line}\nfine, all is well\n${line}\n`,
      `${mark}\nfine, all is well\n${line}\n`,
    ],
    ['a public one', `-----BEGIN PUBLIC KEY-----\n${line}\n`, `-----BEGIN PUBLIC KEY-----\n${line}\n`],
    ['an end alone', `${last}\n${line}\n`, `${last}\n${line}\n`],
  ])('%s', (_, given, shown) => {
    expect(redactText(given)).toBe(shown);
    for (const at of [1, 10, 30, 40, given.length - 3]) expect(cutAt(given, [], at)).toBe(shown);
  });

  it('have at most 400 lines after the first, of at most 256 characters: what follows is shown', () => {
    const lines = (count: number, of = line) => `${of}\n`.repeat(count);
    expect(redactText(`${first}\n${lines(400)}`)).toBe(`${mark}\n`);
    const shown = redactText(`${first}\n${lines(500)}`).split('\n');
    expect(shown[0]).toBe(mark);
    expect(shown.length).toBeGreaterThan(90);
    expect(shown.length).toBeLessThan(110);
    expect(redactText(`${first}\n${'A'.repeat(255)}\nB C\n`)).toBe(`${mark}\nB C\n`);
    expect(redactText(`${first}\n${'A'.repeat(256)}\n${line}\n`)).toBe(`${mark}\n${'A'.repeat(256)}\n${line}\n`);
  });
});
