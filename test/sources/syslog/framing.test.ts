import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFraming } from '../../../src/sources/syslog/listen/framing.ts';

function cut(chunks: readonly Buffer[], longest = 1000) {
  const found: { text: string; cut: boolean }[] = [];
  const framing = createFraming(longest, (bytes, isCut) => found.push({ text: bytes.toString('latin1'), cut: isCut }));
  const fine = chunks.every(chunk => framing.push(chunk));
  framing.end();
  return { found, fine };
}

function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map(one => one % (bytes.length + 1)), bytes.length].sort((one, other) => one - other);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const body = fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' });
const splits = fc.array(fc.nat(), { maxLength: 10 });

test('counted messages come out as they went in, wherever the chunks end', () => {
  fc.assert(
    fc.property(fc.array(body, { minLength: 1 }), splits, (bodies, at) => {
      const texts = bodies.map(one => `<13>${one}x`);
      const bytes = Buffer.from(texts.map(one => `${one.length} ${one}`).join(''), 'latin1');
      expect(cut(pieces(bytes, at))).toEqual({ found: texts.map(text => ({ text, cut: false })), fine: true });
    }),
  );
});

test('lines come out as they went in, wherever the chunks end, and the last without its end', () => {
  fc.assert(
    fc.property(fc.array(body, { minLength: 1 }), splits, fc.boolean(), (bodies, at, ended) => {
      const texts = bodies.map(one => `<13>${one.replaceAll('\n', ' ')}x`);
      const bytes = Buffer.from(texts.join('\n') + (ended ? '\n' : ''), 'latin1');
      expect(cut(pieces(bytes, at))).toEqual({ found: texts.map(text => ({ text, cut: false })), fine: true });
    }),
  );
});

test.each([
  ['lines that begin with digits are lines', '2026-11-29 a\n2026-11-29 b\n', ['2026-11-29 a', '2026-11-29 b']],
  ['a line of digits alone', '12345', ['12345']],
  ['more digits than a length has', '123456789 a\nb', ['123456789 a', 'b']],
  ['empty lines are none', '\n\r\n<13>a\r\n\n', ['<13>a']],
  ['a line end that was not counted is skipped', '5 <13>a\n5 <13>b\n', ['<13>a', '<13>b']],
  ['a line end that was counted is no part of the message', '6 <13>a\n6 <13>b\n', ['<13>a', '<13>b']],
  ['a line end within a counted message belongs to it', '7 <13>a\nb', ['<13>a\nb']],
  ['nothing', '', []],
])('%s', (_title, text, expected) => {
  const { found, fine } = cut([...Buffer.from(text)].map(byte => Buffer.from([byte])));
  expect(found).toEqual(expected.map(one => ({ text: one, cut: false })));
  expect(fine).toBe(true);
});

test('of a message that is too long the beginning is taken, and the next one is whole', () => {
  const long = 'x'.repeat(5000);
  const expected = [
    { text: 'x'.repeat(100), cut: true },
    { text: 'next', cut: false },
  ];
  expect(cut([Buffer.from(`<${long}\nnext\n`)], 100).found[1]).toEqual(expected[1]);
  expect(cut([Buffer.from(`5000 ${long}4 next`)], 100).found).toEqual(expected);
});

test('a counted message that is not whole at the end is cut', () => {
  expect(cut([Buffer.from('5 <13>a9 <13>')])).toEqual({
    found: [
      { text: '<13>a', cut: false },
      { text: '<13>', cut: true },
    ],
    fine: true,
  });
});

test.each(['5 <13>anonsense', '5 <13>a0 x', '5 <13>a 5 x', '5 <13>a123456789 x'])('%s: is no framing', text => {
  expect(cut([Buffer.from(text)]).fine).toBe(false);
});
