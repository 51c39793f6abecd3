import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { basicHeader } from '../../kernel/signature.ts';
import type { ApiOptions } from './options.ts';

/** A request to the API; rejects only with `origin-limited`, `origin-down` or `origin-refused`. A GET with a body is sent as its method override. */
export type Request = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** Source: Icinga 2 documentation, 12-icinga2-api (authentication, overriding the method), and version 2.13.6 itself. */
export function requesterOf(given: ApiOptions, tools: Pick<OriginApi, 'fetch' | 'signal'>): Request {
  const origin: OriginApi = {
    name: 'Icinga',
    ...tools,
    refusedKey: {
      because: 'The user or the password is wrong.',
      remedy:
        'Correct api.user and api.password of the source in tocsin.yaml: the ApiUser in the configuration of Icinga.',
    },
  };
  return (method, path, body) =>
    requestOrigin(
      given.url.replace(/\/+$/, '') + path,
      {
        method: body === undefined ? method : 'POST',
        headers: {
          accept: 'application/json',
          authorization: basicHeader(given.user, given.password),
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'x-http-method-override': method }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
}
