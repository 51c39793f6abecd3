import type { RecordFormat } from '../types.ts';
import { JsonRecord, timeReader } from './json-record.ts';
import { faultOf, readLines } from './lines.ts';

/** The most members of a line. */
const mostPairs = 200;

const pair = /([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?:\s+|$)/y;

export const logfmt: RecordFormat = {
  id: 'logfmt',
  about:
    'Lines of name=value, with quotes around values with blanks. A name alone is true. All other values are texts; `int(record.status)` makes a number. The time is in the member that `time` names, else in `time` or `ts`.',
  fields: null,
  examples: [
    {
      title: 'A line, and one that is none',
      input: 'time=2025-11-20T09:00:00Z level=warn msg="login \\"failed\\"" user=ann retry status=401\nwhat="is this\n',
      records: [
        {
          at: '2025-11-20T09:00:00.000Z',
          fields: { level: 'warn', msg: 'login "failed"', user: 'ann', retry: true, status: '401' },
        },
      ],
      faults: ['not-logfmt'],
    },
  ],
  open(sink, options) {
    const at = options.time === undefined ? standardTime : timeReader(options.time);
    let place = 0;
    return readLines(
      line => {
        place += 1;
        const members = read(line);
        if (members === null) sink.fault(faultOf('not-logfmt', line), place);
        else sink.record(new JsonRecord(members, at, line), place);
      },
      beginning => sink.fault(faultOf('too-long', beginning), ++place),
    );
  },
};

const readers = [timeReader('time'), timeReader('ts')] as const;

function standardTime(value: Readonly<Record<string, unknown>>): number | null {
  return readers[0](value) ?? readers[1](value);
}

function read(line: string): Record<string, unknown> | null {
  const found: Record<string, unknown> = Object.create(null);
  const text = line.trim();
  pair.lastIndex = 0;
  for (let count = 0; pair.lastIndex < text.length; count++) {
    const match = count < mostPairs ? pair.exec(text) : null;
    if (match === null) return null;
    const [, name = '', quoted, plain] = match;
    found[name] =
      quoted === undefined ? (plain ?? true) : quoted.replace(/\\(.)/g, (_, sign: string) => escapes[sign] ?? sign);
  }
  return text === '' ? null : found;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
