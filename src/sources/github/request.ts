import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { createAppTokens, githubHeaders, githubWait, jwtOf, type Place } from '../../kernel/github-app.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import type { Options } from './options.ts';

export type Method = 'GET' | 'POST' | 'PATCH';

/** A request about a repository. */
export type Request = (place: Place, method: Method, path: string, body?: object) => Promise<unknown>;

interface Tools {
  fetch: OriginApi['fetch'];
  signal?: AbortSignal;
  clock: Pick<Clock, 'now'>;
}

/** With the token of the app where there is one, else with `apiToken`. */
export function requesterOf(given: Options, tools: Tools): Request {
  const { app, apiToken = '' } = given;
  if (app === undefined) return (_place, method, path, body) => send(given, tools, apiToken, method, path, body);
  const tokens = createAppTokens(appRequest(given, tools), permissionsOf(given), tools.clock);
  return async (place, method, path, body) => {
    const token = await tokens.of(place);
    try {
      return await send(given, tools, token, method, path, body);
    } catch (error) {
      // It may have been revoked.
      if (isCode(error, 'origin-down')) tokens.forget(place);
      throw error;
    }
  };
}

/** Requests as the app itself. */
export function appRequest(given: Options, tools: Tools) {
  return (method: Method, path: string, body?: object) =>
    send(given, tools, given.app === undefined ? '' : jwtOf(given.app, tools.clock.now()), method, path, body);
}

/** The permissions that the options need. Source: docs.github.com, permissions required for GitHub Apps. */
function permissionsOf({ comment, report = [] }: Options): Record<string, 'read' | 'write'> {
  return {
    ...(comment === true ? { contents: 'read' as const } : {}),
    ...(report.includes('status') ? { statuses: 'write' as const } : {}),
    ...(report.includes('check') ? { checks: 'write' as const } : {}),
    ...(report.includes('deployment') ? { deployments: 'write' as const } : {}),
  };
}

export function send(
  given: Options,
  tools: Tools,
  token: string,
  method: Method,
  path: string,
  body?: object,
): Promise<unknown> {
  const origin: OriginApi = {
    name: 'GitHub',
    fetch: tools.fetch,
    signal: tools.signal,
    refusedKey:
      given.app === undefined
        ? {
            because: 'The token is not valid.',
            remedy:
              'Correct apiToken of the source in tocsin.yaml: GitHub, Settings, Developer settings, Fine-grained tokens.',
          }
        : {
            because: 'The app is not known by this id and key.',
            remedy: 'Correct app of the source in tocsin.yaml: GitHub, Settings, Developer settings, GitHub Apps.',
          },
    waitAfter: (status, headers, text) => githubWait(status, headers, text, tools.clock.now()),
  };
  return requestOrigin(
    rootOf(given) + path,
    {
      method,
      headers: githubHeaders(token, body !== undefined),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
    origin,
  );
}

export function rootOf({ url }: Options): string {
  return url.replace(/\/+$/, '');
}
