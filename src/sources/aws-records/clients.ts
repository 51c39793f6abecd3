import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Message } from '@aws-sdk/client-sqs';
import { type Options, regionOf } from './options.ts';

/** The requests that are made. All reject with the errors of the AWS SDK, and end with the signal. */
export interface Aws {
  /** Waits up to `wait` seconds. A message is then hidden for `hide` seconds. */
  receive(query: { most: number; wait: number; hide: number; signal: AbortSignal }): Promise<Message[]>;
  remove(handle: string): Promise<void>;
  /** Hides a message that was received for so many more seconds from now; 0 shows it to everybody at once. */
  hide(handle: string, seconds: number): Promise<void>;
  attributes(signal: AbortSignal): Promise<Record<string, string>>;
  get(
    query: { bucket: string; key: string; versionId: string | null; from?: number; etag?: string | undefined },
    signal: AbortSignal,
  ): Promise<GetObjectCommandOutput>;
  close(): void;
}

/** The time-out of a request that does not wait, milliseconds. The SDK has none of its own. */
const patience = 30_000;

/** Loads the SDK, which is large. Its hosts come from `queue`, `region`, `s3` and `buckets` of tocsin.yaml alone. */
export async function openAws(given: Options): Promise<Aws> {
  const [sqsSdk, s3Sdk] = await Promise.all([import('@aws-sdk/client-sqs'), import('@aws-sdk/client-s3')]);
  const common = {
    region: regionOf(given),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 10_000 },
    ...(given.credentials === undefined ? {} : { credentials: keysOf(given.credentials) }),
    ...(given.profile === undefined ? {} : { profile: given.profile }),
  };
  // One body that does not fit its checksum would lose the whole answer, so each is compared by whoever reads it.
  const sqs = new sqsSdk.SQSClient({ ...common, md5: false, endpoint: new URL(given.queue).origin });
  const s3 = new s3Sdk.S3Client({
    ...common,
    ...(given.s3 === undefined ? {} : { endpoint: given.s3, forcePathStyle: true }),
  });
  const queue = { QueueUrl: given.queue };
  return {
    async receive({ most, wait, hide, signal }) {
      const asked = {
        ...queue,
        MaxNumberOfMessages: most,
        WaitTimeSeconds: wait,
        VisibilityTimeout: hide,
        MessageSystemAttributeNames: ['ApproximateReceiveCount' as const],
      };
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(wait * 1000 + patience)]);
      const { Messages } = await sqs.send(new sqsSdk.ReceiveMessageCommand(asked), { abortSignal });
      // Without messages there is no list.
      return Messages ?? [];
    },
    async remove(handle) {
      const command = new sqsSdk.DeleteMessageCommand({ ...queue, ReceiptHandle: handle });
      await sqs.send(command, { abortSignal: AbortSignal.timeout(patience) });
    },
    async hide(handle, seconds) {
      const asked = { ...queue, ReceiptHandle: handle, VisibilityTimeout: seconds };
      const command = new sqsSdk.ChangeMessageVisibilityCommand(asked);
      await sqs.send(command, { abortSignal: AbortSignal.timeout(patience) });
    },
    async attributes(abortSignal) {
      const command = new sqsSdk.GetQueueAttributesCommand({ ...queue, AttributeNames: ['All'] });
      return (await sqs.send(command, { abortSignal })).Attributes ?? {};
    },
    async get({ bucket, key, versionId, from, etag }, signal) {
      const command = new s3Sdk.GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(versionId === null ? {} : { VersionId: versionId }),
        ...(from === undefined ? {} : { Range: `bytes=${from}-`, IfMatch: etag }),
      });
      return await forAnswer(signal, abortSignal => s3.send(command, { abortSignal }));
    },
    close() {
      sqs.destroy();
      s3.destroy();
    },
  };
}

/** Limits the time until the answer begins. Its body may take longer, and would end with the signal too. */
async function forAnswer<T>(signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer in ${patience / 1000} s`)), patience);
  try {
    return await send(AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: NonNullable<Options['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
