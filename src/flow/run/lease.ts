import type { Guard } from '../../ports/store.ts';
import { type HeldLease, keepLease } from '../fleet/heartbeat.ts';

type KeepParts = Parameters<typeof keepLease>[1];

/** The lease under which a session writes. One that nobody can have had yet is taken by the session's first change. */
export interface RunLease {
  readonly name: string;
  readonly token: number;
  /** What the session's next change is guarded by; `last` gives the lease back with it. */
  guard(last: boolean): Guard;
  /** A change with that guard was committed. */
  committed(last: boolean): void;
  /** A change with that guard was refused. */
  lost(): void;
  /** False before the first change, and after the last. */
  held(): boolean;
  /** True when a change was to take it, and somebody had it: the session has begun nothing. */
  refused(): boolean;
  /** Ends the heartbeat. */
  stop(): void;
}

/** A lease that was acquired is kept from now on; another from when it is taken. */
export function createRunLease(lease: HeldLease, acquired: boolean, keep: KeepParts): RunLease {
  let held = acquired;
  let refused = false;
  let end = acquired ? keepLease(lease, keep) : () => {};
  const { name, token } = lease;
  return {
    name,
    token,
    guard(last) {
      if (!held) return { kind: 'take', ...lease };
      // A renewal that came after it would take its own hand for another's.
      if (last) end();
      return { kind: 'lease', name, token, release: last };
    },
    committed(last) {
      if (held && last) held = false;
      else if (!held) {
        held = true;
        end = keepLease(lease, keep);
      }
    },
    lost() {
      refused = !held;
    },
    held: () => held,
    refused: () => refused,
    stop: () => end(),
  };
}
