import type { Store } from '../../ports/store.ts';
import { toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import type { Member } from './change.ts';
import type { Lease, View } from './view.ts';
import type { Writer } from './writer.ts';

/**
 * Leases by the database's clock. They share the transactions of the journal, so taking one is ordered among the commits that it
 * fences. A name keeps its row for ever, so that its tokens only rise.
 */
export function createLeases(writer: Writer): Pick<Store, 'acquire' | 'renew' | 'release'> {
  return {
    acquire: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          const holder = toColumn(lease.holder);
          if (held !== null && held.holder !== null && held.holder !== holder && held.until > view.now) return null;
          const token = (held?.token ?? 0) + 1;
          put(view, batch, { name: toColumn(lease.name), holder, token, until: view.now + lease.ttl });
          return token;
        }),
      ),
    renew: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          if (held === null || !isHeld(held, lease)) return false;
          put(view, batch, { ...held, until: view.now + lease.ttl });
          return true;
        }),
      ),
    release: lease =>
      writer.write(
        onLease(lease.name, (view, batch, held) => {
          if (held !== null && isHeld(held, lease)) put(view, batch, { ...held, holder: null });
        }),
      ),
  };
}

function onLease<T>(name: string, decide: (view: View, batch: Batch, held: Lease | null) => T): Member<T> {
  const column = toColumn(name);
  return {
    size: 64,
    need: needs => void needs.leases.add(column),
    decide: (view, batch) => decide(view, batch, view.leases.get(column) ?? null),
  };
}

function isHeld(held: Lease, lease: { holder: string; token: number }): boolean {
  return held.holder === toColumn(lease.holder) && held.token === lease.token;
}

function put(view: View, batch: Batch, lease: Lease): void {
  view.leases.set(lease.name, lease);
  batch.put('lease', lease.name, { ...lease });
}
