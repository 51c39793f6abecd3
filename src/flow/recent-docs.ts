import type { Alert } from '../model/alert.ts';
import type { Approval } from '../model/approval.ts';
import type { Run } from '../model/run.ts';
import type { Change, Store } from '../ports/store.ts';

/** What views read of the state. */
export type Docs = Pick<Store, 'alert' | 'run' | 'approval'>;

/** How many documents of each kind are remembered. */
const most = 2048;

/**
 * Documents as this process committed them last, for views that follow the journal: what a follower is told of was written a moment ago,
 * and need not be read and parsed again. Only right where no other process writes. They belong to everybody: whoever reads one does not
 * change it.
 */
export function createRecentDocs(store: Docs): { docs: Docs; keep(change: Change): void } {
  const alerts = createShelf<Alert>();
  const runs = createShelf<Run>();
  const approvals = createShelf<Approval>();
  return {
    docs: {
      alert: async id => alerts.find(id) ?? (await store.alert(id)),
      run: async id => runs.find(id) ?? (await store.run(id)),
      approval: async id => approvals.find(id) ?? (await store.approval(id)),
    },
    keep(change) {
      for (const row of change.rows ?? []) {
        if (row.table === 'alert') alerts.keep(row.doc);
        if (row.table === 'run') runs.keep(row.doc);
        if (row.table === 'approval') approvals.keep(row.doc);
      }
    },
  };
}

function createShelf<T extends { id: string; version: number }>() {
  const known = new Map<string, T>();
  return {
    find: (id: string) => known.get(id),
    keep(doc: T): void {
      // News of two commits may come in either order.
      if ((known.get(doc.id)?.version ?? 0) > doc.version) return;
      known.delete(doc.id);
      known.set(doc.id, doc);
      if (known.size <= most) return;
      for (const oldest of known.keys()) {
        known.delete(oldest);
        return;
      }
    },
  };
}
