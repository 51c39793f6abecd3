import { createHash, createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { TocsinError } from '../../../kernel/errors.ts';

const text = z.string().min(1).max(2048);

/** A digest file of CloudTrail. Source: AWS CloudTrail user guide, "CloudTrail digest file structure". */
const digest = z.object({
  awsAccountId: z.string().max(64).optional(),
  digestEndTime: z.string().min(1).max(64),
  digestS3Bucket: text,
  digestS3Object: text,
  digestPublicKeyFingerprint: z.string().max(128),
  previousDigestS3Bucket: text.nullish(),
  previousDigestS3Object: text.nullish(),
  previousDigestHashValue: z.string().max(128).nullish(),
  previousDigestSignature: z.string().max(4096).nullish(),
  logFiles: z
    .array(z.object({ s3Bucket: text, s3Object: text, hashValue: z.string().max(128), hashAlgorithm: z.string() }))
    .max(100_000)
    .default([]),
});
export type Digest = z.infer<typeof digest>;

/** Throws `bad-body` for anything else than a digest file, unpacked. */
export function readDigest(bytes: Buffer): Digest {
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(bytes.toString());
  } catch {
    // What is no JSON is no digest file, and is refused as one below.
  }
  const read = digest.safeParse(parsed);
  if (read.success) return read.data;
  const at = read.error.issues[0]?.path.join('.') ?? '';
  throw new TocsinError('bad-body', { message: 'The object is no digest file of CloudTrail.', given: at });
}

/**
 * Checks the signature: SHA256withRSA over the end time, the path, the SHA-256 of the unpacked file in hexadecimal digits, and the signature
 * of the digest before (`null` for none), on a line each. Sources: AWS CloudTrail user guide, "Custom implementations of CloudTrail log file
 * integrity validation"; AWS CLI, cloudtrail/validation.py, for the word null.
 */
export function checkSignature(
  given: Digest,
  bytes: Buffer,
  signature: { hex: string | undefined; algorithm: string | undefined },
  keys: Readonly<Record<string, string>>,
): 'right' | 'wrong' | 'unknown-key' {
  const { hex = '', algorithm = '' } = signature;
  if (algorithm !== 'SHA256withRSA' || !/^([0-9a-f]{2}){64,1024}$/i.test(hex)) return 'wrong';
  const key = Object.hasOwn(keys, given.digestPublicKeyFingerprint)
    ? keys[given.digestPublicKeyFingerprint]
    : undefined;
  if (key === undefined) return 'unknown-key';
  const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs1' });
  const isRight = verify('sha256', Buffer.from(signedText(given, bytes)), publicKey, Buffer.from(hex, 'hex'));
  return isRight ? 'right' : 'wrong';
}

function signedText(given: Digest, bytes: Buffer): string {
  const { digestEndTime, digestS3Bucket, digestS3Object, previousDigestSignature } = given;
  const path = `${digestS3Bucket}/${digestS3Object}`;
  return [digestEndTime, path, sha256Of(bytes), previousDigestSignature ?? 'null'].join('\n');
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
