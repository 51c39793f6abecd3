import type { Run } from '../../model/run.ts';
import type { Store } from '../../ports/store.ts';

/** True when a person asked for the run or voted, answered or acted in it, or in one that it called. */
export async function neededPeople(run: Run, store: Pick<Store, 'stream' | 'runs'>, depth = 0): Promise<boolean> {
  if (run.trigger === 'manual' || run.approval !== null) return true;
  if (run.steps.some(step => step.type === 'approve' && step.startedAt !== null)) return true;
  if ((await store.stream(`run/${run.id}`)).some(entry => entry.actor.kind === 'person')) return true;
  if (depth >= 8 || !run.steps.some(step => step.type === 'runbook')) return false;
  for (const called of await store.runs({ parent: run.id, limit: 100 }))
    if (await neededPeople(called, store, depth + 1)) return true;
  return false;
}
