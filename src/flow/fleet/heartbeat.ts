import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Store } from '../../ports/store.ts';

export interface HeldLease {
  name: string;
  holder: string;
  token: number;
  /** Milliseconds. */
  ttl: number;
}

export interface HeartbeatParts {
  store: Pick<Store, 'renew'>;
  clock: Clock;
  log: Log;
  /** Called once, when another process has the lease or may have it by now. */
  lost(because: string): void;
  /** Called after each renewal. What it throws is logged. */
  each(): Promise<void>;
}

/** Milliseconds between tries while the store does not answer, and the least time that an answer is waited for. */
const pause = 500;
const leastPatience = 2000;
/** The reason of the abort. It is never read, so it is made once. */
const stopped = new Error('stopped');

/**
 * Renews a lease after each third of its time, and tries again while the store does not answer. Once the lease may be another's it counts
 * as lost, because what runs under it must end before another process begins. Returns a function that ends the renewals.
 */
export function keepLease(lease: HeldLease, parts: HeartbeatParts): () => void {
  const { clock, log } = parts;
  const end = new AbortController();

  /** True when renewed, false when another has it, null when the store did not answer. */
  async function renew(until: number): Promise<boolean | null> {
    const late = new AbortController();
    const patience = Math.max(leastPatience, until - clock.monotonic());
    const waited = clock.sleep(patience, AbortSignal.any([late.signal, end.signal])).then(
      () => null,
      () => null,
    );
    const renewed = parts.store.renew(lease).catch(error => {
      log.warn({ lease: lease.name, because: messageOf(error) }, 'a lease could not be renewed and is tried again');
      return null;
    });
    return await Promise.race([renewed, waited]).finally(() => late.abort());
  }

  async function beat(): Promise<void> {
    let kept = clock.monotonic();
    for (let rest = lease.ttl / 3; ; ) {
      await clock.sleep(rest, end.signal);
      const asked = clock.monotonic();
      const answer = await renew(kept + lease.ttl);
      end.signal.throwIfAborted();
      if (answer === false) return parts.lost('another process has its lease now');
      if (answer === true) {
        kept = asked;
        rest = lease.ttl / 3;
        await parts.each().catch(error => log.warn({ lease: lease.name, because: messageOf(error) }, 'a check failed'));
      } else {
        if (clock.monotonic() >= kept + lease.ttl)
          return parts.lost('its lease could not be renewed in time, so another process may have it');
        rest = pause;
      }
    }
  }

  beat().catch(error => {
    if (!end.signal.aborted) parts.lost(messageOf(error));
  });
  return () => end.abort(stopped);
}
