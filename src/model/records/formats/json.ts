import { isMap } from '../../incoming.ts';
import type { RecordFormat, RecordReader, RecordSink } from '../types.ts';
import { readElements } from './json-elements.ts';
import { JsonRecord, type ReadTime, timeReader } from './json-record.ts';
import { faultOf } from './lines.ts';

export const json: RecordFormat = {
  id: 'json',
  about:
    'JSON objects: one a line (NDJSON), one behind the other (as the Splunk HTTP Event Collector has them), or in lists. The time is in the member that `time` names: RFC 3339, or seconds to nanoseconds since the epoch.',
  fields: null,
  examples: [
    {
      title: 'Two lines, and one that is no JSON',
      options: { time: 'time' },
      input: '{"time":"2026-11-20T09:00:00Z","user":"ann","ok":false}\nbroken\n{"user":"bob","n":{"a":[1]}}\n',
      records: [
        { at: '2026-11-20T09:00:00.000Z', fields: { user: 'ann', ok: false } },
        { at: null, fields: { user: 'bob', n: { a: [1] }, ok: undefined } },
      ],
      faults: ['not-json'],
    },
    {
      title: 'A list, and what is no object in it',
      input: '[{"a":1},5,{"a":"]}\\"{["}, {\n"a":{"b":3}\n}]',
      records: [{ fields: { a: 1 } }, { fields: { a: ']}"{[' } }, { fields: { a: { b: 3 } } }],
      faults: ['not-an-object'],
    },
    {
      title: 'Events of the HTTP Event Collector, one behind the other',
      options: { time: 'time' },
      input: '{"time":1763629200.5,"host":"web-1","event":{"user":"ann"}}{"time":"1763629201","event":"text"}',
      records: [
        { at: '2025-11-20T09:00:00.500Z', fields: { host: 'web-1', event: { user: 'ann' } } },
        { at: '2025-11-20T09:00:01.000Z', fields: { event: 'text' } },
      ],
    },
    {
      title: 'Only the object that is not closed is lost',
      input: '{"a":1}\n{"a":"2\n{"a":3}\n{"a":{"b":4}\n{"a":5}\n',
      records: [{ fields: { a: 1 } }, { fields: { a: 3 } }, { fields: { a: 5 } }],
      faults: ['not-json', 'not-json'],
    },
  ],
  open: (sink, options) => openJson(sink, timeReader(options.time)),
};

/**
 * Reads objects, also those in a list that is a member of the outermost object under one of the names. `more` may add members.
 */
export function openJson(
  sink: RecordSink,
  at: ReadTime,
  lists: readonly string[] = [],
  more: (value: Record<string, unknown>) => Readonly<Record<string, unknown>> = value => value,
): RecordReader {
  let place = 0;
  const fault = (cause: string, text: string) => sink.fault(faultOf(cause, text), ++place);
  return readElements(
    {
      element(text) {
        const value = parse(text);
        if (value === undefined) fault('not-json', text);
        else if (!isMap(value)) fault('not-an-object', text);
        else sink.record(new JsonRecord(more(value), at, text), ++place);
      },
      long: beginning => fault('too-long', beginning),
      cut: text => fault('not-json', text),
    },
    lists,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
