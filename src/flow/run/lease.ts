import type { Guard } from '../../ports/store.ts';
import { type HeldLease, keepLease } from '../fleet/heartbeat.ts';

type KeepParts = Parameters<typeof keepLease>[1];

/** The lease under which a session writes. The lease of a run that was never begun is taken by the session's first change. */
export interface RunLease {
  readonly name: string;
  readonly token: number;
  /** The guard of the session's next change, with the fencing token; `last` releases the lease with it. */
  guard(last: boolean): Guard;
  /** A change with that guard was committed. */
  committed(last: boolean): void;
  /** A change with that guard was refused. When the lease was held, this is often known before the heartbeat finds it. */
  lost(): void;
  /** False before the first change, and after the last. */
  held(): boolean;
  /** True when another worker had the lease that the first change was to take: the session has begun nothing. */
  refused(): boolean;
  /** Ends the heartbeat. */
  stop(): void;
}

/** A lease that was acquired is renewed from now on; any other from when it is taken. */
export function createRunLease(lease: HeldLease, acquired: boolean, keep: KeepParts): RunLease {
  let held = acquired;
  let refused = false;
  let told = false;
  const tell = (because: string) => {
    if (told) return;
    told = true;
    keep.lost(because);
  };
  const beat = () => keepLease(lease, { ...keep, lost: tell });
  let end = acquired ? beat() : () => {};
  const { name, token } = lease;
  return {
    name,
    token,
    guard(last) {
      if (!held) return { kind: 'take', ...lease };
      // A renewal after the release would take it for a lost lease.
      if (last) end();
      return { kind: 'lease', name, token, release: last };
    },
    committed(last) {
      if (held && last) held = false;
      else if (!held) {
        held = true;
        end = beat();
      }
    },
    lost() {
      refused = !held;
      if (!held || told) return;
      end();
      tell('another process has its lease now, and what this node was to write was refused');
    },
    held: () => held,
    refused: () => refused,
    stop: () => end(),
  };
}
