import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { basicHeader } from '../../kernel/signature.ts';
import type { Options } from './options.ts';

/** A request to the Table API; `path` is behind the name of the table. */
export type Request = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) => Promise<unknown>;

/** Source: docs.servicenow.com, Table API; REST API authentication. */
export function requesterOf(given: Options, tools: Pick<OriginApi, 'fetch' | 'signal'>): Request {
  const { url = '', user = '', password = '', table } = given;
  const origin: OriginApi = {
    name: 'ServiceNow',
    fetch: tools.fetch,
    signal: tools.signal,
    refusedKey: {
      because: 'The user or the password is wrong.',
      remedy: 'Correct user and password of the source in tocsin.yaml.',
    },
  };
  return (method, path, body) =>
    requestOrigin(
      `${url.replace(/\/+$/, '')}/api/now/table/${table}${path}`,
      {
        method,
        headers: {
          accept: 'application/json',
          authorization: basicHeader(user, password),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
}
