import { createPrivateKey, sign } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { exactNumber } from './number.ts';

/** Who asks: an app that is installed where the repositories are. */
export const githubApp = z.strictObject({
  id: z
    .union([z.int().positive(), z.string().regex(/^[1-9][0-9]{0,15}$/, 'no app id, which is a number')])
    .transform(String)
    .meta({ description: 'The app id, a number. A client id does not do: not all webhooks name it.' }),
  key: z
    .string()
    .transform(text => text.replaceAll('\\n', '\n'))
    .refine(isRsaKey, 'no RSA private key in PEM with at least 2048 bits; is its environment variable set?')
    .meta({ description: 'The private key of the app, as GitHub made it (PEM). Line breaks may be written as \\n.' }),
});
export type GitHubApp = z.infer<typeof githubApp>;

function isRsaKey(text: string): boolean {
  try {
    const key = createPrivateKey(text);
    return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}

/**
 * What the app proves itself with. It is made a minute earlier because clocks differ, and holds for nine, because GitHub takes ten at most.
 * Source: docs.github.com, generating a JSON Web Token for a GitHub App.
 */
export function jwtOf({ id, key }: GitHubApp, now: number): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const seconds = Math.floor(now / 1000);
  const head = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: seconds - 60, exp: seconds + 540, iss: id })}`;
  return `${head}.${sign('sha256', Buffer.from(head), key).toString('base64url')}`;
}

export interface Place {
  owner: string;
  name: string;
}

/** Tokens of installations, one for each repository, with the permissions that are needed and no others. */
export interface AppTokens {
  /** Rejects as the request does. */
  of(place: Place): Promise<string>;
  /** The next one is asked for anew: GitHub refused this one. */
  forget(place: Place): void;
}

/** A request with the proof of the app itself. */
export type AppRequest = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

const installation = z.object({ id: z.int() });
/** Since 2026 a token may be much longer than 40 characters. Source: docs.github.com, generating an installation access token. */
const issued = z.object({ token: z.string().min(1), expires_at: z.string() });

/** So long before its end a token is not used any more, milliseconds. */
const margin = 5 * 60_000;
/** The most repositories of which a token is kept. */
const most = 1000;

/** GitHub issues a token for an hour. Source: docs.github.com, REST API endpoints for GitHub Apps. */
export function createAppTokens(
  request: AppRequest,
  permissions: Readonly<Record<string, 'read' | 'write'>>,
  clock: Pick<Clock, 'now'>,
): AppTokens {
  const known = new Map<string, Promise<{ token: string; until: number }>>();

  async function issue({ owner, name }: Place): Promise<{ token: string; until: number }> {
    const { id } = installation.parse(await request('GET', `/repos/${owner}/${name}/installation`));
    const wanted = { repositories: [name], permissions };
    const made = issued.parse(await request('POST', `/app/installations/${id}/access_tokens`, wanted));
    return { token: made.token, until: Date.parse(made.expires_at) || clock.now() + margin };
  }

  return {
    async of(place) {
      const key = keyOf(place);
      const kept = await known.get(key)?.catch(() => null);
      if (kept != null && kept.until - margin > clock.now()) return kept.token;
      if (known.size >= most) known.clear();
      const next = issue(place);
      known.set(key, next);
      next.catch(() => known.get(key) === next && known.delete(key));
      return (await next).token;
    },
    forget: place => void known.delete(keyOf(place)),
  };
}

function keyOf({ owner, name }: Place): string {
  return `${owner}/${name}`.toLowerCase();
}

/** Headers: docs.github.com, getting started with the REST API. */
export function githubHeaders(token: string, withBody: boolean): Record<string, string> {
  return {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
    'user-agent': 'tocsin',
    'x-github-api-version': '2022-11-28',
    ...(withBody ? { 'content-type': 'application/json' } : {}),
  };
}

/**
 * How long to wait after this answer, milliseconds; null where it is no limit. GitHub answers 403 or 429 to too many requests, and a minute is
 * the least to wait where it does not say it. Source: docs.github.com, rate limits for the REST API, exceeding the rate limit.
 */
export function githubWait(status: number, headers: Headers, text: string, now: number): number | null {
  const after = exactNumber((headers.get('retry-after') ?? '').trim());
  const isSpent = headers.get('x-ratelimit-remaining') === '0';
  if (status !== 429 && !(status === 403 && (after !== null || isSpent || /rate limit/i.test(text)))) return null;
  if (after !== null) return Math.max(0, after * 1000);
  const reset = isSpent ? exactNumber((headers.get('x-ratelimit-reset') ?? '').trim()) : null;
  return reset === null ? 60_000 : Math.max(1000, reset * 1000 - now);
}
