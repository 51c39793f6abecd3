import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import { addressesOf, type Options } from './options.ts';

/** The two APIs of PagerDuty. Rejects with `origin-limited`, `origin-down` or `origin-refused`, whatever goes wrong. */
export interface Client {
  /** The parsed answer. `path` has its query, and begins with a slash. */
  rest(method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<unknown>;
  /** Events API v2; the routing key is added. */
  enqueue(event: object): Promise<void>;
}

export interface ClientTools {
  fetch: typeof fetch;
  signal?: AbortSignal;
}

/** How long an answer is waited for, milliseconds. */
const patience = 10_000;
/** How long to wait after a 429 that does not say it, milliseconds: the limits are per minute. */
const breath = 30_000;

export function createClient(given: Options, tools: ClientTools): Client {
  const { api, events } = addressesOf(given);

  async function send(url: string, init: RequestInit): Promise<unknown> {
    const limits = [AbortSignal.timeout(patience), ...(tools.signal === undefined ? [] : [tools.signal])];
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

/** The system's `fetch` hides what happened behind `fetch failed`. */
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

/** Source of the statuses: PagerDuty developer-docs, REST-API/14-Errors.md, 04-Rate-Limits.md and events-API-v2/05-Rate-Limits.md. */
function failure(answer: Answer): TocsinError {
  const said = saidBy(answer.text);
  const message = `PagerDuty answered ${answer.status}${said === '' ? '' : `: ${said}`}`;
  if (answer.status === 429) return new TocsinError('origin-limited', { message, retryAfter: waitOf(answer.headers) });
  // Refused whatever is asked, until somebody corrects the key: nothing is given up meanwhile.
  if (answer.status === 401) {
    return new TocsinError('origin-down', {
      message: `${message}. The key is not valid.`,
      remedy: 'Correct apiToken of the source in tocsin.yaml: PagerDuty, Integrations, API Access Keys.',
    });
  }
  if (answer.status === 408 || answer.status >= 500) return new TocsinError('origin-down', { message });
  return new TocsinError('origin-refused', { message, given: String(answer.status) });
}

/** Seconds, in the headers that say it; bounded, so that a wrong one stops nothing for ever. */
function waitOf(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? headers.get('ratelimit-reset') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 10 * 60_000) : breath;
}

/** Error texts of both APIs, as one line: `{error: {message, errors}}` and `{message, errors}`. */
function saidBy(text: string): string {
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
