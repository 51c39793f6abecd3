import type { FastifyReply, FastifyRequest } from 'fastify';
import { isForwarded } from '../../kernel/forwarded.ts';
import { sameText } from '../../kernel/signature.ts';
import type { Actor } from '../../model/actor.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { SignIn } from '../../ports/sign-ins.ts';
import { createAttemptLimiter } from './attempt-limiter.ts';
import { maskOnce, maskToken, unmaskToken } from './csrf.ts';
import { foreignOrigin } from './guard.ts';
import { type Look, readLook, zoneOfLook } from './look.ts';
import type { Viewer } from './viewer.ts';

/** Identifies the viewer of a page. A change needs a sign-in, the same origin and the form's token. */
export interface SessionGuard {
  /** The viewer; null without a sign-in in token mode, or when a proxy passed the request on: then nothing is shown. */
  viewer(request: FastifyRequest): Promise<Viewer | null>;
  /** The same without a request, for streams: asked again whenever something is sent. */
  viewerAgain(request: FastifyRequest): () => Promise<Viewer | null>;
  /** The viewer of a change, or why it is refused. host.act still authorises an admitted change. */
  admit(request: FastifyRequest, csrf: string): Promise<{ viewer: Viewer & { who: Actor } } | { refused: string }>;
  /** Signs in from the login form. A form of another site may not sign this browser in as somebody else. */
  enterByForm(request: FastifyRequest, reply: FastifyReply, token: string): Entered;
  /** Signs in with the local key or a token. */
  enter(request: FastifyRequest, reply: FastifyReply, secret: string): Entered;
  /** Ends the sign-in on every node. Rejects when the store cannot record it; the browser's cookie is deleted in any case. */
  leave(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Local mode: acts as another person of the config from now on. False when there is no such person. */
  actAs(request: FastifyRequest, reply: FastifyReply, person: string): Promise<boolean>;
}

/** `wait` is in milliseconds, 0 for a wrong secret. */
export type Entered = { ok: true } | { ok: false; wait: number };

const tries = { each: 10, all: 100, window: 60_000 };

/** Shown to readers who press a button. */
const localHelp =
  'This page only reads here. To act, open the link that npm start printed in the terminal: it ends in ?key=… and signs this browser in.';

export function createSessionGuard(host: ChatHost): SessionGuard {
  const { signIns } = host;
  const attempts = createAttemptLimiter(() => host.clock.monotonic(), tries);
  const passOf = (request: FastifyRequest) => request.cookies[cookieName(host)];
  const find = async (pass: string | undefined, near: boolean, look: Look, mask = maskToken) =>
    makeVisit(host, await signIns.read(pass), near, look, mask);
  // Who reads without a sign-in is on this machine. A proxy on it makes every caller look so.
  const isNear = (request: FastifyRequest) => !isForwarded(request.headers);
  const enter: SessionGuard['enter'] = (request, reply, secret) => {
    const wait = attempts.take(request.ip);
    if (wait > 0) return { ok: false, wait };
    const signIn = signIns.open(secret);
    if (signIn === null || !fits(signIn, host)) return { ok: false, wait: 0 };
    setCookie(reply, host, signIn);
    return { ok: true };
  };

  return {
    enter,
    enterByForm(request, reply, token) {
      const foreign = host.localKey !== null || foreignOrigin(request, host) !== null;
      return foreign ? { ok: false, wait: 0 } : enter(request, reply, token);
    },
    viewer: request => find(passOf(request), isNear(request), readLook(request.cookies)),
    viewerAgain(request) {
      const pass = passOf(request);
      const near = isNear(request);
      const look = readLook(request.cookies);
      const mask = maskOnce();
      return () => find(pass, near, look, mask);
    },
    async admit(request, csrf) {
      const foreign = foreignOrigin(request, host);
      if (foreign !== null) return { refused: `This change did not come from this page: ${foreign}.` };
      const viewer = await find(passOf(request), isNear(request), readLook(request.cookies));
      const who = viewer?.who ?? null;
      if (viewer === null || who === null)
        return { refused: host.localKey === null ? 'Your session has ended. Sign in again.' : localHelp };
      return sameText(unmaskToken(csrf), unmaskToken(viewer.csrf))
        ? { viewer: { ...viewer, who } }
        : { refused: 'This form is from an earlier session. Reload the page and press again.' };
    },
    async leave(request, reply) {
      setCookie(reply, host, null);
      const signIn = await signIns.read(passOf(request));
      if (signIn !== null) await signIns.end(signIn);
    },
    async actAs(request, reply, person) {
      const signIn = await signIns.read(passOf(request));
      const other = signIn === null ? null : signIns.actAs(signIn, person);
      if (other !== null) setCookie(reply, host, other);
      return other !== null;
    },
  };
}

/** Whether the sign-in is of the mode in force: the local key, or tokens. */
function fits(signIn: SignIn, host: ChatHost): boolean {
  return signIn.local === (host.localKey !== null);
}

function makeVisit(
  host: ChatHost,
  found: SignIn | null,
  near: boolean,
  look: Look,
  mask: (secret: string) => string,
): Viewer | null {
  const local = host.localKey !== null;
  const signIn = found !== null && fits(found, host) ? found : null;
  if (signIn === null && !(local && near)) return null;
  const now = host.clock.now();
  const zone = zoneOfLook(look, host.config().timezone);
  return { host, who: signIn?.who ?? null, csrf: mask(signIn?.form ?? ''), local, now, zone, look };
}

export function isSecure(host: ChatHost): boolean {
  return host.baseUrl().startsWith('https:') || (host.config().url ?? '').startsWith('https:');
}

/** Cookies ignore ports, so two instances on one machine need different names; the nodes of a fleet must share one. */
function cookieName(host: ChatHost): string {
  return `${isSecure(host) ? '__Host-' : ''}tocsin_${host.signIns.realm}`;
}

function setCookie(reply: FastifyReply, host: ChatHost, signIn: SignIn | null): void {
  const left = signIn === null ? 0 : signIn.until - host.clock.now();
  reply.setCookie(cookieName(host), signIn?.pass ?? '', {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: isSecure(host),
    maxAge: Math.max(0, Math.ceil(left / 1000)),
  });
}
