import type { FastifyRequest } from 'fastify';
import { localPerson } from '../flow/people/identify.ts';
import { TocsinError } from '../kernel/errors.ts';
import { isForwarded } from '../kernel/forwarded.ts';
import type { Actor } from '../model/actor.ts';
import { isLoopbackAddress } from './guards.ts';
import type { HttpParts } from './parts.ts';

/** Identifies the caller of the API. Throws `unauthenticated`. In local mode reading from this machine needs no token; a change does. */
export function identify(request: FastifyRequest, parts: HttpParts): Actor {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
    const who = token === undefined ? null : parts.host.bearer(token);
    if (who === null) throw new TocsinError('unauthenticated', { message: 'This bearer token is not known.' });
    return who;
  }
  if (isLocalReading(request, parts)) return { kind: 'person', id: localPerson, via: 'api', account: null };
  throw new TocsinError('unauthenticated', localHint(parts));
}

/** A proxy on this machine makes every caller look local, so forwarded requests do not count as local. */
function isLocalReading(request: FastifyRequest, parts: HttpParts): boolean {
  const { headers, method } = request;
  if (parts.host.localKey === null || (method !== 'GET' && method !== 'HEAD') || isForwarded(headers)) return false;
  return isLoopbackAddress(request.socket.remoteAddress ?? '');
}

function localHint(parts: HttpParts): { remedy?: string } {
  if (parts.host.localKey === null) return {};
  return {
    remedy:
      'Send Authorization: Bearer <key>, with the key in the link that start printed, or a token named in tocsin.yaml.',
  };
}
