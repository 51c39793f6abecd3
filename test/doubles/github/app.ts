import { generateKeyPairSync, verify } from 'node:crypto';
import type { Permissions, Reply } from './report.ts';

/** An app, as GitHub knows it, and the tokens that it issued. */
export interface AppDouble {
  id: string;
  privateKey: string;
  publicKey: string;
  /** Where it is installed, by owner, and what it was given. */
  installations: Map<string, { id: number; permissions: Record<string, string> }>;
  tokens: Map<string, { until: number; permissions: Record<string, string>; repositories: string[] }>;
}

export function createApp(): AppDouble {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { id: '139973', privateKey, publicKey, installations: new Map(), tokens: new Map() };
}

/** What the bearer of this may do in the repository; null for nobody. */
export function permissionsOf(bearer: string, place: string | null, app: AppDouble, now: number): Permissions | null {
  const found = app.tokens.get(bearer);
  const [, name = ''] = place?.split('/') ?? [];
  if (found === undefined || found.until <= now) return null;
  return place === null || found.repositories.includes(name) ? found.permissions : null;
}

/** Answers what an app asks as itself; null for any other path. Source: docs.github.com, generating a JSON Web Token, GitHub Apps. */
export function answerApp(
  method: string,
  path: string,
  bearer: string,
  text: string,
  app: AppDouble,
  now: number,
  hook: () => Reply | null = () => null,
) {
  const [, owner] = /^\/api\/v3\/repos\/([^/]+)\/[^/]+\/installation$/.exec(path) ?? [];
  const [, id] = /^\/api\/v3\/app\/installations\/([0-9]+)\/access_tokens$/.exec(path) ?? [];
  const isHook = path.startsWith('/api/v3/app/hook/');
  if (path !== '/api/v3/app' && !isHook && owner === undefined && id === undefined) return null;
  const reply = (status: number, body: unknown): Reply => ({ status, body });
  if (!isProven(bearer, app, now)) return reply(401, { message: 'A JSON web token could not be decoded' });
  if (isHook) return hook() ?? reply(404, { message: 'Not Found' });
  if (path === '/api/v3/app' && method === 'GET') return reply(200, { client_id: app.id });
  if (owner !== undefined && method === 'GET') {
    const found = app.installations.get(owner);
    return found === undefined ? reply(404, { message: 'Not Found' }) : reply(200, { id: found.id });
  }
  const installed = [...app.installations.values()].find(one => String(one.id) === id);
  const wanted: { repositories: string[]; permissions: Record<string, string> } = JSON.parse(text || '{}');
  if (installed === undefined || method !== 'POST') return reply(404, { message: 'Not Found' });
  const given = Object.entries(wanted.permissions).every(
    ([name, level]) => installed.permissions[name] === level || installed.permissions[name] === 'write',
  );
  if (!given) return reply(422, { message: 'The permissions requested are not granted to this installation.' });
  // The token of the stateless form is longer than 40 characters.
  const token = `ghs_${app.tokens.size + 1}_${'x'.repeat(300)}`;
  app.tokens.set(token, { until: now + 3_600_000, ...wanted });
  return reply(201, { token, expires_at: new Date(now + 3_600_000).toISOString() });
}

function isProven(bearer: string, app: AppDouble, now: number): boolean {
  const [head = '', claims = '', signature = ''] = bearer.split('.');
  const read = (part: string): Record<string, unknown> => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url').toString());
    } catch {
      return {};
    }
  };
  const { iat, exp, iss } = read(claims);
  const inTime = Number(iat) * 1000 <= now && Number(exp) * 1000 > now && Number(exp) * 1000 <= now + 600_000;
  if (read(head)['alg'] !== 'RS256' || String(iss) !== app.id || !inTime) return false;
  return verify('sha256', Buffer.from(`${head}.${claims}`), app.publicKey, Buffer.from(signature, 'base64url'));
}
