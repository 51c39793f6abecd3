import { isCode, messageOf, TocsinError } from './errors.ts';
import { exactNumber } from './number.ts';
import { cutText, visibleLine } from './text.ts';

/** Requests to the API of an origin of alerts, with errors as write-backs need them. */
export interface OriginApi {
  /** What answers there, for people. */
  name: string;
  fetch: typeof fetch;
  signal?: AbortSignal | undefined;
  /** What is wrong after a 401, in a sentence, and where it is corrected. */
  refusedKey: { because: string; remedy: string };
  /** How long to wait after an answer that says so in its own way (GitHub: 403), milliseconds; null for any other. */
  waitAfter?(status: number, headers: Headers, text: string): number | null;
}

/** The time-out of a request, milliseconds. */
const requestTimeout = 10_000;
/** The back-off after a 429 without a header that says how long, milliseconds: limits are per minute. */
const defaultBackoff = 30_000;
/** The longest back-off, milliseconds, so that a wrong value cannot block write-backs. */
const longestBackoff = 10 * 60_000;

/**
 * Resolves to the parsed answer; null for an empty one. Rejects with `origin-limited` (429), `origin-down` (no answer within 10 s, no JSON,
 * 401, 408, 5xx: tried again) or `origin-refused` (anything else). A redirect is not followed: it could take credentials elsewhere.
 */
export async function requestOrigin(url: string, init: RequestInit, api: OriginApi): Promise<unknown> {
  const limits = [AbortSignal.timeout(requestTimeout), ...(api.signal === undefined ? [] : [api.signal])];
  const answer = await ask(url, { ...init, redirect: 'error', signal: AbortSignal.any(limits) }, api);
  if (!answer.ok) throw failure(answer, api);
  return parse(answer.text, api);
}

interface Answer {
  ok: boolean;
  status: number;
  headers: Headers;
  text: string;
}

async function ask(url: string, init: RequestInit, { name, fetch: request }: OriginApi): Promise<Answer> {
  try {
    const response = await request(url, init);
    return { ok: response.ok, status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    if (isCode(error, 'egress-refused'))
      throw new TocsinError('origin-refused', {
        message: `${name} may not be reached: ${error.message}`,
        cause: error,
      });
    const why =
      error instanceof DOMException && error.name === 'TimeoutError' ? 'no answer within 10 s' : rootOf(error);
    throw new TocsinError('origin-down', { message: `${name} cannot be reached: ${why}`, cause: error });
  }
}

/** The cause behind the `fetch failed` that fetch throws. */
function rootOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(cause) || messageOf(error);
}

function parse(text: string, { name }: OriginApi): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw new TocsinError('origin-down', { message: `What answers is not ${name}: it sends no JSON.`, cause: error });
  }
}

function failure(answer: Answer, { name, refusedKey, waitAfter }: OriginApi): TocsinError {
  const detail = errorText(answer.text);
  const message = `${name} answered ${answer.status}${detail === '' ? '' : `: ${detail}`}`;
  const wait =
    waitAfter?.(answer.status, answer.headers, detail) ?? (answer.status === 429 ? waitOf(answer.headers) : null);
  if (wait !== null) return new TocsinError('origin-limited', { message, retryAfter: Math.min(wait, longestBackoff) });
  // A wrong key fails every request until somebody corrects it, so write-backs are retried and not given up.
  if (answer.status === 401)
    return new TocsinError('origin-down', { message: `${message}. ${refusedKey.because}`, remedy: refusedKey.remedy });
  if (answer.status === 408 || answer.status >= 500) return new TocsinError('origin-down', { message });
  return new TocsinError('origin-refused', { message, given: String(answer.status) });
}

/** Milliseconds to wait, from the headers that say it in seconds. */
function waitOf(headers: Headers): number {
  const seconds = exactNumber((headers.get('retry-after') ?? headers.get('ratelimit-reset') ?? '').trim());
  return seconds !== null && seconds >= 0 ? seconds * 1000 : defaultBackoff;
}

/**
 * The error text of a response on one line. APIs send `{error: {message, errors}}` or `{message, errors}`; Icinga 2 sends `{status}` or
 * `{results: [{status}]}`, Sentry `{detail}`, Jira `{errorMessages, errors: {field: text}}`,
 * Alertmanager a text.
 */
function errorText(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'string') return cutText(visibleLine(body), 300);
    const inner = (body as { error?: unknown } | null)?.error;
    const error = (typeof inner === 'object' && inner !== null ? inner : body) as Readonly<Record<string, unknown>>;
    const { message, detail, status, errors, errorMessages, results } = error;
    const all = [
      typeof inner === 'string' ? inner : null,
      message,
      detail,
      status,
      textsIn(errorMessages),
      textsIn(errors),
      textsIn(results),
    ]
      .flat()
      .filter(one => typeof one === 'string' && one !== '');
    return cutText(visibleLine(all.join(', ')), 300);
  } catch {
    return '';
  }
}

/** The texts of a list or a map, and of the `status` of what is a map in it. */
function textsIn(given: unknown): unknown[] {
  if (typeof given !== 'object' || given === null) return [];
  return Object.values(given).map(one =>
    typeof one === 'object' && one !== null ? (one as { status?: unknown }).status : one,
  );
}
