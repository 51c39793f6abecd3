import { createHash } from 'node:crypto';
import type { Clock } from '../../../kernel/clock.ts';
import { isCode } from '../../../kernel/errors.ts';
import type { EmitTools } from '../../../ports/emit.ts';
import type { Aws } from '../clients.ts';
import { ObjectError } from '../fault.ts';
import type { ObjectRef } from '../notification.ts';
import { type OpenObject, openObject } from '../object.ts';
import { alertsOf, type DigestFinding, onceOf } from './alerts.ts';
import { checkSignature, type Digest, readDigest } from './document.ts';

interface Tools {
  aws: Aws;
  clock: Clock;
  signal: AbortSignal;
  maxBytes: number;
  buckets: readonly string[];
  keys: Readonly<Record<string, string>>;
  tools: Pick<EmitTools, 'emit'>;
}

/** The largest digest file, unpacked, bytes. */
const largestDigest = 64 * 2 ** 20;
/** Instead of a hash. */
const unreadable = 'unreadable';
/** How many log files of a digest are read at once. */
const atOnce = 4;

/** Source: AWS CloudTrail user guide, "CloudTrail digest file structure", location of digest files. */
export function isDigest(key: string): boolean {
  return /(^|\/)CloudTrail-Digest\//.test(key);
}

/**
 * Verifies a digest file and everything that it vouches for: its own signature and place, the digest before it, and the hash of each log
 * file, which is read for it once more. What is wrong becomes an alert. Rejects when something cannot be read now, and with ObjectError
 * `digest-key-unknown`, after which it is to be read again with the key.
 */
export async function checkDigest(ref: ObjectRef, tools: Tools): Promise<void> {
  const object = await openObject(ref, { ...tools, maxBytes: largestDigest });
  const bytes = await bytesOf(object);
  const digest = readDigest(bytes);
  const own = (what: DigestFinding['what'], because: string): DigestFinding[] => [
    { what, bucket: ref.bucket, key: ref.key, because },
  ];
  const found = await findingsOf();
  if (found.length > 0) {
    const events = alertsOf(found, ref.key, tools.clock.now());
    await tools.tools.emit(events, onceOf({ bucket: ref.bucket, key: ref.key, etag: object.etag }, found));
  }
  if (found.some(({ what }) => what === 'digest-key-unknown'))
    throw new ObjectError(
      'digest-key-unknown',
      `The key ${digest.digestPublicKeyFingerprint} is not in digests.keys. Add it (aws cloudtrail list-public-keys) and let it be read again.`,
    );

  async function findingsOf(): Promise<DigestFinding[]> {
    const { metadata } = object;
    const signature = { hex: metadata['signature'], algorithm: metadata['signature-algorithm'] };
    switch (checkSignature(digest, bytes, signature, tools.keys)) {
      // What nobody vouches for says nothing about the log files.
      case 'wrong':
        return own('digest-signature', 'its signature is not that of its key over its content');
      case 'unknown-key':
        return own('digest-key-unknown', `no key ${digest.digestPublicKeyFingerprint} in digests.keys`);
      case 'right':
    }
    if (digest.digestS3Bucket !== ref.bucket || digest.digestS3Object !== ref.key)
      return own('digest-moved', `it was written as s3://${digest.digestS3Bucket}/${digest.digestS3Object}`);
    return [...(await checkPrevious(digest, ref, tools)), ...(await checkLogs(digest, tools))];
  }
}

/** The digest before must be there as it was. None is named where the chain begins, and by files that fill a gap. */
async function checkPrevious(digest: Digest, ref: ObjectRef, tools: Tools): Promise<DigestFinding[]> {
  const { previousDigestS3Bucket: bucket, previousDigestS3Object: key, previousDigestHashValue: hash } = digest;
  if (bucket == null || key == null || hash == null || ref.key.endsWith('_backfill.json.gz')) return [];
  const broken = (because: string): DigestFinding[] => [{ what: 'digest-chain', bucket, key, because }];
  const now = await hashOf({ bucket, key, versionId: null }, tools);
  if (now === null) return broken(`it is gone, and ${ref.key} continues it`);
  return now === hash.toLowerCase() ? [] : broken(`it is not what ${ref.key} continues`);
}

async function checkLogs({ logFiles }: Digest, tools: Tools): Promise<DigestFinding[]> {
  const found: DigestFinding[] = [];
  const waiting = logFiles.values();
  const work = async () => {
    for (const { s3Bucket: bucket, s3Object: key, hashValue, hashAlgorithm } of waiting) {
      if (hashAlgorithm !== 'SHA-256')
        throw new ObjectError('bad-body', 'The digest names a hash other than SHA-256 for a log file.');
      const now = await hashOf({ bucket, key, versionId: null }, tools);
      if (now === null)
        found.push({ what: 'log-missing', bucket, key, because: 'the digest names it, and it is gone' });
      else if (now !== hashValue.toLowerCase())
        found.push({
          what: 'log-changed',
          bucket,
          key,
          because: changeOf(now, hashValue),
        });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function changeOf(now: string, told: string): string {
  return now === unreadable ? 'it does not unpack any more' : `its SHA-256 is ${now}, the digest says ${told}`;
}

/** The SHA-256 of an object as it is now, unpacked; `unreadable` when it does not unpack, null when it is gone. */
async function hashOf(ref: ObjectRef, tools: Tools): Promise<string | null> {
  if (!tools.buckets.includes(ref.bucket))
    throw new ObjectError('forbidden', `The digest names the bucket ${ref.bucket}, which is not in buckets.`);
  try {
    const hash = createHash('sha256');
    for await (const piece of (await openObject(ref, tools)).pieces) hash.update(piece);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof Error && /^(NoSuchKey|NotFound|MethodNotAllowed)$/.test(error.name)) return null;
    if (isCode(error, 'bad-body')) return unreadable;
    throw error;
  }
}

async function bytesOf({ pieces }: OpenObject): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}
