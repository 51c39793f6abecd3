import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakDepth, buildAutomaton, formsOf, step } from '../../../src/kernel/redact/forms.ts';

const forms = (secret: string) => formsOf(secret).map(form => form.toString());

describe('the forms of a secret', () => {
  it('are none under four characters, the raw one up to five, and the encoded ones from six on', () => {
    expect([forms(''), forms('abc'), forms('  abc  '), forms('\n\n\n\n\n')]).toEqual([[], [], [], []]);
    // Neither is one that only its quotes or its line breaks make as long.
    expect([forms('a"c'), forms("a'c")]).toEqual([[], []]);
    expect(forms('a\n\n\nb')).toEqual(['a\\n\\n\\nb']);
    expect([forms('abcd'), forms('abcde'), forms(' abcd\n')]).toEqual([['abcd'], ['abcde'], ['abcd']]);
    expect(forms('abcdef')).toEqual([
      'abcdef',
      '616263646566',
      'YWJjZGVm',
      'WJjZGVm',
      'JjZGVm',
      'FiY2RlZ',
      'iY2RlZ',
      'hYmNkZW',
      'YmNkZW',
    ]);
  });

  it('are those of JSON, of shells, of addresses and of forms, in both cases of hex', () => {
    const all = forms(`a b/c'd"\u00e9(!)*z`);
    for (const form of [
      `a b/c'd"\u00e9(!)*z`,
      `a b/c'd\\"\u00e9(!)*z`,
      `a b/c'\\''d"\u00e9(!)*z`,
      `a%20b%2Fc'd%22%C3%A9(!)*z`,
      `a%20b%2fc'd%22%c3%a9(!)*z`,
      `a+b%2Fc'd%22%C3%A9(!)*z`,
      `a+b%2fc'd%22%c3%a9(!)*z`,
      'a%20b%2Fc%27d%22%C3%A9%28%21%29%2Az',
      'a%20b%2fc%27d%22%c3%a9%28%21%29%2az',
      'a+b%2Fc%27d%22%C3%A9%28%21%29%2Az',
      'a+b%2fc%27d%22%c3%a9%28%21%29%2az',
      '6120622f63276422c3a92821292a7a',
      '6120622F63276422C3A92821292A7A',
    ])
      expect(all).toContain(form);
    expect(forms('tab\there')).toContain('tab\\there');
    expect(forms('a b c d "')).toContain('a b c d \\"');
  });

  it('are in base64 whole, at the two other alignments, and from up to four characters later', () => {
    const all = forms('abcdefgh');
    expect(all.slice(2)).toEqual([
      'YWJjZGVmZ2g=',
      'YWJjZGVmZ2g',
      'YWJjZGVmZ2',
      'WJjZGVmZ2',
      'JjZGVmZ2',
      'jZGVmZ2',
      'ZGVmZ2',
      'FiY2RlZmdo',
      'iY2RlZmdo',
      'Y2RlZmdo',
      '2RlZmdo',
      'RlZmdo',
      'hYmNkZWZna',
      'YmNkZWZna',
      'mNkZWZna',
      'NkZWZna',
      'kZWZna',
    ]);
    const padded = forms('abcdefg').filter(form => form.startsWith('YWJjZGVmZ'));
    expect(padded).toEqual(['YWJjZGVmZw==', 'YWJjZGVmZw', 'YWJjZGVmZ']);
    expect(forms('ab"cde')).toEqual(expect.not.arrayContaining(['abcde']));
    const url = forms('\u00fb\u00ff\u00fe\u00fb\u00ff\u00fe');
    expect(url.filter(form => /[+/]/.test(form)).length).toBeGreaterThan(0);
    for (const form of url.filter(one => !one.includes('%')))
      expect(url).toContain(form.replaceAll('+', '-').replaceAll('/', '_'));
  });

  it('of several lines are also each line that is long enough, and none has a line break', () => {
    const all = forms('12345678\n1234567\r\n   abcdefgh  \n1234 567');
    for (const form of ['123456781234567   abcdefgh  1234 567', '12345678', 'abcdefgh', '1234 567'])
      expect(all).toContain(form);
    expect(all).not.toContain('1234567');
    for (const form of all) expect(form).not.toMatch(/[\r\n]/);
    // One line is none of several.
    expect(forms('12345678 12345678')).not.toContain('12345678');
  });

  it('are each there once, and hold what no encoding has a form for', () => {
    for (const secret of ['abcdefgh', '12345678\n12345678', 'aaaaaaaaaaaa', '\ud800abcdef']) {
      const all = forms(secret);
      expect(new Set(all).size).toBe(all.length);
    }
    expect(forms('\ud800abcdef')).toContain('%EF%BF%BDabcdef');
  });

  it('property: whatever stands around it, its encodings hold one of them', () => {
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 8, maxLength: 20, unit: 'binary' })
          .filter(text => text.trim().length >= 8 && text.isWellFormed()),
        fc.string({ maxLength: 5 }),
        fc.string({ maxLength: 5 }),
        (secret, before, after) => {
          const value = secret.trim();
          const all = forms(value);
          const holds = (text: string) => all.some(form => text.replace(/[\r\n]/g, '').includes(form));
          const whole = Buffer.from(before + value + after);
          expect(holds(whole.toString('base64'))).toBe(true);
          expect(holds(whole.toString('base64url'))).toBe(true);
          expect(holds(whole.toString('hex'))).toBe(true);
          expect(holds(encodeURIComponent(value))).toBe(true);
          expect(holds(new URLSearchParams({ a: value }).toString().slice(2)) || /[~]/.test(value)).toBe(true);
          expect(holds(JSON.stringify(value))).toBe(true);
        },
      ),
    );
  });
});

describe('the automaton', () => {
  /** The length of the longest form that ends at each byte; 0 for none. As redact.ts follows the links. */
  function ends(all: readonly string[], text: string): number[] {
    const made = buildAutomaton(all.map(form => Buffer.from(form)));
    let node = 0;
    return [...Buffer.from(text)].map(byte => {
      let next = step(made, node, byte);
      while (next === 0 && node !== 0) {
        node = made.fail[node] ?? 0;
        next = step(made, node, byte);
      }
      node = next;
      return made.ends[node] ?? 0;
    });
  }

  it('property: finds the longest form that ends at each byte, as a search by hand does', () => {
    const form = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(form, { minLength: 1, maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 30 }),
        (all, text) => {
          const byHand = Array.from(text, (_, n) =>
            Math.max(0, ...all.filter(one => text.slice(0, n + 1).endsWith(one)).map(one => one.length)),
          );
          expect(ends(all, text)).toEqual(byHand);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('has one node for each beginning, and knows how deep each is', () => {
    const made = buildAutomaton(['abc', 'abd', 'b'].map(form => Buffer.from(form)));
    const a = step(made, 0, 0x61);
    const ab = step(made, a, 0x62);
    expect([a, ab].map(node => made.depth[node])).toEqual([1, 2]);
    const leaves = [step(made, ab, 0x63), step(made, ab, 0x64)];
    expect(leaves.map(node => made.depth[node])).toEqual([3, 3]);
    expect(new Set([0, a, ab, ...leaves]).size).toBe(5);
    expect([step(made, 0, 0x7a), step(made, a, 0x61), step(made, ab, 0x62)]).toEqual([0, 0, 0]);
    // What ends within another one is seen there.
    expect([made.ends[a], made.ends[ab], ...leaves.map(node => made.ends[node])]).toEqual([0, 1, 3, 3]);
    expect(made.byte.length).toBe(8);
    expect(breakDepth).toBe(4);
  });
});
