import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSecrets, createRedactor, redactJson, redactText } from '../../../src/kernel/redact/redact.ts';

const secret = 'hunter2-S3cr3t/Value+with\'quote"=&ü';

/** Feeds the text in chunks of the given sizes, over and over. */
function inChunks(text: string | Buffer, secrets: string[], sizes: readonly number[]): string {
  const bytes = Buffer.from(text);
  const redactor = createRedactor(secrets);
  const out: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    out.push(redactor.push(bytes.subarray(at, at + size)));
    at += size;
  }
  out.push(redactor.flush());
  return Buffer.concat(out).toString('latin1');
}

describe('known secrets', () => {
  const b64 = (before: string, after: string) => Buffer.from(before + secret + after).toString('base64');
  const leaks: [string, string][] = [
    ['raw', `a ${secret} b`],
    ['twice in a row', secret + secret],
    ['JSON', JSON.stringify({ value: secret })],
    ['shell quotes', `'${secret.replaceAll("'", `'\\''`)}'`],
    ['URL', `https://x.example/?q=${encodeURIComponent(secret)}&z`],
    ['URL, lower case', encodeURIComponent(secret).replace(/%../g, c => c.toLowerCase())],
    ['form', new URLSearchParams({ value: secret }).toString()],
    ['hex', Buffer.from(secret).toString('hex')],
    ['hex, upper case', Buffer.from(secret).toString('hex').toUpperCase()],
    ['base64', b64('', '')],
    ['base64 with a new line', b64('', '\n')],
    ['base64, second alignment', b64('x', 'y')],
    ['base64, third alignment', b64('xy', '')],
    ['base64, inside', b64('user:', '@host')],
    ['base64url', b64('', '').replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
  ];
  // What is left of a form when it was redacted: no six characters in a row of it.
  const pieces = (text: string) => Array.from({ length: Math.max(0, text.length - 5) }, (_, i) => text.slice(i, i + 6));
  const forms = [
    secret,
    Buffer.from(secret).toString('hex'),
    b64('', ''),
    b64('x', ''),
    b64('xy', ''),
    encodeURIComponent(secret),
  ];

  it.each(leaks)('%s, whatever the chunks', (_, text) => {
    const whole = redactText(text, [secret]);
    expect(whole).toContain('[redacted]');
    for (const size of [1, 2, 3, 5, 7, 16, 64]) {
      const result = inChunks(text, [secret], [size]);
      expect(result).toBe(Buffer.from(whole).toString('latin1'));
      for (const piece of pieces(secret)) expect(result).not.toContain(piece);
    }
    for (const form of forms) expect(whole).not.toContain(form);
  });

  it('over the line breaks of base64 -w76 and xxd, wherever they fall', () => {
    for (let before = 0; before < 80; before++) {
      const text = execFileSync('base64', { input: `${'x'.repeat(before)}${secret}${'y'.repeat(60)}` }).toString();
      const result = redactText(text, [secret]);
      expect(result).toContain('[redacted]');
      // Undone, it shows at most the first bytes, which a break may cut off.
      const left = result
        .split(/\[redacted\]|\n/)
        .map(part => Buffer.from(part, 'base64').toString('latin1'))
        .join('|');
      expect(left).not.toContain(secret.slice(4, 12));
    }
  });

  it('each line of one that has several', () => {
    const key = `-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END X-----`;
    const shown = redactText(`> MIIEvQIBADANBgkqhkiG9w0B\r\n>   AQEFAASCBKcwggSjAgEAAoIB\nfine`, [key]);
    expect(shown).toBe('> [redacted]\r\n>   [redacted]\nfine');
  });

  it('four and five characters only raw, fewer not at all', () => {
    expect(redactText('abcd efgh', ['abcd'])).toBe('[redacted] efgh');
    expect(redactText(Buffer.from('abcd').toString('hex'), ['abcd'])).toBe('61626364');
    expect(redactText('abc is the alphabet', ['abc', '', ' '])).toBe('abc is the alphabet');
  });

  it('the longest where one is part of another', () => {
    expect(redactText('x opensesame y', ['opens', 'opensesame', 'sesame'])).toBe('x [redacted] y');
  });

  it('overlapping ones as one', () => {
    expect(redactText('1 abcdefgh 2', ['abcdef', 'cdefgh'])).toBe('1 [redacted] 2');
    expect(redactText(`aaaaaaaaaaaaa`, ['aaaa'])).toBe('[redacted]');
  });

  it('multibyte, torn anywhere', () => {
    for (const size of [1, 2, 3])
      expect(inChunks('é🎉geheim🎉é', ['🎉geheim🎉'], [size])).toBe(Buffer.from('é[redacted]é').toString('latin1'));
  });

  it('property: no secret survives, and the rest is as it was', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '1', '\n', 'é'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 4, maxLength: 9 }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.array(fc.oneof(word, fc.nat(2)), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        (secrets, parts, sizes) => {
          const text = parts
            .map(part => (typeof part === 'string' ? part : (secrets[part % secrets.length] ?? '')))
            .join('');
          const whole = inChunks(text, secrets, [1_000_000]);
          expect(inChunks(text, secrets, sizes)).toBe(whole);
          const unbroken = whole.split('[redacted]');
          for (const part of unbroken) for (const one of secrets) expect(part).not.toContain(one);
          if (unbroken.length === 1) expect(whole).toBe(Buffer.from(text).toString('latin1'));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('leaves binary without secrets byte for byte', () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919 + (i >> 8)) % 256));
    for (const size of [1000, 4097, 65_536])
      expect(inChunks(bytes, [secret], [size]) === bytes.toString('latin1')).toBe(true);
  });

  it('holds back no more than it must: a line that is whole goes out at once', () => {
    const redactor = createRedactor([secret]);
    expect(redactor.push(Buffer.from('Working\n')).toString()).toBe('Working\n');
    expect(redactor.push(Buffer.from(`${secret.slice(0, 3)}\n`)).toString()).toBe(`${secret.slice(0, 3)}\n`);
  });

  it('everywhere in a value', () => {
    const value = { [`a${secret}`]: [secret, 1, null, { b: `x ${secret}` }], 'password: hunter2': true };
    expect(redactJson(value, [secret])).toEqual({
      'a[redacted]': ['[redacted]', 1, null, { b: 'x [redacted]' }],
      'password: [redacted]': true,
    });
  });

  it('can be made ready once', () => {
    const ready = compileSecrets([secret]);
    expect(redactText(secret, ready)).toBe('[redacted]');
    expect(redactText(secret, ready)).toBe('[redacted]');
  });
});

describe('what looks like a credential', () => {
  // Put together here, so that scanners of repositories do not take them for real ones.
  const made = (...parts: string[]) => parts.join('');
  it.each([
    ['AWS key id', made('AK', 'IAIOSFODNN7EXAMPLE')],
    ['GitHub', made('ghp', '_', 'a1B2'.repeat(9))],
    ['GitHub, fine-grained', made('github', '_pat_', 'a1B2'.repeat(10))],
    ['Slack bot', made('xo', 'xb-123456789012-abcdefABCDEF')],
    ['Slack app', made('xa', 'pp-1-A0123456789-abcdef')],
    ['JWT', made('ey', 'JhbGciOiJIUzI1NiJ9.', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0.', 'abc-DEF_123')],
    ['Google', made('AI', 'zaSy', 'A1b2C3d4E'.repeat(4).slice(0, 33))],
  ])('%s', (_, token) => {
    expect(redactText(`see ${token}, please`)).toBe('see [redacted], please');
    expect(inChunks(`see ${token}, please`, [], [3])).toBe('see [redacted], please');
  });

  it.each([
    ['password=hunter2 next', 'password=[redacted] next'],
    ['{"dbPassword": "hunter2", "user": "bob"}', '{"dbPassword": "[redacted]", "user": "bob"}'],
    ['AWS_SECRET_ACCESS_KEY: abc/def+ghi', 'AWS_SECRET_ACCESS_KEY: [redacted]'],
    ['  api-key => "abcdef"', '  api-key => "[redacted]"'],
    ['Authorization: Bearer abcdef123456', 'Authorization: Bearer [redacted]'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic [redacted]'],
    ['curl -H "Authorization: token abc123def"', 'curl -H "Authorization: token [redacted]"'],
    ['postgres://app:s3cret@db/app', 'postgres://app:[redacted]@db/app'],
    ['the password is not shown', 'the password is not shown'],
    ['tokens: 4096, http://host:8080/path', 'tokens: 4096, http://host:8080/path'],
    ['password=[redacted]', 'password=[redacted]'],
  ])('%s', (given, shown) => {
    expect(redactText(given)).toBe(shown);
    expect(inChunks(given, [], [4])).toBe(shown);
  });

  const body = Array.from({ length: 26 }, (_, i) =>
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8c'.slice(i % 3),
  ).join('\n');
  const pem = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n${body}\n-----END RSA PRIVATE KEY-----`;

  it('private keys over lines, in any chunks', () => {
    for (const size of [1, 17, 100_000]) expect(inChunks(`a\n${pem}\nb\n`, [], [size])).toBe('a\n[redacted]\n\nb\n');
  });
  it('private keys on one line of JSON', () => {
    expect(redactText(JSON.stringify({ key: pem, user: 'x' }))).toBe('{"key":"[redacted]","user":"x"}');
  });
  it('a key that has no end takes nothing more with it than what can be a key', () => {
    expect(redactText(`-----BEGIN PRIVATE KEY-----\nAAAA\n# a comment: not a key\nmore\n`)).toBe(
      '[redacted]\n# a comment: not a key\nmore\n',
    );
  });

  it('on a line that never ends', () => {
    const token = made('ghp', '_', 'a1B2'.repeat(9));
    const text = `${'x '.repeat(100_000)}${token} ${'y '.repeat(100_000)}${token}`;
    for (const size of [999, 65_536, 1_000_000]) {
      expect(inChunks(text, [], [size])).toBe(text.replaceAll(token, '[redacted]'));
    }
  });
  it('one that is longer than what is kept back', () => {
    const text = `password=${'s'.repeat(300_000)} end`;
    for (const size of [1000, 65_536, 1_000_000]) expect(inChunks(text, [], [size])).toBe('password=[redacted] end');
  });
});

describe('hostile text takes time in proportion to its length', () => {
  // Counted in work, not in time: the cost of ten times the text must not be anything like a hundred times.
  it.each([
    ['starts of JWTs', 'eyJ'],
    ['starts of keys', '-----BEGIN PRIVATE KEY-----'],
    ['colons', '://:'],
    ['assignments', 'password='],
    ['white space', 'secret        '],
    ['the secret but for its last character', 'aaaaaaaaaaaaaaaa'],
    ['plus signs after a BEGIN', '-----BEGIN PRIVATE KEY-----\n+++++++++++++++'],
  ])('%s', (_, part) => {
    const cost = (length: number) => {
      const text = part.repeat(Math.ceil(length / part.length));
      const before = process.cpuUsage();
      redactText(text, [`${'a'.repeat(60)}b`]);
      const used = process.cpuUsage(before);
      return used.user + used.system;
    };
    cost(200_000);
    const small = Math.max(2000, cost(200_000));
    expect(cost(2_000_000)).toBeLessThan(small * 40);
  });
});
