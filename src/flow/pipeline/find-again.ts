import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Alert } from '../../model/alert.ts';
import type { Store } from '../../ports/store.ts';
import { startRounds } from '../journal/rounds.ts';

interface FindParts {
  clock: Clock;
  log: Log;
  store: Pick<Store, 'unfoundAlerts' | 'commit'>;
}

/** Milliseconds between two looks, and how many alerts one transaction takes. */
const every = 60_000;
const atOnce = 200;

/**
 * Makes alerts that a build without searches wrote findable, by writing them again as they are: after an upgrade, and while an older node
 * runs beside this one.
 */
export async function startFindAgain(parts: FindParts): Promise<{ stop(): Promise<void> }> {
  await findAgain(parts);
  return startRounds(() => findAgain(parts), {
    ...parts,
    every,
    again: 'alerts of an earlier build cannot be searched',
  });
}

async function findAgain({ store }: FindParts): Promise<void> {
  for (;;) {
    const found = await store.unfoundAlerts(atOnce);
    const written = await Promise.all(found.map(doc => writeAgain(doc, store)));
    // When none could be written another node is at it, or they change all the time: the next round looks again.
    if (found.length < atOnce || !written.includes(true)) return;
  }
}

/** False when the alert changed meanwhile: then it was written by whoever changed it. */
async function writeAgain(doc: Alert, store: FindParts['store']): Promise<boolean> {
  try {
    await store.commit({ rows: [{ table: 'alert', doc }] });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed')) return false;
    throw error;
  }
}
