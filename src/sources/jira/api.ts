import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import { basicHeader, bearerHeader } from '../../kernel/signature.ts';
import type { Options } from './options.ts';

/** `path` is below /rest/api/2 and begins with a slash: version 2 takes texts as texts, in the cloud and in Data Center. */
export type Request = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

/** Source: developer.atlassian.com, Jira Cloud REST API, basic auth; Data Center, personal access tokens. */
export function requesterOf(given: Options, tools: Pick<OriginApi, 'fetch' | 'signal'>): Request {
  const { url = '', user, apiToken = '' } = given;
  const origin: OriginApi = {
    name: 'Jira',
    fetch: tools.fetch,
    signal: tools.signal,
    refusedKey: {
      because: 'The token is not valid.',
      remedy: 'Correct user and apiToken of the source in tocsin.yaml: id.atlassian.com, Security, API tokens.',
    },
  };
  return (method, path, body) =>
    requestOrigin(
      `${url.replace(/\/+$/, '')}/rest/api/2${path}`,
      {
        method,
        headers: {
          accept: 'application/json',
          authorization: user === undefined ? bearerHeader(apiToken) : basicHeader(user, apiToken),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      origin,
    );
}

/** Data Center has no /search/jql, and the cloud no /search any more. Source: developer.atlassian.com, changelog CHANGE-2046. */
export function searchPath({ user }: Options): string {
  return user === undefined ? '/search' : '/search/jql';
}
