/** Starting programs: by small helper processes, or by this process where helpers cannot run. */

import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { type Helper, startHelper } from './connection.ts';
import { spawnHere } from './here.ts';
import { type HelperKind, helperKinds } from './kinds.ts';
import type { Order, Spawned } from './wire.ts';

export interface Spawner {
  /** Rejects with an Error whose `code` is the system's (ENOENT, E2BIG), or with `spawner-lost` when the program may or may not run. */
  spawn(order: Order): Promise<Spawned>;
  /** Why programs are started by this process itself, in words; null when helpers do it. */
  impaired(): string | null;
  /** The kinds of the helpers that run now, such as `perl`. */
  kinds(): string[];
  /** Ends the helpers. What they started lives on only if it is a daemon. */
  close(): void;
}

export interface SpawnerParts {
  clock: Clock;
  log: Log;
  /** PATH, for the helper's own program. */
  path: string;
  /** `setpriv --pdeathsig KILL --` or nothing: put in front of a helper that cannot tie itself to this process. */
  deathSignal(): Promise<readonly string[]>;
  /** The order for one who only starts programs: checked, with the programs in front that tie it and mark it. */
  wrap(order: Order): Promise<Order>;
  /** How many helpers at most: each forks one program at a time. */
  helpers?: number;
  /** The kinds of helper; for tests. */
  kinds?: readonly HelperKind[] | undefined;
}

/** Milliseconds until helpers are tried again after they could not be started. */
const retryAfter = 60_000;
/** Orders of one helper that have not begun, from which on a further helper is worth its memory. */
const busy = 8;

export function createSpawner(parts: SpawnerParts): Spawner {
  const most = parts.helpers ?? 2;
  const helpers = new Set<Helper>();
  let starting: Promise<Helper | null> | null = null;
  let broken: { because: string; since: number } | null = null;
  let closed = false;

  async function begin(): Promise<Helper | null> {
    const reasons: string[] = [];
    for (const kind of parts.kinds ?? (await helperKinds(parts))) {
      const found = await startHelper(kind, ended => helpers.delete(ended));
      if (typeof found !== 'string') {
        broken = null;
        if (found.alive()) helpers.add(found);
        if (closed) found.close();
        return found;
      }
      reasons.push(`${kind.name}: ${found}`);
    }
    const because = reasons.join('; ');
    if (broken === null) parts.log.warn({ because }, 'no spawn helper: programs are started by this process');
    broken = { because, since: parts.clock.monotonic() };
    return null;
  }

  async function choose(): Promise<Helper | null> {
    let free: Helper | undefined;
    for (const one of helpers) if (one.alive() && (free === undefined || one.pending() < free.pending())) free = one;
    if (free !== undefined && (free.pending() < busy || helpers.size >= most)) return free;
    if (broken !== null && parts.clock.monotonic() - broken.since < retryAfter) return free ?? null;
    starting ??= begin().finally(() => {
      starting = null;
    });
    return free ?? (await starting);
  }

  return {
    async spawn(order) {
      const helper = await choose();
      if (helper?.kind.direct) return await helper.spawn(order);
      const wrapped = await parts.wrap(order);
      return helper === null ? await spawnHere(wrapped) : await helper.spawn(wrapped);
    },
    impaired: () => broken?.because ?? null,
    kinds: () => [...new Set([...helpers].map(one => one.kind.name))],
    close() {
      closed = true;
      for (const helper of helpers) helper.close();
    },
  };
}
