import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { exactNumber } from '../../kernel/number.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import { addressesOf, type Options } from './options.ts';

/** A client of PagerDuty's REST and Events APIs. All methods reject only with `origin-limited`, `origin-down` or `origin-refused`. */
export interface Client {
  /** Resolves to the parsed response. `path` begins with a slash and includes the query. */
  rest(method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<unknown>;
  /** Sends an event to the Events API v2, with the routing key added. */
  enqueue(event: object): Promise<void>;
}

export interface ClientTools {
  fetch: typeof fetch;
  signal?: AbortSignal;
}

/** The time-out of a request, milliseconds. */
const requestTimeout = 10_000;
/** The back-off after a 429 without a header that says how long, milliseconds: the limits are per minute. */
const defaultBackoff = 30_000;

export function createClient(given: Options, tools: ClientTools): Client {
  const { api, events } = addressesOf(given);

  async function send(url: string, init: RequestInit): Promise<unknown> {
    const limits = [AbortSignal.timeout(requestTimeout), ...(tools.signal === undefined ? [] : [tools.signal])];
    const answer = await ask(url, { ...init, redirect: 'error', signal: AbortSignal.any(limits) }, tools.fetch);
    if (!answer.ok) throw failure(answer);
    return parse(answer.text);
  }

  return {
    rest: (method, path, body) =>
      send(api + path, {
        method,
        headers: {
          // Source: PagerDuty developer-docs, REST-API/02-Authentication.md and 03-Versioning.md.
          authorization: `Token token=${given.apiToken ?? ''}`,
          accept: 'application/vnd.pagerduty+json;version=2',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(given.from === undefined ? {} : { from: given.from }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async enqueue(event) {
      await send(`${events}/v2/enqueue`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ routing_key: given.routingKey, ...event }),
      });
    },
  };
}

interface Answer {
  ok: boolean;
  status: number;
  headers: Headers;
  text: string;
}

async function ask(url: string, init: RequestInit, request: typeof fetch): Promise<Answer> {
  try {
    const response = await request(url, init);
    return { ok: response.ok, status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    if (isCode(error, 'egress-refused'))
      throw new TocsinError('origin-refused', {
        message: `PagerDuty may not be reached: ${error.message}`,
        cause: error,
      });
    const why =
      error instanceof DOMException && error.name === 'TimeoutError' ? 'no answer within 10 s' : rootOf(error);
    throw new TocsinError('origin-down', { message: `PagerDuty cannot be reached: ${why}`, cause: error });
  }
}

/** The cause behind the `fetch failed` that fetch throws. */
function rootOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(cause) || messageOf(error);
}

function parse(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw new TocsinError('origin-down', { message: 'What answers is not PagerDuty: it sends no JSON.', cause: error });
  }
}

/** The error for a status. Source: PagerDuty developer-docs, REST-API/14-Errors.md, 04-Rate-Limits.md, events-API-v2/05-Rate-Limits.md. */
function failure(answer: Answer): TocsinError {
  const detail = errorText(answer.text);
  const message = `PagerDuty answered ${answer.status}${detail === '' ? '' : `: ${detail}`}`;
  if (answer.status === 429) return new TocsinError('origin-limited', { message, retryAfter: waitOf(answer.headers) });
  // A wrong key fails every request until somebody corrects it, so write-backs are retried and not given up.
  if (answer.status === 401) {
    return new TocsinError('origin-down', {
      message: `${message}. The key is not valid.`,
      remedy: 'Correct apiToken of the source in tocsin.yaml: PagerDuty, Integrations, API Access Keys.',
    });
  }
  if (answer.status === 408 || answer.status >= 500) return new TocsinError('origin-down', { message });
  return new TocsinError('origin-refused', { message, given: String(answer.status) });
}

/** Milliseconds to wait, from the headers that say it in seconds; at most 10 minutes, so that a wrong value cannot block write-backs. */
function waitOf(headers: Headers): number {
  const seconds = exactNumber((headers.get('retry-after') ?? headers.get('ratelimit-reset') ?? '').trim());
  return seconds !== null && seconds >= 0 ? Math.min(seconds * 1000, 10 * 60_000) : defaultBackoff;
}

/** The error text of a response on one line. The APIs send `{error: {message, errors}}` and `{message, errors}`. */
function errorText(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    const error = (body as { error?: unknown } | null)?.error ?? body;
    const { message, errors } = error as { message?: unknown; errors?: unknown };
    const all = [message, ...(Array.isArray(errors) ? errors : [])].filter(one => typeof one === 'string');
    return cutText(visibleLine(all.join(', ')), 300);
  } catch {
    return '';
  }
}
