import { compilePattern } from '../../expression/expression.ts';
import type { RecordFormat } from '../types.ts';
import { JsonRecord, timeReader } from './json-record.ts';
import { faultOf, readLines } from './lines.ts';
import { bracketTime } from './times.ts';

/** The longest line that a pattern is tried on, characters: its work is the length times the size of the pattern at most. */
const longestTried = 16 * 1024;

export const pattern: RecordFormat = {
  id: 'pattern',
  about:
    'Lines of any form, by a pattern in RE2 syntax: each named group is a member of the record, as text. It takes linear time whatever a line contains. The time is in the member that `time` names: RFC 3339, seconds since the epoch, or as web servers write it (20/Nov/2025:09:00:00 +0000).',
  fields: null,
  examples: [
    {
      title: 'The common log of web servers',
      options: {
        pattern: '^(?P<ip>\\S+) \\S+ (?P<user>\\S+) \\[(?P<when>[^\\]]+)\\] "(?P<request>[^"]*)" (?P<status>\\d{3}) ',
        time: 'when',
      },
      input: '192.0.2.9 - ann [20/Nov/2025:10:00:00 +0100] "GET /admin HTTP/1.1" 403 12\nsomething else\n',
      records: [
        {
          at: '2025-11-20T09:00:00.000Z',
          fields: { ip: '192.0.2.9', user: 'ann', status: '403', request: 'GET /admin HTTP/1.1' },
        },
      ],
      faults: ['another-pattern'],
    },
  ],
  open(sink, options) {
    const compiled = compilePattern(options.pattern ?? '');
    const told = timeReader(options.time);
    const at = (members: Readonly<Record<string, unknown>>) => {
      const text = options.time === undefined ? undefined : members[options.time];
      return told(members) ?? bracketTime(typeof text === 'string' ? text : undefined);
    };
    let place = 0;
    return readLines(
      line => {
        place += 1;
        if (line.length > longestTried) return sink.fault(faultOf('too-long', line), place);
        const members = compiled.groups(line);
        if (members === null) sink.fault(faultOf('another-pattern', line), place);
        else sink.record(new JsonRecord(members, at, line), place);
      },
      beginning => sink.fault(faultOf('too-long', beginning), ++place),
    );
  },
};
