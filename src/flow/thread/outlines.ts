import { TocsinError } from '../../kernel/errors.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { StepOutline } from '../../ports/runbook.ts';
import type { Store } from '../../ports/store.ts';
import { readPlan } from '../pipeline/plan.ts';

/** How many plans are remembered: a card is rendered several times while it is open. */
const most = 200;

/** Reads what a run's plan will do, from its snapshot: what people are shown is what was hashed. Empty when the snapshot is gone. */
export function createOutlines(parts: {
  store: Store;
  catalogue: Catalogue;
}): (run: Run) => Promise<readonly StepOutline[]> {
  const known = new Map<string, readonly StepOutline[]>();
  return async run => {
    const cached = known.get(run.planHash);
    if (cached !== undefined) return cached;
    try {
      const { plan, files } = await readPlan(parts.store, run.planHash);
      const outline = (await parts.catalogue.fromSnapshot(plan, files)).outline(plan.params);
      if (known.size >= most) known.delete(known.keys().next().value ?? '');
      known.set(run.planHash, outline);
      return outline;
    } catch (error) {
      if (error instanceof TocsinError)
        return [{ id: 'snapshot', title: 'The snapshot cannot be shown', type: 'none', shows: error.message }];
      throw error;
    }
  };
}
