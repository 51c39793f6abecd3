import type { Clock } from '../../../kernel/clock.ts';

/** Senders that are remembered. Addresses of UDP are easily forged, so there may be any number of them. */
const most = 10_000;

/** Bytes per second of each sender, all its connections together. */
export interface Pace {
  /** Counts the bytes, and returns for how long nothing more may come from there, milliseconds. */
  spend(peer: string, bytes: number): number;
  /** Counts the bytes if they may come now. */
  may(peer: string, bytes: number): boolean;
}

/** A second's worth may come at once. */
export function createPace(bytesPerSecond: number, clock: Clock): Pace {
  /** Bytes spent beyond what flowed back, at a time of the monotonic clock. The one seen last stands last. */
  const spent = new Map<string, { bytes: number; at: number }>();

  function spentBy(peer: string): { bytes: number; at: number } {
    const now = clock.monotonic();
    const known = spent.get(peer) ?? { bytes: 0, at: now };
    known.bytes = Math.max(0, known.bytes - ((now - known.at) / 1000) * bytesPerSecond);
    known.at = now;
    spent.delete(peer);
    const [oldest] = spent.keys();
    if (spent.size >= most && oldest !== undefined) spent.delete(oldest);
    spent.set(peer, known);
    return known;
  }

  return {
    spend(peer, bytes) {
      const known = spentBy(peer);
      known.bytes += bytes;
      return Math.max(0, ((known.bytes - bytesPerSecond) / bytesPerSecond) * 1000);
    },
    may(peer, bytes) {
      const known = spentBy(peer);
      if (known.bytes + bytes > bytesPerSecond) return false;
      known.bytes += bytes;
      return true;
    },
  };
}
