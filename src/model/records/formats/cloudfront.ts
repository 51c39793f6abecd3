import { isMap } from '../../incoming.ts';
import type { FieldType, LogRecord, RecordFormat } from '../types.ts';
import { type Column, type ColumnRecord, columnLines, fieldsOf, type Layout, memberName } from './columns.ts';
import { epochOf, JsonRecord } from './json-record.ts';
import { faultOf, readLines } from './lines.ts';
import { utcTime } from './times.ts';

/** The fields of a file without a line that names them. */
const standard =
  'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end';
/** Those that only version 2 and real-time logs can have. */
const more =
  'timestamp timestamp(ms) DistributionId c-ip-version cs-headers cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn c-country cache-behavior-path-pattern r-host sr-reason';
const types: Readonly<Record<string, FieldType>> = {
  sc_bytes: 'int',
  sc_status: 'int',
  cs_bytes: 'int',
  c_port: 'int',
  sc_content_len: 'int',
  timestamp_ms: 'int',
  time_taken: 'double',
  time_to_first_byte: 'double',
  timestamp: 'double',
};

function columnsIn(names: readonly string[]): Column[] {
  return names.map((given, at) => {
    const name = memberName(given);
    return { name, type: types[name] ?? 'string', at };
  });
}

export const cloudfront: RecordFormat = {
  id: 'cloudfront',
  about:
    'Standard logs of CloudFront: the legacy ones, and version 2 as W3C or JSON. The line `#Fields:` says which fields there are. Names have underscores: `cs(User-Agent)` is cs_user_agent. Source: docs.aws.amazon.com, CloudFront, standard logging reference.',
  fields: fieldsOf(columnsIn(`${standard} ${more}`.split(' '))),
  examples: [
    {
      title: 'A legacy file',
      input:
        '#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent)\n2025-11-20\t09:00:15\tSFO53-P1\t385\t192.0.2.20\tHEAD\td1example.cloudfront.net\t/api\t404\tcurl/8.10.1\nbroken\n',
      records: [
        {
          at: '2025-11-20T09:00:15.000Z',
          fields: {
            c_ip: '192.0.2.20',
            sc_status: 404,
            cs_user_agent: 'curl/8.10.1',
            cs_host: 'd1example.cloudfront.net',
          },
        },
      ],
      faults: ['another-number-of-columns'],
    },
    {
      title: 'Version 2 as JSON',
      input:
        '{"date":"2025-11-20","time":"09:00:15","c-ip":"192.0.2.20","sc-status":"503","cs(User-Agent)":"-","time-taken":"0.25"}\n{"date":\n',
      records: [
        {
          at: '2025-11-20T09:00:15.000Z',
          fields: { c_ip: '192.0.2.20', sc_status: 503, cs_user_agent: undefined, time_taken: 0.25 },
        },
      ],
      faults: ['not-json'],
    },
  ],
  open(sink) {
    let layout = layoutOf(standard.split(' '));
    let json = 0;
    const columns = columnLines(
      {
        record: (record, place) => sink.record(record, place + json),
        fault: (fault, place) => sink.fault(fault, place + json),
      },
      layout,
      line => {
        if (!line.startsWith('#')) return null;
        const names = /^#Fields:\s*(.+)$/.exec(line)?.[1]?.trim().split(/\s+/);
        if (names === undefined || names.length > 120) return 'skip';
        layout = layoutOf(names);
        return layout;
      },
    );
    let lines = 0;
    return readLines(line => {
      if (!line.startsWith('{')) {
        if (!line.startsWith('#')) lines += 1;
        columns.line(line);
        return;
      }
      json += 1;
      const record = jsonOf(line);
      if (record === null) sink.fault(faultOf('not-json', line), lines + json);
      else sink.record(record, lines + json);
    }, columns.long);
  },
};

function layoutOf(names: readonly string[]): Layout {
  const columns = columnsIn(names);
  const of = (name: string) => columns.find(column => column.name === name)?.at ?? Number.POSITIVE_INFINITY;
  const [date, time, ms, seconds] = [of('date'), of('time'), of('timestamp_ms'), of('timestamp')];
  const at = (record: ColumnRecord) => {
    const day = record.column(date);
    if (day !== undefined) return utcTime(`${day}T${record.column(time) ?? '00:00:00'}`);
    return epochOf(Number(record.column(ms) ?? record.column(seconds)));
  };
  return { separator: '\t', quoted: false, columns, least: names.length, most: names.length, at };
}

/** The members as the columns of the same names: numbers as numbers, none for `-`. */
function jsonOf(line: string): LogRecord | null {
  try {
    const value: unknown = JSON.parse(line);
    if (!isMap(value)) return null;
    const members: Record<string, unknown> = Object.create(null);
    for (const [given, text] of Object.entries(value)) {
      const name = memberName(given);
      if (text === '-' || name === '') continue;
      const type = types[name];
      const number = type === undefined ? Number.NaN : Number(text);
      if (type === undefined) members[name] = text;
      else if (Number.isFinite(number)) members[name] = number;
    }
    return new JsonRecord(members, timeOfMembers, line);
  } catch {
    return null;
  }
}

function timeOfMembers({ date, time, timestamp_ms: ms, timestamp }: Readonly<Record<string, unknown>>): number | null {
  if (typeof date === 'string') return utcTime(`${date}T${typeof time === 'string' ? time : '00:00:00'}`);
  return epochOf(ms ?? timestamp);
}
