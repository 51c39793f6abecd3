import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { exactNumber } from '../../kernel/number.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { basicHeader } from '../../kernel/signature.ts';
import { addressOf, type Options } from './options.ts';

/** The alert API of Opsgenie, or that of Jira Service Management, which took it over. */
export interface Api {
  /** As people know it. */
  name: string;
  /** True where an action takes a note with it. */
  notesWithActions: boolean;
  get(path: string): Promise<unknown>;
  /** Does an action, and waits until it is done: the API answers 202 before that. */
  act(alert: string, action: 'acknowledge' | 'unacknowledge' | 'close' | 'notes', note: string | null): Promise<void>;
}

const accepted = z.object({ requestId: z.string().regex(/^[\w.-]{1,100}$/) });

/** Opsgenie answers within `data`, Jira Service Management without. Source: docs.opsgenie.com, alert API, get request status. */
const done = z.object({
  success: z.boolean().optional(),
  isSuccess: z.boolean().optional(),
  status: z.string().nullish(),
});

/** How often the result of a request is asked for, and how long apart, milliseconds. */
const tries = 5;
const apart = 700;

export type Tools = Pick<OriginApi, 'fetch' | 'signal'> & { clock: Pick<Clock, 'sleep'> };

export function apiOf(given: Options, tools: Tools): Api {
  const { jsm, apiKey = '' } = given;
  const name = jsm === undefined ? 'Opsgenie' : 'Jira Service Management';
  const origin: OriginApi = {
    name,
    fetch: tools.fetch,
    signal: tools.signal,
    refusedKey: {
      because: 'The key is not valid.',
      remedy:
        jsm === undefined
          ? 'Correct apiKey of the source in tocsin.yaml: Opsgenie, Settings, Integrations, API.'
          : 'Correct jsm.user and jsm.token of the source in tocsin.yaml: id.atlassian.com, Security, API tokens.',
    },
    // Source: docs.opsgenie.com, rate limiting, and its OpenAPI: X-RateLimit-Period-In-Sec.
    waitAfter: (status, headers) => {
      const seconds = exactNumber((headers.get('x-ratelimit-period-in-sec') ?? '').trim());
      return status === 429 && seconds !== null ? seconds * 1000 : null;
    },
  };
  const root = `${addressOf(given)}${jsm === undefined ? '/v2' : `/jsm/ops/api/${jsm.cloudId}/v1`}`;
  const authorization = jsm === undefined ? `GenieKey ${apiKey}` : basicHeader(jsm.user, jsm.token);

  const request = (method: 'GET' | 'POST', path: string, body?: object) =>
    requestOrigin(
      root + path,
      {
        method,
        headers: {
          accept: 'application/json',
          authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );

  async function settle(requestId: string): Promise<void> {
    for (let left = tries; left > 0; left--) {
      const found = await request('GET', `/alerts/requests/${requestId}`).catch(notYet);
      const { success, isSuccess, status } = found === null ? {} : done.parse(dataOf(found));
      const well = isSuccess ?? success;
      if (well === true) return;
      if (well === false)
        throw new TocsinError('origin-refused', {
          message: `${name} did not do it: ${status ?? 'it does not say why'}`,
        });
      if (left > 1) await tools.clock.sleep(apart, tools.signal);
    }
    throw new TocsinError('origin-down', { message: `${name} took the request and has not done it yet.` });
  }

  return {
    name,
    notesWithActions: jsm === undefined,
    get: async path => dataOf(await request('GET', path)),
    async act(alert, action, note) {
      const who = jsm === undefined ? { user: 'Tocsin', source: 'Tocsin' } : {};
      const body = { ...who, ...(note === null ? {} : { note }) };
      const answer = accepted.parse(await request('POST', `/alerts/${encodeURIComponent(alert)}/${action}`, body));
      await settle(answer.requestId);
    },
  };
}

/** A request that is not done yet is not found. */
function notYet(error: unknown): null {
  if (isCode(error, 'origin-refused') && error.message.includes('answered 404')) return null;
  throw error;
}

function dataOf(found: unknown): unknown {
  const data = (found as { data?: unknown } | null)?.data;
  return data ?? found;
}
