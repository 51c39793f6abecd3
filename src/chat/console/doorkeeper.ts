import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../../model/actor.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { foreignOrigin } from './guard.ts';
import { createSessions, createTries, localActor, type Session, sameText, sessionLife } from './sessions.ts';
import type { Visit } from './visit.ts';

/** Knows who looks at a page, and lets nobody change anything without a session, our own origin and the session's token. */
export interface Doorkeeper {
  /** Who asks; null in token mode without a session: nothing is shown. */
  visit(request: FastifyRequest): Visit | null;
  /** The same without a request, for streams: asked again whenever something is sent. */
  revisit(request: FastifyRequest): () => Visit | null;
  /** Why this change is refused; null when it may be tried (host.act still decides). */
  refuse(request: FastifyRequest, csrf: string): string | null;
  /** Opens a session from the login form. A form of another site may not sign this browser in as somebody else. */
  enterByForm(request: FastifyRequest, reply: FastifyReply, token: string): { ok: true } | { ok: false; wait: number };
  /** Opens a session with the local key or a token. */
  enter(request: FastifyRequest, reply: FastifyReply, secret: string): { ok: true } | { ok: false; wait: number };
  leave(request: FastifyRequest, reply: FastifyReply): void;
  /** Local mode: acts as another person of the config from now on. False when there is no such person. */
  actAs(request: FastifyRequest, person: string): boolean;
}

const tries = { each: 10, all: 100, window: 60_000 };

/** Said to readers who press something. */
const localHelp =
  'This page only reads here. To act, open the link that npm start printed in the terminal: it ends in ?key=… and signs this browser in.';

export function createDoorkeeper(host: ChatHost): Doorkeeper {
  const sessions = createSessions(() => host.clock.now());
  const attempts = createTries(() => host.clock.monotonic(), tries);
  const secure = () => host.baseUrl().startsWith('https:') || (host.config().url ?? '').startsWith('https:');
  const idOf = (request: FastifyRequest) => request.cookies[cookieName(request, secure())];
  const find = (request: FastifyRequest) => sessions.find(idOf(request));
  const visitOf = (session: Session | null) => makeVisit(host, session);
  const enter: Doorkeeper['enter'] = (request, reply, secret) => {
    const wait = attempts.take(request.ip);
    if (wait > 0) return { ok: false, wait };
    const session = openSession(host, secret);
    if (session === null) return { ok: false, wait: 0 };
    setCookie(request, reply, sessions.open(session).id, secure());
    return { ok: true };
  };

  return {
    enter,
    enterByForm(request, reply, token) {
      const foreign = host.localKey !== null || foreignOrigin(request, host) !== null;
      return foreign ? { ok: false, wait: 0 } : enter(request, reply, token);
    },
    visit: request => visitOf(find(request)),
    revisit(request) {
      const id = idOf(request);
      return () => visitOf(sessions.find(id));
    },
    refuse(request, csrf) {
      const foreign = foreignOrigin(request, host);
      if (foreign !== null) return `This change did not come from this page: ${foreign}.`;
      const session = find(request);
      if (session === null || visitOf(session)?.who == null) {
        return host.localKey === null ? 'Your session has ended. Sign in again.' : localHelp;
      }
      return sameText(csrf, session.csrf)
        ? null
        : 'This form is from an earlier session. Reload the page and press again.';
    },
    leave(request, reply) {
      const session = find(request);
      if (session !== null) sessions.close(session.id);
      setCookie(request, reply, '', secure());
    },
    actAs(request, person) {
      const session = find(request);
      const known = person === 'you' || Object.hasOwn(host.config().people, person);
      if (session === null || session.token !== null || host.localKey === null || !known) return false;
      session.acting = person;
      return true;
    },
  };
}

function openSession(host: ChatHost, secret: string): Pick<Session, 'token' | 'acting'> | null {
  if (host.localKey !== null) return sameText(secret, host.localKey) ? { token: null, acting: 'you' } : null;
  const who = host.bearer(secret);
  return who === null ? null : { token: secret, acting: who.id };
}

function makeVisit(host: ChatHost, session: Session | null): Visit | null {
  const local = host.localKey !== null;
  const who = session === null ? null : actorOf(host, session);
  if (!local && who === null) return null;
  const csrf = session === null || who === null ? '' : session.csrf;
  return { host, who, csrf, local, now: host.clock.now(), zone: host.config().timezone };
}

/** The token is looked up at every use, so that one that was withdrawn stops at once. */
function actorOf(host: ChatHost, session: Session): Actor | null {
  if (session.token !== null) return host.localKey === null ? host.bearer(session.token) : null;
  return host.localKey === null ? null : localActor(session.acting);
}

/** Cookies know no ports, so the port is in the name: two Tocsins on one machine do not sign each other out. */
function cookieName(request: FastifyRequest, secure: boolean): string {
  return secure ? '__Host-tocsin' : `tocsin_${request.socket.localPort ?? 0}`;
}

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, secure: boolean): void {
  const maxAge = value === '' ? 0 : sessionLife / 1000;
  reply.setCookie(cookieName(request, secure), value, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure,
    maxAge,
  });
}
