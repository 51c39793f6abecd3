import { isCode } from '../../kernel/errors.ts';
import type { Actor } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { streamOf } from '../../model/journal.ts';
import { foldOriginFact, type OriginFact } from '../../model/muted.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

/** How often it is decided anew because another writer was first. */
const maxTries = 20;

/** Journals a fact of an alert that is no event. `decide` sees the newest state; null means that there is nothing to say any more. */
export async function recordOfAlert(
  id: string,
  who: Actor,
  decide: (alert: Alert) => OriginFact | null,
  { store, feed, now }: { store: Pick<Store, 'alert'>; feed: Feed; now: () => number },
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const alert = await store.alert(id);
    const fact = alert === null || alert.state === 'resolved' ? null : decide(alert);
    if (alert === null || fact === null) return;
    const stream = streamOf.alert(id);
    const at = now();
    try {
      await feed.commit({
        guards: [{ kind: 'stream', stream, version: alert.version }],
        entries: [{ stream, actor: who, at, fact }],
        rows: [{ table: 'alert', doc: foldOriginFact(alert, fact, at) }],
      });
      return;
    } catch (error) {
      if (!isCode(error, 'guard-failed') || attempt >= maxTries) throw error;
    }
  }
}
