import type { Children } from '../../kernel/child/child.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { LazyEgress } from '../../kernel/egress/lazy.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Secrets } from '../../kernel/redact/redact.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { StepType } from '../../ports/step.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import type { Streams } from '../journal/streams.ts';
import type { Looks } from '../origin/looks.ts';
import type { Origins } from '../origin/origins.ts';

/** The dependencies of the engine. */
export interface EngineParts {
  clock: Clock;
  ids: Ids;
  log: Log;
  metrics: Metrics;
  store: Store;
  feed: Feed;
  streams: Streams;
  catalogue: Catalogue;
  dispatcher: Dispatcher;
  children: Children;
  steps: ReadonlyMap<string, StepType>;
  looks: Looks;
  /** Where the metrics of `chart` steps are. */
  origins: Pick<Origins, 'all'>;
  /** Names this process in leases. */
  holder: string;
  /** Notifies pages and platforms that show live output. */
  outputs: OutputSignal;
  /** HTTP of steps, within the egress rules of tocsin.yaml as they are now. */
  egress: Pick<LazyEgress, 'within'>;
  /** Every value that must never be shown; see kernel/redact/redact.ts. */
  hidden(): Secrets;
}

export interface OutputSignal {
  wake(run: string): void;
}

/**
 * P4: a run may start a step only under a committed decision `auto`, or an approval that is `approved`, for exactly its plan. Rejects with
 * `plan-changed` when the approval is for another plan.
 */
export async function maySteps(store: Store, run: Run): Promise<boolean> {
  if (run.decision.verdict === 'auto') return true;
  if (run.approval === null) return false;
  const approval = await store.approval(run.approval);
  if (approval === null || approval.state !== 'approved') return false;
  if (approval.planHash !== run.planHash || approval.run !== run.id)
    throw new TocsinError('plan-changed', { allowed: approval.planHash, given: run.planHash });
  return true;
}
