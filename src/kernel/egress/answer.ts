import { showDuration } from '../duration.ts';
import { messageOf, TocsinError } from '../errors.ts';

/** How far a request has come: what its failure says depends on it. */
export interface Progress {
  url: URL;
  signal: AbortSignal | null;
  /** Milliseconds that the connection, the headers, and each pause of the body may take; null for as long as the signal allows. */
  patience: number | null;
  /** When the request began, by performance.now(). */
  since: number;
}

/** The error for a request that got no headers. */
export function noAnswer(error: unknown, progress: Progress): unknown {
  const { url, signal } = progress;
  if (signal?.aborted) return late(progress) ? failed(progress, `${noAnswerWithin(progress)}.`, error) : signal.reason;
  const cause = rootOf(error);
  if (cause instanceof TocsinError) return cause;
  switch (codeOf(cause)) {
    case 'UND_ERR_HEADERS_TIMEOUT':
      return failed(progress, `${noAnswerWithin(progress)}.`, error);
    case 'UND_ERR_CONNECT_TIMEOUT':
      return failed(progress, `There was no connection to ${url.host} within ${patienceOf(progress)}.`, error);
    default:
      return failed(progress, `${url.host} did not answer: ${messageOf(cause)}`, error);
  }
}

/** The error for a body that ended before its end. `pause` is how long nothing had come, milliseconds. */
export function brokenBody(error: unknown, progress: Progress, read: { bytes: number; pause: number }): unknown {
  const { url, signal } = progress;
  const after = `after ${read.bytes.toLocaleString('en-GB')} bytes`;
  if (signal?.aborted) {
    const message = `The body of ${url.host} was not at its end when the time was over: it paused for ${showDuration(read.pause)} ${after}.`;
    return late(progress) ? failed(progress, message, error) : signal.reason;
  }
  const cause = rootOf(error);
  if (cause instanceof TocsinError) return cause;
  if (codeOf(cause) === 'UND_ERR_BODY_TIMEOUT')
    return failed(progress, `The body of ${url.host} paused for ${patienceOf(progress)} ${after}.`, error);
  return failed(progress, `The body of ${url.host} broke off ${after}: ${messageOf(cause)}`, error);
}

/** True when the signal says that a time is over, and not that somebody wanted the request to end. */
function late({ signal }: Progress): boolean {
  const reason: unknown = signal?.reason;
  return reason instanceof TocsinError ? reason.code === 'step-timeout' : nameOf(reason) === 'TimeoutError';
}

function noAnswerWithin(progress: Progress): string {
  const time = progress.signal?.aborted ? showDuration(performance.now() - progress.since) : patienceOf(progress);
  return `${progress.url.host} sent no answer within ${time}`;
}

function patienceOf({ patience }: Progress): string {
  return showDuration(patience ?? 0);
}

function failed({ url }: Progress, message: string, cause: unknown): TocsinError {
  return new TocsinError('egress-failed', { message, given: url.origin, cause });
}

/** The cause behind the `fetch failed` and the `terminated` that fetch throws. */
function rootOf(error: unknown): unknown {
  let at = error;
  for (
    let depth = 0;
    depth < 5 && at instanceof Error && at.cause !== undefined && !(at instanceof TocsinError);
    depth++
  )
    at = at.cause;
  return at instanceof AggregateError && at.errors.length > 0 ? at.errors[0] : at;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The answer as a global `Response`. Its body fails with `response-too-large` after `maxBody` bytes, and says where it broke off. */
export function bounded(answer: Response, maxBody: number, progress: Progress): Response {
  const init = { status: answer.status, statusText: answer.statusText, headers: [...answer.headers] };
  if (answer.body === null || [101, 204, 205, 304].includes(answer.status)) return new Response(null, init);
  const reader: ReadableStreamDefaultReader<Uint8Array> = answer.body.getReader();
  let size = 0;
  let since = performance.now();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        size += value.byteLength;
        since = performance.now();
        if (size <= maxBody) return controller.enqueue(value);
      } catch (error) {
        return controller.error(brokenBody(error, progress, { bytes: size, pause: performance.now() - since }));
      }
      controller.error(
        new TocsinError('response-too-large', { allowed: `at most ${maxBody.toLocaleString('en-GB')} bytes` }),
      );
      await reader.cancel().catch(() => {});
    },
    cancel: reason => reader.cancel(reason),
  });
  return new Response(body, init);
}
