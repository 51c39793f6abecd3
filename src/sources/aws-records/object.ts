import { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { gunzip } from '../../kernel/gunzip.ts';
import type { Aws } from './clients.ts';
import { StreamError } from './fault.ts';
import type { ObjectRef } from './notification.ts';

export interface OpenObject {
  etag: string;
  /** The version that is read; null in a bucket without versions. */
  versionId: string | null;
  /** User metadata, names in lower case. */
  metadata: Readonly<Record<string, string>>;
  /**
   * The bytes, unpacked where they are gzip, whatever the names and headers say. Iterating rejects with `bad-body` and `body-too-large`,
   * with StreamError, and with the errors of S3.
   */
  pieces: AsyncIterable<Buffer>;
}

interface Tools {
  aws: Aws;
  clock: Pick<Clock, 'sleep'>;
  signal: AbortSignal;
  maxBytes: number;
}

/** How long a stream may stand still, milliseconds. */
const longestPause = 60_000;
/** How often a stream that was cut is gone on with. */
const mostResumes = 3;

/** Opens an object for reading. No more of it is in memory than a few pieces. */
export async function openObject(ref: ObjectRef, tools: Tools): Promise<OpenObject> {
  const first = await tools.aws.get(ref, tools.signal);
  const etag = first.ETag ?? '';
  const size = first.ContentLength ?? null;
  const raw = rawPieces({ ref, first: first.Body, etag, size }, tools);
  return {
    etag: etag.replace(/^W\//, '').replaceAll('"', ''),
    versionId: first.VersionId ?? ref.versionId,
    metadata: first.Metadata ?? {},
    pieces: unpacked(raw, tools.maxBytes),
  };
}

/** The bytes as they are stored. A stream that is cut is gone on with from where it ended, while the object is the same. */
async function* rawPieces(
  { ref, first, etag, size }: { ref: ObjectRef; first: unknown; etag: string; size: number | null },
  { aws, clock, signal }: Tools,
): AsyncGenerator<Buffer> {
  let at = 0;
  let body = first;
  for (let resumes = 0; ; resumes++) {
    const cut = yield* follow(body, signal, length => {
      at += length;
    });
    if (cut === null && (size === null || at === size)) return;
    signal.throwIfAborted();
    const because = `it was cut after ${at} of ${size ?? 'unknown'} bytes${cut === null ? '' : `: ${cut}`}`;
    if (resumes >= mostResumes || size === null || at >= size) throw new StreamError(because);
    await clock.sleep(500 * (resumes + 1), signal);
    body = (await aws.get({ ...ref, from: at, etag: `"${etag.replaceAll('"', '')}"` }, signal)).Body;
  }
}

/** Yields what comes; returns why it ended early, or null. */
async function* follow(
  body: unknown,
  signal: AbortSignal,
  count: (length: number) => void,
): AsyncGenerator<Buffer, string | null> {
  if (!(body instanceof Readable)) return 'there was no body';
  // What fails between two pieces is found with the next one.
  body.on('error', () => {});
  const stop = () => body.destroy(new StreamError('it was stopped'));
  signal.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    clearTimeout(timer);
    timer = setTimeout(() => body.destroy(new StreamError('it stood still')), longestPause);
  };
  const pieces = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      arm();
      const next = await pieces.next().catch((error: Error) => error);
      clearTimeout(timer);
      if (next instanceof Error) return next.message;
      if (next.done === true) return null;
      count(next.value.length);
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    body.destroy();
  }
}

/** Looks at the first bytes, because names and headers lie: CloudTrail's objects say gzip, those of VPC flow logs say nothing. */
async function* unpacked(raw: AsyncGenerator<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  const start = await takeStart(raw);
  const all = async function* () {
    if (start.length > 0) yield start;
    yield* raw;
  };
  if (start.subarray(0, 4).toString('latin1') === 'PAR1')
    throw new TocsinError('bad-body', {
      message: 'The object is Parquet, which is not read.',
      remedy: 'Let the service write text: a flow log has FileFormat=plain-text.',
    });
  yield* limited(start[0] === 0x1f && start[1] === 0x8b ? gunzip(all(), Number.POSITIVE_INFINITY) : all(), maxBytes);
}

async function takeStart(raw: AsyncGenerator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await raw.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

async function* limited(pieces: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > maxBytes)
      throw new TocsinError('body-too-large', {
        message: 'The object is larger than this source allows.',
        allowed: `${maxBytes} bytes, unpacked`,
        remedy: 'Raise maxBytes of the source in tocsin.yaml, and let it be read again.',
      });
    yield piece;
  }
}
