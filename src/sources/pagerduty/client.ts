import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
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

export function createClient(given: Options, tools: ClientTools): Client {
  const { api, events } = addressesOf(given);

  // Errors and limits: PagerDuty developer-docs, REST-API/14-Errors.md, 04-Rate-Limits.md, events-API-v2/05-Rate-Limits.md.
  const origin: OriginApi = {
    name: 'PagerDuty',
    ...tools,
    refusedKey: {
      because: 'The key is not valid.',
      remedy: 'Correct apiToken of the source in tocsin.yaml: PagerDuty, Integrations, API Access Keys.',
    },
  };
  const send = (url: string, init: RequestInit) => requestOrigin(url, init, origin);

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
