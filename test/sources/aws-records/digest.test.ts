import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notificationOf } from '../../doubles/aws/s3.ts';
import { openPlace, type Place } from './place.ts';

/** A key pair as CloudTrail has one for each region: the public half is published as PKCS#1. */
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const published = pair.publicKey.export({ format: 'der', type: 'pkcs1' }).toString('base64');
const fingerprint = '31e8b5433410dfb61a9dc45cc65b22ff';
const folder = 'AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/11/29';

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place.stop());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const keyAt = (hour: number) =>
  `${folder}/111122223333_CloudTrail-Digest_eu-central-1_trail_20261129T${hour}0000Z.json.gz`;
const logAt = (n: number) => `AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/29/log-${n}.json.gz`;
const contentOf = (n: number) => `{"Records":[{"eventName":"Event${n}"}]}\n`;

interface Written {
  text: string;
  signature: string;
}

/** Writes a digest as CloudTrail does: the string that is signed is that of its user guide. */
function writeDigest(hour: number, previous: (Written & { hour: number }) | null, more: object = {}): Written {
  const key = keyAt(hour);
  const document = {
    awsAccountId: '111122223333',
    digestStartTime: `2026-11-29T${hour - 1}:00:00Z`,
    digestEndTime: `2026-11-29T${hour}:00:00Z`,
    digestS3Bucket: 'logs',
    digestS3Object: key,
    digestPublicKeyFingerprint: fingerprint,
    digestSignatureAlgorithm: 'SHA256withRSA',
    previousDigestS3Bucket: previous === null ? null : 'logs',
    previousDigestS3Object: previous === null ? null : keyAt(previous.hour),
    previousDigestHashValue: previous === null ? null : sha256(previous.text),
    previousDigestHashAlgorithm: previous === null ? null : 'SHA-256',
    previousDigestSignature: previous?.signature ?? null,
    logFiles: [1, 2, 3].map(n => ({
      s3Bucket: 'logs',
      s3Object: logAt(n),
      hashValue: sha256(contentOf(n)),
      hashAlgorithm: 'SHA-256',
    })),
    ...more,
  };
  const text = JSON.stringify(document);
  const signed = `${document.digestEndTime}\nlogs/${document.digestS3Object}\n${sha256(text)}\n${document.previousDigestSignature ?? 'null'}`;
  const signature = sign('sha256', Buffer.from(signed), pair.privateKey).toString('hex');
  putDigest(key, { text, signature });
  return { text, signature };
}

function putDigest(key: string, { text, signature }: Written) {
  const metadata = { signature, 'signature-algorithm': 'SHA256withRSA' };
  return place.s3.put('logs', key, gzipSync(text), { metadata });
}

function writeLogs(): void {
  for (const n of [1, 2, 3]) place.s3.put('logs', logAt(n), gzipSync(contentOf(n)));
}

/** Tells of the digest of this hour, and waits until it is worked off. Gives the alerts. */
async function told(hour: number, keys: Record<string, string> = { [fingerprint]: published }) {
  const bytes = Buffer.alloc(0);
  const ref = {
    bucket: 'logs',
    key: keyAt(hour),
    content: bytes,
    etag: '',
    versionId: null,
    metadata: {},
    contentEncoding: null,
  };
  place.sqs.send(notificationOf(ref));
  await place.node({ digests: { keys } });
  await place.until(() => place.sqs.left().length === 0);
  return place.emitted.flatMap(({ events }) =>
    events.flatMap(event =>
      event.kind === 'alert' ? [[event.labels['what'], event.labels['key'], event.severity]] : [],
    ),
  );
}

describe('a digest file of CloudTrail', () => {
  it('that is right, and whose logs and predecessor are, says nothing and is no record', async () => {
    writeLogs();
    const first = writeDigest(10, null);
    writeDigest(11, { ...first, hour: 10 });
    expect(await told(11)).toEqual([]);
    expect([place.counted.length, place.letters.size]).toEqual([0, 0]);
    expect(new Set(place.s3.requests.map(({ key }) => key))).toEqual(
      new Set([keyAt(11), keyAt(10), logAt(1), logAt(2), logAt(3)]),
    );
  });

  it('names logs that were changed or deleted: each is an alert, told once', async () => {
    writeLogs();
    place.s3.put('logs', logAt(1), gzipSync(contentOf(1).replace('Event1', 'Event9')));
    place.s3.remove('logs', logAt(2));
    writeDigest(10, null);
    const alerts = [
      ['log-changed', logAt(1), 'critical'],
      ['log-missing', logAt(2), 'critical'],
    ];
    expect(await told(10)).toEqual(alerts);
    expect(await told(10)).toEqual(alerts);
  });

  it('with a log that is gzip no more, or packed anew with the same content: the first is changed', async () => {
    writeLogs();
    place.s3.put('logs', logAt(1), gzipSync(contentOf(1)).subarray(0, 30));
    place.s3.put('logs', logAt(2), gzipSync(contentOf(2), { level: 1 }));
    writeDigest(10, null);
    expect(await told(10)).toEqual([['log-changed', logAt(1), 'critical']]);
  });

  it.each<[string, (written: Written) => Written]>([
    ['another content', ({ text, signature }) => ({ text: text.replace('log-3', 'log-2'), signature })],
    [
      'the signature of another',
      ({ text, signature }) => ({ text, signature: `${'0'.repeat(8)}${signature.slice(8)}` }),
    ],
    ['no signature', ({ text }) => ({ text, signature: '' })],
  ])('with %s is an alert, and nobody vouches for the logs', async (_, change) => {
    writeLogs();
    place.s3.remove('logs', logAt(1));
    putDigest(keyAt(10), change(writeDigest(10, null)));
    expect(await told(10)).toEqual([['digest-signature', keyAt(10), 'critical']]);
  });

  it('at another place than it was written to is an alert', async () => {
    writeLogs();
    putDigest(keyAt(12), writeDigest(10, null));
    expect(await told(12)).toEqual([['digest-moved', keyAt(12), 'critical']]);
  });

  it.each<[string, () => void]>([
    ['is gone', () => place.s3.remove('logs', keyAt(10))],
    ['is another', () => void writeDigest(10, null, { logFiles: [] })],
  ])('whose predecessor %s breaks the chain', async (_, change) => {
    writeLogs();
    const first = writeDigest(10, null);
    writeDigest(11, { ...first, hour: 10 });
    change();
    expect(await told(11)).toEqual([['digest-chain', keyAt(10), 'critical']]);
  });

  it('of a key that is not known is listed, to be read again with the key', async () => {
    writeLogs();
    writeDigest(10, null);
    expect(await told(10, { ['0'.repeat(32)]: published })).toEqual([['digest-key-unknown', keyAt(10), 'warning']]);
    expect([...place.letters.values()]).toMatchObject([{ code: 'digest-key-unknown', from: `s3://logs/${keyAt(10)}` }]);
  });

  it('that is none, or names another bucket, is listed', async () => {
    writeLogs();
    putDigest(keyAt(10), { text: '{"Records":[]}', signature: 'ab' });
    writeDigest(11, null, {
      logFiles: [{ s3Bucket: 'other', s3Object: 'x', hashValue: sha256('x'), hashAlgorithm: 'SHA-256' }],
    });
    expect([...(await told(10)), ...(await told(11))]).toEqual([]);
    expect([...place.letters.values()].map(({ code }) => code)).toEqual(['bad-body', 'forbidden']);
  });

  it('is passed over where none are to be verified', async () => {
    const { text, signature } = writeDigest(10, null);
    place.sqs.send(notificationOf(putDigest(keyAt(10), { text, signature })));
    await place.node();
    await place.until(() => place.sqs.left().length === 0);
    expect([place.s3.requests.length, place.counted.length, place.letters.size]).toEqual([0, 0, 0]);
  });
});
