import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { isLoopbackUrl, webUrl } from '../../kernel/web-url.ts';
import { checkRecords, recordsOptions } from '../../model/records/records.ts';
import type { OptionWarning } from '../../ports/source.ts';

const bucket = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket, not an ARN or an address')
  .meta({ examples: ['my-trail-logs'] });

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-central-1');

const web = z.string().refine(text => webUrl(text) !== null, 'an https address, without user and password');

/** A public key as ListPublicKeys gives it: DER of PKCS#1, in base64. Source: AWS CLI, cloudtrail/validation.py. */
const digestKey = z.string().refine(readable, 'the Value of `aws cloudtrail list-public-keys`: base64');

export const options = z
  .strictObject({
    queue: web.meta({
      description: 'The URL of the SQS queue that S3 tells of new objects.',
      examples: ['https://sqs.eu-central-1.amazonaws.com/111122223333/tocsin-logs'],
    }),
    region: region.optional().meta({ description: 'The region; that of the queue when left out.' }),
    buckets: z.array(bucket).min(1).max(100).meta({
      description: 'The buckets that are read. A message that names any other reads nothing.',
    }),
    prefix: z
      .string()
      .max(1024)
      .default('')
      .meta({ description: 'Only objects whose key begins so; the messages of others are deleted.' }),
    ...recordsOptions,
    // Logs are written late, and wait in the queue while nobody reads them.
    late: recordsOptions.late.unwrap().prefault('24h').meta({
      description:
        'How late a record may be read and still count in windows, by its own time. At most 7d. A queue that was not read for longer, and a dead letter that is read again later, count less.',
    }),
    profile: z.string().max(200).optional().meta({
      description:
        'A profile of ~/.aws/config, which may assume a role. Without it and without `credentials` the usual chain of AWS decides: variables, web identity, container, instance.',
    }),
    credentials: z
      .strictObject({
        accessKeyId: z.string().min(1),
        secretAccessKey: z.string().min(1),
        sessionToken: z.string().min(1).optional(),
      })
      .optional()
      .meta({ description: 'Keys, as references to variables: ${AWS_LOGS_ID}. A role needs none.' }),
    s3: web.optional().meta({
      description: 'The address of an S3 that is not that of the region: a VPC endpoint, an emulator.',
    }),
    maxBytes: z
      .int()
      .min(1)
      .max(64 * 2 ** 30)
      .default(4 * 2 ** 30)
      .meta({ description: 'The largest object, unpacked, in bytes. A larger one is a dead letter.' }),
    parallel: z.int().min(1).max(16).default(4).meta({ description: 'How many messages each node reads at once.' }),
    visibility: duration
      .refine(ms => ms >= 3000 && ms <= 3_600_000, 'from 3s to 1h')
      .prefault('2m')
      .meta({ description: 'How long a message is hidden from other nodes. It is extended while its object is read.' }),
    attempts: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .meta({ description: 'After so many tries that broke off, an object becomes a dead letter.' }),
    digests: z
      .strictObject({
        keys: z
          .record(z.string().regex(/^[0-9a-f]{32}$/, 'a fingerprint: 32 hexadecimal digits'), digestKey)
          .refine(keys => Object.keys(keys).length > 0, 'at least one key')
          .meta({ description: 'Public keys by their fingerprints, from `aws cloudtrail list-public-keys`.' }),
      })
      .optional()
      .meta({ description: 'Verifies the digest files of CloudTrail, and the log files that they name.' }),
  })
  .superRefine((given, ctx) => {
    checkRecords(given, ctx);
    if (given.region === undefined && regionOfQueue(given.queue) === null)
      ctx.addIssue({ code: 'custom', path: ['region'], message: 'the address of this queue names no region: add it' });
    if (given.profile !== undefined && given.credentials !== undefined)
      ctx.addIssue({ code: 'custom', path: ['profile'], message: 'either a profile or credentials' });
  });
export type Options = z.infer<typeof options>;

export function regionOf({ region: given, queue }: Options): string {
  return given ?? regionOfQueue(queue) ?? 'us-east-1';
}

/** Source: the table of SQS endpoints in the AWS General Reference. */
function regionOfQueue(queue: string): string | null {
  const host = URL.parse(queue)?.hostname ?? '';
  return /^(?:sqs(?:-fips)?\.)([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1] ?? null;
}

function readable(text: string): boolean {
  try {
    createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs1' });
    return true;
  } catch {
    return false;
  }
}

export function warnings(given: Options): readonly OptionWarning[] {
  const plain = (at: 'queue' | 's3', address: string | undefined): OptionWarning[] =>
    address?.startsWith('http:') && !isLoopbackUrl(address)
      ? [{ at: [at], what: 'who listens on the way reads the logs and can change them', allowed: 'an https address' }]
      : [];
  return [...plain('queue', given.queue), ...plain('s3', given.s3)];
}
