import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { gunzip } from '../../kernel/gunzip.ts';
import { checkRecords, compileRecords, recordsOptions } from '../../model/records/records.ts';
import { type Delivery, defineSource, type Verified } from '../../ports/source.ts';
import { proofOptions, prove, verifyHeaders } from '../webhook/sender.ts';
import { examples } from './examples.ts';

/** Bytes of a body, packed and unpacked. A sender that did not prove itself may send 1 MiB. */
const maxBody = 16 * 1024 * 1024;
const maxUnpacked = 128 * 1024 * 1024;
const unprovenUnpacked = 8 * 1024 * 1024;

const options = z
  .strictObject({
    ...proofOptions,
    ...recordsOptions,
    format: recordsOptions.format.default('json'),
    duplicates: z.enum(['drop', 'count']).default('drop').meta({
      description:
        'What becomes of a body that came before, byte by byte, within a week. drop: a sender that repeats it after a lost answer counts once. count: for records without a time, of which two bodies may well be equal.',
    }),
  })
  .superRefine(checkRecords);
type Options = z.infer<typeof options>;

/** The Splunk HTTP Event Collector's clients send `Authorization: Splunk <token>`. Source: docs.splunk.com, HEC, "Format events". */
function asBearer(headers: Delivery['headers']): Delivery['headers'] {
  const authorization = headers['authorization'];
  return isHec(headers) ? { ...headers, authorization: `Bearer ${authorization?.slice('splunk '.length)}` } : headers;
}

function isHec(headers: Delivery['headers']): boolean {
  return /^splunk /i.test(headers['authorization'] ?? '');
}

function verify(headers: Delivery['headers'], given: Options): Verified {
  return verifyHeaders(asBearer(headers), given);
}

export default defineSource<Options>({
  id: 'records',
  about:
    'Raw logs over HTTP: NDJSON, lists, lines of any format, also gzip. Rules under `detect` make alerts of them; the records themselves are not kept.',
  options,
  contentTypes: 'any',
  encodings: ['gzip'],
  maxBody,
  setup: {
    options: { token: '{secret}', format: 'json', detect: [] },
    secret: 'ours',
    steps: [
      'Let the sender post records, one JSON object a line, to {url} with the header: Authorization: Bearer {secret}',
    ],
    page: 'docs/records.md',
  },
  examples,
  verify: ({ headers }, given) => verify(headers, given),
  verifyHeaders: verify,
  prove,
  warnings({ format, time, duplicates, detect }) {
    const isTold = time !== undefined || (format !== 'json' && format !== 'pattern');
    if (duplicates === 'count' || isTold || detect.every(rule => rule.absent === undefined)) return [];
    const what = 'a sign of life without a time is the same each time and counts once a week, so it will be missed';
    return [{ at: ['duplicates'], what, allowed: 'duplicates: count, or `time` with the member that has the time' }];
  },
  timing: () => ({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY }),
  records: given => compileRecords(given),
  async *pieces({ headers, body }, given) {
    const proven = verify(headers, given);
    const most = proven.ok && proven.by !== 'none' ? maxUnpacked : unprovenUnpacked;
    if (headers['content-encoding']?.trim().toLowerCase() === 'gzip') yield* gunzip([body], most);
    else yield body;
  },
  batchOf: ({ body, at }, { duplicates }) => ({
    from: `a request at ${new Date(at).toISOString()}`,
    once: duplicates === 'drop' && body.length > 0 ? `body/${sha256(body)}` : null,
  }),
  answerRecords({ records, unreadable, alerts, duplicate }, { headers }) {
    if (isHec(headers)) return { status: 200, json: { text: 'Success', code: 0 } };
    return { status: 202, json: { records, unreadable, alerts, duplicate } };
  },
  normalise() {
    throw new TocsinError('bad-body', { message: 'Records are no events.' });
  },
});
