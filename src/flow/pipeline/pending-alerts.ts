import type { Alert } from '../../model/alert.ts';

/**
 * The newest state of alerts whose changes are being committed. Deliveries about one alert that arrive together fold on each other in
 * memory and share one transaction, instead of each losing the race for the stream's version.
 */
export interface PendingAlerts {
  get(key: string): Alert | null;
  write(key: string, alert: Alert): void;
  settle(keys: readonly string[], ok: boolean): void;
}

export function createPendingAlerts(): PendingAlerts {
  const live = new Map<string, { alert: Alert; users: number }>();
  return {
    get: key => live.get(key)?.alert ?? null,
    write(key, alert) {
      const known = live.get(key);
      live.set(key, { alert, users: (known?.users ?? 0) + 1 });
    },
    settle(keys, ok) {
      for (const key of keys) {
        const known = live.get(key);
        if (known === undefined) continue;
        known.users--;
        // After a failure the state in memory is not reliable; deliveries that folded on it fail their guards and fold again.
        if (!ok || known.users <= 0) live.delete(key);
      }
    },
  };
}
