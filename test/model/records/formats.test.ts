import { describe, expect, test } from 'vitest';
import { formats, type LogRecord, type RecordFault } from '../../../src/model/records/records.ts';

/** Reads a text in pieces of so many bytes. */
function readAll(id: string, text: string, options: object, size: number) {
  const records: { at: string | null; fields: Record<string, unknown> }[] = [];
  const faults: RecordFault[] = [];
  const places: number[] = [];
  const copy = (record: LogRecord) => {
    const at = record.at();
    const fields = Object.fromEntries(record.names().map(name => [name, record.get(name)]));
    return { at: at === null ? null : new Date(at).toISOString(), fields };
  };
  const reader = formats[id]?.open(
    {
      record(record, place) {
        records.push(copy(record));
        places.push(place);
      },
      fault(fault, place) {
        faults.push(fault);
        places.push(place);
      },
    },
    options,
  );
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reader?.read(bytes.subarray(at, at + size));
  reader?.end();
  return { records, faults, places };
}

describe.each(Object.values(formats))('$id', format => {
  test.each([...format.examples])('$title', ({ input, options = {}, records, faults = [] }) => {
    for (const size of [1, 7, 1 << 20]) {
      const found = readAll(format.id, input, options, size);
      expect(found.records).toHaveLength(records.length);
      for (const [index, { at, fields }] of records.entries()) {
        const { fields: given, at: time } = found.records[index] ?? { fields: {}, at: null };
        if (at !== undefined) expect(time).toBe(at);
        for (const [name, value] of Object.entries(fields)) expect(given[name], name).toEqual(value);
      }
      expect(found.faults.map(fault => fault.cause)).toEqual(faults);
      expect(found.places).toEqual(found.places.map((_, index) => index + 1));
    }
  });
});
