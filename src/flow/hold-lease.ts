import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Store } from '../ports/store.ts';

export interface HoldParts {
  name: string;
  holder: string;
  /** A lease that is not renewed for this long is another node's for the taking, milliseconds. */
  ttl: number;
  store: Pick<Store, 'acquire' | 'renew' | 'release'>;
  clock: Clock;
  log: Log;
  /** What the holder does, until the signal is aborted: the lease was lost, or it is over. */
  work(token: number, signal: AbortSignal): Promise<void>;
}

/** Lets one node of many do something: takes the lease when it is free, keeps it, and tries again when it is lost. */
export function holdLease(parts: HoldParts): { stop(): Promise<void> } {
  const { name, holder, ttl, store, clock, log } = parts;
  const end = new AbortController();
  const pause = ttl / 3;

  async function hold(token: number): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([end.signal, stop.signal]);
    const beating = beat(token, stop, signal);
    try {
      await parts.work(token, signal);
    } finally {
      stop.abort(new Error('over'));
      await beating;
      await store
        .release({ name, holder, token })
        .catch(error => log.warn({ lease: name, reason: messageOf(error) }, 'a lease was not given back and runs out'));
    }
  }

  /** Without an answer for the time of the lease it may be another's, so it counts as lost before that. */
  async function beat(token: number, stop: AbortController, signal: AbortSignal): Promise<void> {
    let renewed = clock.monotonic();
    while (!signal.aborted) {
      if (!(await rest(pause, clock, signal))) return;
      const answer = await store.renew({ name, holder, token, ttl }).catch(() => null);
      if (answer === true) renewed = clock.monotonic();
      if (answer === false || clock.monotonic() - renewed > ttl - pause) stop.abort(new Error('the lease was lost'));
    }
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      try {
        const token = await store.acquire({ name, holder, ttl });
        if (token !== null) await hold(token);
      } catch (error) {
        log.error({ lease: name, err: error }, 'what a lease is held for failed and will be tried again');
      }
      await rest(pause, clock, end.signal);
    }
  }

  const ended = loop();
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

/** False when it was cut short. */
function rest(ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );
}
