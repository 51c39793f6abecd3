import type { EmitTools } from '../../ports/emit.ts';
import type { Aws } from './clients.ts';
import { checkDigest, isDigest } from './digest/digest.ts';
import { ObjectError } from './fault.ts';
import type { ObjectRef } from './notification.ts';
import { openObject } from './object.ts';
import type { Options } from './options.ts';

export interface ReadTools {
  given: Options;
  aws: Aws;
  tools: EmitTools;
  signal: AbortSignal;
}

/** What people know it by. */
export function nameOf({ bucket, key }: ObjectRef): string {
  return `s3://${bucket}/${key}`;
}

/** Its key on the list of dead letters. */
export function keyOf({ bucket, key, versionId }: ObjectRef): string {
  return JSON.stringify([bucket, key, versionId]);
}

/**
 * Reads an object and hands its records on. When it resolves, they are counted, and are not counted again. `suffix` makes another
 * idempotency key, for a try after one in which no record was found.
 */
export async function readObject(ref: ObjectRef, { given, aws, tools, signal }: ReadTools, suffix = ''): Promise<void> {
  if (!given.buckets.includes(ref.bucket))
    throw new ObjectError('bucket-not-named', 'The bucket is not in `buckets` of the source in tocsin.yaml.');
  if (!isWanted(ref.key, given)) return;
  const reading = { aws, clock: tools.clock, signal, maxBytes: given.maxBytes };
  if (isDigest(ref.key)) {
    if (given.digests !== undefined)
      await checkDigest(ref, { ...reading, buckets: given.buckets, keys: given.digests.keys, tools });
    return;
  }
  const object = await openObject(ref, reading);
  const once = `${ref.bucket}/${ref.key}/${object.versionId ?? object.etag}${suffix}`;
  const taken = await tools.takeRecords({ pieces: object.pieces, from: nameOf(ref), once });
  if (taken.records > 0 || taken.unreadable === 0) return;
  const [fault] = taken.faults;
  const cause = fault === undefined ? '' : ` (${fault.cause})`;
  throw new ObjectError('no-records', `Nothing in it is a record of the format ${given.format}${cause}.`);
}

/**
 * Folders that the console of S3 makes, and the empty test objects of load balancers. Source: Elastic Load Balancing user guide, "Enable
 * access logs": ELBAccessLogTestFile.
 */
function isWanted(key: string, { prefix }: Options): boolean {
  return key.startsWith(prefix) && !key.endsWith('/') && !/(^|\/)ELB(Access|Connection)LogTestFile$/.test(key);
}
