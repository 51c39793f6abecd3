import { createByteCache } from '../../kernel/byte-cache.ts';
import type { Alert } from '../../model/alert.ts';
import type { Change, Store } from '../../ports/store.ts';

/** The documents that views read. */
export type Docs = Pick<Store, 'alert' | 'run' | 'approval'>;

/** Bytes: the alerts of a second of a storm. Views that are further behind read from the store. */
const most = 2 * 1024 * 1024;

/**
 * A cache of the alerts that this process committed last, for views that follow the journal: in a storm they were written a moment ago,
 * and need not be read and parsed again. Only correct where no other process writes. The documents are shared, so readers do not change
 * them.
 */
export interface RecentDocs {
  docs: Docs;
  /** Call before a commit: its alerts are read from the store until the returned function is called with the outcome. */
  begin(change: Change): (stored: boolean) => void;
}

export function createRecentDocs(store: Docs): RecentDocs {
  const known = createByteCache<Alert>(most);
  const underWay = new Map<string, number>();

  function keep(alert: Alert): void {
    // Two commits may report in either order.
    if ((known.get(alert.id)?.version ?? 0) > alert.version) return;
    known.set(alert.id, alert);
  }

  return {
    docs: {
      alert: async id => (underWay.has(id) ? undefined : known.get(id)) ?? (await store.alert(id)),
      run: id => store.run(id),
      approval: id => store.approval(id),
    },
    begin(change) {
      const alerts = (change.rows ?? []).flatMap(row => (row.table === 'alert' ? [row.doc] : []));
      for (const { id } of alerts) underWay.set(id, (underWay.get(id) ?? 0) + 1);
      return stored => {
        for (const alert of alerts) {
          const others = (underWay.get(alert.id) ?? 1) - 1;
          if (others > 0) underWay.set(alert.id, others);
          else underWay.delete(alert.id);
          if (stored) keep(alert);
        }
      };
    },
  };
}
