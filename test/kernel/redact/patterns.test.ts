import { describe, expect, it } from 'vitest';
import { createPatternFilter } from '../../../src/kernel/redact/patterns.ts';

const mark = '[redacted]';
const window = 64 * 1024;
const overlap = 4 * 1024;

/** What comes out for these parts, one by one, and at the end. */
function pushed(...parts: string[]): string[] {
  const filter = createPatternFilter();
  return [...parts.map(part => filter.push(Buffer.from(part))), filter.flush()].map(String);
}
const shown = (...parts: string[]) => pushed(...parts).join('');
/** Text without words, of this length. */
const dots = (length: number) => '. '.repeat(length / 2 + 1).slice(0, length);

// Put together here, so that scanners of repositories do not take them for real ones.
const token = `gh${'p'}_${'a1B2'.repeat(9)}`;
const amazon = `AK${'IA'}${'A1B2'.repeat(4)}`;
const kind = 'PRIVATE KEY';
const [first, last] = [`-----BEGIN ${kind}-----`, `-----END ${kind}-----`];
const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8c';

describe('several credentials on a line', () => {
  it.each([
    ['whatever their order', `password=abc ${token} ${amazon}.`, `password=${mark} ${mark} ${mark}.`],
    ['one into the other', 'password=x://u:pa,ss@h', `password=${mark}@h`],
    ['one within another', `password=${token}.x `, `password=${mark} `],
    ['one after the other without a gap', 'password=://u:&pw@h', `password=${mark}${mark}@h`],
    ['one at the start of a line of a private key', `${first}\n${amazon}\n${line}\n${last}\n`, `${mark}\n\n`],
  ])('%s', (_, given, wanted) => expect(shown(given)).toBe(wanted));
});

it('a name may be written in one word', () => {
  expect(shown('secretkey=abc passwd=abc')).toBe(`secretkey=${mark} passwd=${mark}`);
});

it('whole lines go out at once, as they came, whatever the alphabet', () => {
  expect(pushed('caf\u00e9 \u{1f389}\ntoken=caf\u00e9 \u2026\nrest')).toEqual([
    `caf\u00e9 \u{1f389}\ntoken=${mark} \u2026\n`,
    'rest',
  ]);
});

it('a private key after an empty line ends with its lines', () => {
  expect(shown(`\n${first}\n${line}\nfine, all is well\n`)).toBe(`\n${mark}\nfine, all is well\n`);
});

it('a private key within a later line takes nothing from before it', () => {
  expect(shown(`all is well\nkey: ${first}${line}${last} end`)).toBe(`all is well\nkey: ${mark} end`);
  expect(shown(`all is well\nkey: ${first} ${line} ${last} end`)).toBe(`all is well\nkey: ${mark} end`);
  expect(shown(`all is well\nkey: ${first}\n${line}\n${last} end`)).toBe(`all is well\nkey: ${mark}\n end`);
});

describe('a line that is too long to be held', () => {
  it.each<[name: string, before: string, secret: string, after: string]>([
    ['a password', 'password=', 'hunter2222', ' '],
    ['a header', 'Authorization: Bearer ', 'hunter2222abcd', ' '],
    ['an address', 'https://user:', 'hunter2222', '@host '],
    ['a hook', 'https://hooks.slack.com/services/', 'T1/B2/hunter2222', ' '],
    ['a private key', '', `${first}\\nhunter2222\\n${line}\\n${last}`, '" '],
    ['two that share a part', 'password=', 'x://u:hunter,2222', '@h '],
  ])('shows nothing of %s, wherever the border falls on it or its name', (_, before, secret, after) => {
    for (let shift = -before.length - secret.length - 2; shift <= 2; shift++) {
      const start = dots(window + 2 - overlap + shift);
      const text = `${start}${before}${secret}${after}${dots(overlap)}`;
      const out = shown(text.slice(0, window + 2), text.slice(window + 2));
      if (out !== text.replace(secret, mark)) expect.fail(`shift ${shift}: ${out.replaceAll('. ', '')}`);
    }
  });

  it('shows nothing of two without a gap, wherever the border falls', () => {
    for (let shift = -20; shift <= 2; shift++) {
      const text = `${dots(window + 2 - overlap + shift)} password=://u:&pw@h ${dots(overlap)}`;
      const out = shown(text.slice(0, window + 2), text.slice(window + 2));
      if (!out.includes(` password=${mark}${mark}@h `)) expect.fail(`shift ${shift}`);
    }
  });

  it('shows no private key that lies in it from end to end', () => {
    const key = `${first}\\n${line}\\n${last}`;
    expect(shown(`"${key}", ${dots(window)}`, `"${key}"`)).toBe(`"${mark}", ${dots(window)}"${mark}"`);
  });

  it.each([
    ['of a kind', `-----BEGIN RSA ${kind}-----${line}-----END RSA ${kind}-----x`, `${mark}x`],
    ['of PGP', `-----BEGIN PGP ${kind} BLOCK-----${line}-----END PGP ${kind} BLOCK-----x`, `${mark}x`],
    ['without an end', `${first}${line} x`, `${mark} x`],
    ['that is public', `-----BEGIN PUBLIC KEY-----${line} x`, `-----BEGIN PUBLIC KEY-----${line} x`],
  ])('a private key %s', (_, key, wanted) => {
    expect(shown(`${key} ${dots(window)}`)).toBe(`${wanted} ${dots(window)}`);
  });

  it('goes out up to the border, whatever was found before it or stands after it', () => {
    const before = `${token} `;
    const after = ` ${token}`;
    const text = `${before}${dots(window)}${after}`;
    const [out = '', rest] = pushed(text);
    expect(rest).toHaveLength(overlap - token.length + mark.length);
    expect(out.length + overlap).toBe(text.length - token.length + mark.length);
  });

  it('waits with what stands at its end, until it is known where that ends', () => {
    expect(shown(`${dots(window)} password=abc`, '&x=1 ')).toBe(`${dots(window)} password=${mark}&x=1 `);
    // From the border to the end, and nothing before it.
    const whole = `password=${'s'.repeat(overlap - 9)}`;
    expect(shown(`${dots(window)}${whole}`, '&x=1 ')).toBe(`${dots(window)}password=${mark}&x=1 `);
  });

  it('drops what goes on of one, up to its end and no further', () => {
    const long = `password=${'s'.repeat(window)}`;
    expect(pushed(long, 's', ' well', '\n')).toEqual([`password=${mark}`, '', '', ' well\n', '']);
    expect(pushed(long, ' well\n', ' well\n')).toEqual([`password=${mark}`, ' well\n', ' well\n', '']);
    expect(pushed(long, 'sss')).toEqual([`password=${mark}`, '', '']);
  });
});
