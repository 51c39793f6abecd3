import { toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import type { Lease, View } from './view.ts';

/** Whether this holder may take the lease: it is free, its own, or expired by the database's clock. */
export function isFree(held: Lease | undefined, holder: string, view: View): boolean {
  return held === undefined || held.holder === null || held.holder === toColumn(holder) || held.until <= view.now;
}

export function putLease(view: View, batch: Batch, lease: Lease): void {
  view.leases.set(lease.name, lease);
  batch.put('lease', lease.name, { ...lease });
}
