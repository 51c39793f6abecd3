import { describe, expect, test, vi } from 'vitest';
import { formats, type RecordFault } from '../../../src/model/records/records.ts';

const options = { pattern: '^(?P<a>\\S+) (?P<b>.*)$', time: 'a' };

function read(id: string, pieces: Iterable<Buffer>) {
  const found = { records: 0, faults: [] as RecordFault[], longest: 0 };
  const reader = formats[id]?.open(
    {
      record(record) {
        found.records += 1;
        for (const name of record.names()) record.get(name);
        record.at();
        found.longest = Math.max(found.longest, record.text().length);
      },
      fault: fault => void found.faults.push(fault),
    },
    options,
  );
  for (const piece of pieces) reader?.read(piece);
  reader?.end();
  return found;
}

const chunks = (bytes: Buffer, size = 65_536) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));

/** A good record of each format, as one line. */
const good = (id: string): string => {
  const format = formats[id];
  const example = format?.examples[0];
  return `${example?.input.split('\n').find(line => line !== '' && !line.startsWith('#')) ?? ''}\n`;
};

describe.each(Object.keys(formats))('%s', id => {
  // CloudFront needs the line that names the fields of its example.
  const head = id === 'cloudfront' ? (formats[id]?.examples[0]?.input.split('\n').slice(0, 2).join('\n') ?? '') : '';
  const begin = `${head}\n${id === 'pattern' ? 'x y\n' : good(id)}`;
  const before = read(id, [Buffer.from(begin)]);

  test('its good record is read', () => {
    expect(before.records).toBeGreaterThan(0);
    expect(before.faults).toEqual([]);
  });

  test.each([
    ['a line of 8 MB', Buffer.alloc(8 << 20, 'x')],
    ['an object of 8 MB that is never closed', Buffer.from(`{"a":"${'y'.repeat(8 << 20)}`)],
    ['brackets a million deep', Buffer.alloc(1_000_000, '[')],
    ['braces a million deep', Buffer.from('{"a":'.repeat(200_000))],
    ['NULs', Buffer.alloc(100_000)],
    ['what is no UTF-8', Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x22, 0x5c])],
    ['quotes', Buffer.alloc(100_000, '"')],
    ['backslashes', Buffer.alloc(300_000, '\\')],
    ['a string of backslashes', Buffer.from(`"${'\\'.repeat(300_000)}`)],
    ['blanks', Buffer.alloc(300_000, ' ')],
    ['equal signs', Buffer.from('a=b="c '.repeat(50_000))],
  ])('%s: is no record, is held in bounds, and costs no record behind it', (_what, bytes) => {
    const found = read(id, chunks(Buffer.concat([Buffer.from(begin), bytes, Buffer.from(`\n${begin}`)])));
    expect(found.records).toBeGreaterThanOrEqual(before.records * 2);
    expect(found.longest).toBeLessThanOrEqual(300_000);
    for (const { sample, cause } of found.faults) {
      expect(sample.length).toBeLessThanOrEqual(2000);
      expect(sample.isWellFormed()).toBe(true);
      expect(cause).toMatch(/^[a-z-]{3,40}$/);
    }
  });

  test('nothing at all, and only line ends', () => {
    expect(read(id, [])).toMatchObject({ records: 0, faults: [] });
    expect(read(id, [Buffer.from('\r\n\n\r\n')])).toMatchObject({ records: 0, faults: [] });
  });
});

test('names of objects that JavaScript knows are members like others', () => {
  const json = formats['json'];
  const found: unknown[] = [];
  const reader = json?.open(
    {
      record: record =>
        void found.push(['__proto__', 'constructor', 'toString', 'valueOf'].map(name => record.get(name) ?? null)),
      fault: () => {},
    },
    {},
  );
  reader?.read(Buffer.from('{"__proto__":{"a":1},"constructor":"x"}{"a":1}'));
  reader?.end();
  expect(found).toEqual([
    [{ a: 1 }, 'x', null, null],
    [null, null, null, null],
  ]);
});

test('the line end behind many objects of one line is looked for once for each piece', () => {
  const looks = vi.spyOn(String.prototype, 'indexOf');
  try {
    expect(read('json', chunks(Buffer.from('{"a":"b"}'.repeat(20_000)))).records).toBe(20_000);
    expect(looks.mock.calls.filter(([wanted]) => wanted === '\n').length).toBeLessThan(10);
  } finally {
    looks.mockRestore();
  }
});
