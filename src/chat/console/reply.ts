import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Html } from '../../kernel/html.ts';
import { renderPlain } from '../../kernel/plain-page.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Frame } from './frame.ts';
import { header } from './guard.ts';
import type { Hub } from './hub.ts';
import { renderLogin } from './pages/login.ts';
import type { SessionGuard } from './session-guard.ts';

/** The dependencies of the routes. */
export interface Parts {
  host: ChatHost;
  hub: Hub;
  door: SessionGuard;
  frame: Frame;
}

/** A fragment for htmx, or a small page around it for a browser without scripts. */
export function sendFragment(
  request: FastifyRequest,
  reply: FastifyReply,
  fragment: Html,
  whole: Html = fragment,
): FastifyReply {
  const partial = header(request, 'hx-request') === 'true';
  return reply.type('text/html; charset=utf-8').send(partial ? String(fragment) : renderPlain('Answer', whole));
}

export function sendWhole(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(text);
}

/** Answers a failed sign-in with the reason and the login form. */
export function refuseEntry(reply: FastifyReply, wait: number, parts: Parts, to: string | null): FastifyReply {
  const local = parts.host.localKey !== null;
  if (wait > 0) {
    const seconds = Math.ceil(wait / 1000);
    const trouble = `Too many tries. Wait ${seconds} seconds.`;
    return sendWhole(reply.code(429).header('retry-after', seconds), renderLogin({ to, local, trouble }));
  }
  const trouble = local ? 'This key is not the one of the running process.' : 'This token is not known.';
  return sendWhole(reply.code(403), renderLogin({ to, local, trouble }));
}
