import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Actor } from '../../model/actor.ts';

/** One signed-in browser. Sessions live in memory: after a restart the link or the token is needed again. */
export interface Session {
  id: string;
  csrf: string;
  /** The bearer token that opened it, checked again at every use so that a withdrawn token ends its sessions; null in local mode. */
  token: string | null;
  /** Whom a local session acts as. */
  acting: string;
  expiresAt: number;
}

export interface Sessions {
  open(facts: { token: string | null; acting: string }): Session;
  find(id: string | undefined): Session | null;
  close(id: string): void;
}

/** How long a session lasts, milliseconds. */
export const sessionLife = 12 * 3_600_000;

const mostSessions = 1000;

export function createSessions(now: () => number): Sessions {
  const byId = new Map<string, Session>();
  return {
    open(facts) {
      const oldest = byId.keys().next();
      if (byId.size >= mostSessions && oldest.done !== true) byId.delete(oldest.value);
      const session: Session = { ...facts, id: randomId(), csrf: randomId(), expiresAt: now() + sessionLife };
      byId.set(session.id, session);
      return session;
    },
    find(id) {
      const session = id === undefined ? undefined : byId.get(id);
      if (session === undefined) return null;
      if (session.expiresAt > now()) return session;
      byId.delete(session.id);
      return null;
    },
    close: id => void byId.delete(id),
  };
}

function randomId(): string {
  return randomBytes(32).toString('base64url');
}

/** Constant time, whatever the lengths. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The person a session acts as in local mode. */
export function localActor(id: string): Actor {
  return { kind: 'person', id, via: 'console', account: `console:${id}` };
}

/** Allows so many tries per window and address, and so many over all addresses. */
export interface Tries {
  /** Milliseconds until the next try is allowed; 0 when it is allowed now (and counted). */
  take(address: string): number;
}

export function createTries(now: () => number, limit: { each: number; all: number; window: number }): Tries {
  let started = now();
  let counts = new Map<string, number>();
  return {
    take(address) {
      if (now() - started >= limit.window || now() < started) {
        started = now();
        counts = new Map();
      }
      const all = counts.get('*') ?? 0;
      const mine = counts.get(address) ?? 0;
      if (mine >= limit.each || all >= limit.all) return Math.max(1000, started + limit.window - now());
      counts.set('*', all + 1).set(address, mine + 1);
      return 0;
    },
  };
}
