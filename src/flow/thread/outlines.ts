import { createByteCache } from '../../kernel/byte-cache.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { StepOutline } from '../../ports/runbook.ts';
import type { Store } from '../../ports/store.ts';
import { readPlan } from '../pipeline/plan.ts';
import { unreadable } from './cards/telling.ts';

/** Bytes of plans that are remembered: a card is rendered several times while it is open. */
const most = 1024 * 1024;

/** Reads the steps of a run's plan from its snapshot, as they were hashed. A snapshot that cannot be read makes one step that says why. */
export function createOutlines(parts: {
  store: Store;
  catalogue: Catalogue;
}): (run: Run) => Promise<readonly StepOutline[]> {
  const known = createByteCache<readonly StepOutline[]>(most);
  return async run => {
    const cached = known.get(run.planHash);
    if (cached !== undefined) return cached;
    try {
      const { plan, files } = await readPlan(parts.store, run.planHash);
      const outline = (await parts.catalogue.fromSnapshot(plan, files)).outline(plan.params);
      known.set(run.planHash, outline);
      return outline;
    } catch (error) {
      if (error instanceof TocsinError)
        return [{ id: 'snapshot', title: 'The snapshot cannot be shown', type: unreadable, shows: error.message }];
      throw error;
    }
  };
}
