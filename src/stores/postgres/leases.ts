import type { Store } from '../../ports/store.ts';
import { toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import type { Member } from './change.ts';
import { isFree, putLease } from './lease-rows.ts';
import type { Lease, View } from './view.ts';
import type { Writer } from './writer.ts';

/**
 * Leases, timed by the database's clock. They share the transactions of the journal, so acquiring one is ordered among the commits that
 * it fences. The row of a name is never deleted, so its fencing tokens only rise.
 */
export function createLeases(writer: Writer): Pick<Store, 'acquire' | 'renew' | 'release'> {
  return {
    acquire: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          if (!isFree(held, lease.holder, view)) return null;
          const holder = toColumn(lease.holder);
          const token = (held?.token ?? 0) + 1;
          putLease(view, batch, { name: toColumn(lease.name), holder, token, until: view.now + lease.ttl });
          return token;
        }),
      ),
    renew: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          if (held === undefined || !isHeld(held, lease)) return false;
          putLease(view, batch, { ...held, until: view.now + lease.ttl });
          return true;
        }),
      ),
    release: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          if (held !== undefined && isHeld(held, lease)) putLease(view, batch, { ...held, holder: null });
        }),
      ),
  };
}

function onLease<T>(name: string, decide: (view: View, batch: Batch, held: Lease | undefined) => T): Member<T> {
  const column = toColumn(name);
  return {
    size: 64,
    need: needs => void needs.leases.add(column),
    decide: (view, batch) => decide(view, batch, view.leases.get(column)),
  };
}

function isHeld(held: Lease, lease: { holder: string; token: number }): boolean {
  return held.holder === toColumn(lease.holder) && held.token === lease.token;
}
