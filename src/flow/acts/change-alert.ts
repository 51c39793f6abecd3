import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import type { Actor } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { foldAct } from '../../model/alert-acts.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { unknown } from './parts.ts';

export interface ChangeAlertParts {
  store: Pick<Store, 'alert'>;
  feed: Pick<Feed, 'commit'>;
  clock: Pick<Clock, 'now'>;
}

/** The most tries against deliveries and acts that change the same alert first. */
const maxTries = 20;

/**
 * Appends what follows from the newest state of an alert, and decides again when another writer was first. `decide` gives null when there
 * is nothing to do. Resolves to the alert afterwards, and to whether this call changed it. Rejects with `not-found`, and with
 * `guard-failed` after 20 tries.
 */
export async function changeAlert(
  who: Actor,
  id: string,
  parts: ChangeAlertParts,
  decide: (alert: Alert, now: number) => Fact | null,
): Promise<{ alert: Alert; changed: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const known = await parts.store.alert(id);
    if (known === null) throw unknown('alert', id, []);
    const at = parts.clock.now();
    const fact = decide(known, at);
    if (fact === null) return { alert: known, changed: false };
    const stream = streamOf.alert(id);
    const alert = foldAct(known, fact, at, who);
    try {
      await parts.feed.commit({
        guards: [{ kind: 'stream', stream, version: known.version }],
        entries: [{ stream, actor: who, at, fact }],
        rows: [{ table: 'alert', doc: alert }],
      });
      return { alert, changed: true };
    } catch (error) {
      if (!isCode(error, 'guard-failed') || attempt >= maxTries) throw error;
    }
  }
}
