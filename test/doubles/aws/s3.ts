import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkSignature, type Keys } from './sigv4.ts';

export interface StoredObject {
  bucket: string;
  key: string;
  /** All of it, or a function that makes it again for each request, with its length. */
  content: Buffer | { length: number; make(): AsyncIterable<Buffer> };
  etag: string;
  versionId: string | null;
  metadata: Record<string, string>;
  contentEncoding: string | null;
}

export interface S3 {
  url: string;
  put(
    bucket: string,
    key: string,
    content: Buffer | string | { length: number; make(): AsyncIterable<Buffer> },
    facts?: { versionId?: string; metadata?: Record<string, string>; contentEncoding?: string },
  ): StoredObject;
  remove(bucket: string, key: string): void;
  /** Reading the key is answered with this error until `allow`. */
  refuse(key: string, error: { status: number; code: string }): void;
  allow(key: string): void;
  /** The next answers for the key end after so many bytes, without an end. */
  cut(key: string, bytes: number, times?: number): void;
  /** Reading the key stands still after so many bytes until the returned function is called. */
  hold(key: string, bytes: number): () => void;
  /** Each request: the key, its range, and how it was answered. */
  requests: { key: string; range: string | null; status: number }[];
  close(): Promise<void>;
}

/**
 * S3 as GetObject, HeadBucket and GetBucketLocation see it: path-style addresses, signatures that are checked, ranges, ETag and If-Match,
 * the documented error documents, and streams that are slow or cut. Source: the S3 API reference (GetObject, error responses).
 */
export async function startS3(keys: Keys, { region = 'eu-central-1' }: { region?: string } = {}): Promise<S3> {
  const objects = new Map<string, StoredObject>();
  const refusals = new Map<string, { status: number; code: string }>();
  const cuts = new Map<string, { bytes: number; left: number }>();
  const holds = new Map<string, { bytes: number; released: Promise<void> }>();
  const requests: S3['requests'] = [];

  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://s3');
    const [bucket = '', ...rest] = url.pathname.slice(1).split('/');
    const key = decodeURIComponent(rest.join('/'));
    const range = request.headers.range ?? null;
    const seen = { key, range, status: 0 };
    requests.push(seen);
    const refuse = (status: number, code: string) => {
      seen.status = status;
      response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': randomUUID() });
      response.end(
        request.method === 'HEAD'
          ? undefined
          : `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message><RequestId>1</RequestId></Error>`,
      );
    };
    const wrong = checkSignature(request, Buffer.alloc(0), { keys, region, service: 's3', now: Date.now() });
    if (wrong !== null) return refuse(403, wrong.code);
    const refusal = refusals.get(key);
    if (refusal !== undefined) return refuse(refusal.status, refusal.code);
    if (request.method !== 'GET') return refuse(405, 'MethodNotAllowed');
    if (![...objects.values()].some(one => one.bucket === bucket)) return refuse(404, 'NoSuchBucket');
    const found = objects.get(`${bucket}/${key}`);
    if (found === undefined) return refuse(404, 'NoSuchKey');
    const version = url.searchParams.get('versionId');
    if (version !== null && version !== found.versionId) return refuse(404, 'NoSuchVersion');
    const match = request.headers['if-match'];
    if (match !== undefined && match !== found.etag) return refuse(412, 'PreconditionFailed');
    const size = found.content.length;
    const from = range === null ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? Number.NaN);
    if (!(from < size || (from === 0 && size === 0))) return refuse(416, 'InvalidRange');
    seen.status = range === null ? 200 : 206;
    response.writeHead(seen.status, {
      etag: found.etag,
      'accept-ranges': 'bytes',
      'content-length': size - from,
      'content-type': 'application/octet-stream',
      ...(range !== null && { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
      ...(found.versionId !== null && { 'x-amz-version-id': found.versionId }),
      ...(found.contentEncoding !== null && { 'content-encoding': found.contentEncoding }),
      ...Object.fromEntries(Object.entries(found.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    });
    await send(found, from, response);
  }

  async function send(found: StoredObject, from: number, response: ServerResponse): Promise<void> {
    const cut = cuts.get(found.key);
    const stop = cut !== undefined && cut.left > 0 ? cut.bytes : Number.POSITIVE_INFINITY;
    if (cut !== undefined) cut.left -= 1;
    const hold = holds.get(found.key);
    let at = 0;
    for await (const chunk of Buffer.isBuffer(found.content) ? pieces(found.content) : found.content.make()) {
      const begin = Math.max(0, from - at);
      at += chunk.length;
      if (at <= from) continue;
      const end = Math.min(chunk.length, chunk.length - (at - from - stop));
      if (hold !== undefined && at > hold.bytes) await hold.released;
      if (!response.write(chunk.subarray(begin, end))) {
        await new Promise<void>(resolve => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      }
      if (response.destroyed) return;
      if (at - from >= stop) {
        // What was written goes out before the connection is cut.
        await new Promise(resolve => setImmediate(resolve));
        response.socket?.destroySoon();
        return;
      }
    }
    response.end();
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    put(bucket, key, given, facts = {}) {
      const content = typeof given === 'string' ? Buffer.from(given) : given;
      const etag = `"${createHash('md5')
        .update(Buffer.isBuffer(content) ? content : `${content.length}`)
        .digest('hex')}"`;
      const { versionId = null, metadata = {}, contentEncoding = null } = facts;
      const stored = { bucket, key, content, etag, versionId, metadata, contentEncoding };
      objects.set(`${bucket}/${key}`, stored);
      return stored;
    },
    remove: (bucket, key) => void objects.delete(`${bucket}/${key}`),
    refuse: (key, error) => void refusals.set(key, error),
    allow: key => void refusals.delete(key),
    cut: (key, bytes, times = 1) => void cuts.set(key, { bytes, left: times }),
    hold(key, bytes) {
      let release = () => {};
      const released = new Promise<void>(resolve => {
        release = resolve;
      });
      holds.set(key, { bytes, released });
      return release;
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function* pieces(content: Buffer): AsyncIterable<Buffer> {
  const size = 16 * 1024;
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** What S3 tells of a new object, as it stands in a message: the key as form text. Source: the S3 user guide, event message structure. */
export function notificationOf(
  { bucket, key, etag, versionId, content }: StoredObject,
  event = 'ObjectCreated:Put',
): object {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-central-1',
        eventTime: '2026-11-29T12:00:00.000Z',
        eventName: event,
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'tocsin',
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'),
            size: content.length,
            eTag: etag.replaceAll('"', ''),
            ...(versionId !== null && { versionId }),
            sequencer: '0065F1A2B3C4D5E6F7',
          },
        },
      },
    ],
  };
}

/** The same by EventBridge: the key as it is. Source: the S3 user guide, EventBridge event message structure. */
export function busEventOf({ bucket, key, etag, versionId, content }: StoredObject): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: '111122223333',
    time: '2026-11-29T12:00:00Z',
    region: 'eu-central-1',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: {
        key,
        size: content.length,
        etag: etag.replaceAll('"', ''),
        ...(versionId !== null && { 'version-id': versionId }),
        sequencer: '0065F1A2B3C4D5E6F7',
      },
      'request-id': 'N4N7GDK58NMKJ12R',
      requester: '123456789012',
      reason: 'PutObject',
    },
  };
}

/** The same by a topic without raw delivery. */
export function envelopeOf(message: object): object {
  return {
    Type: 'Notification',
    MessageId: randomUUID(),
    TopicArn: 'arn:aws:sns:eu-central-1:111122223333:logs',
    Subject: 'Amazon S3 Notification',
    Message: JSON.stringify(message),
    Timestamp: '2026-11-29T12:00:00.000Z',
    SignatureVersion: '1',
    Signature: 'x',
  };
}
