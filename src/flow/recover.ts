import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { system } from '../model/actor.ts';
import type { Approval } from '../model/approval.ts';
import { plan as planSchema } from '../model/plan.ts';
import { isEnded, type Run } from '../model/run.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Dispatcher } from '../ports/dispatcher.ts';
import type { Store } from '../ports/store.ts';
import { afterVote, closePlanApproval } from './act-vote.ts';
import type { Feed } from './feed.ts';
import { isCurrent } from './plan.ts';
import type { Streams } from './streams.ts';

/** What nobody rings for: overdue approvals, timers, runs whose worker died, doorbells that got lost. */
export interface RecoverParts {
  store: Store;
  feed: Feed;
  streams: Streams;
  dispatcher: Dispatcher;
  catalogue: Catalogue;
  clock: Clock;
  metrics: Metrics;
  log: Log;
}

/**
 * How often the sweeper looks, milliseconds. A lost doorbell is rung again within two rounds, and a run whose worker died is another's
 * after its lease (flow/run.ts) and a round: within 15 s.
 */
const every = 4000;

export interface Sweeper {
  /** One round, now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(parts: RecoverParts): Sweeper {
  const end = new AbortController();
  const loop = async () => {
    while (!end.signal.aborted) {
      await parts.clock.sleep(every, end.signal);
      await sweep(parts).catch(error => parts.log.error({ err: error }, 'the sweeper failed and will try again'));
    }
  };
  const ended = loop().catch(() => {});
  return {
    sweep: () => sweep(parts),
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

async function sweep(parts: RecoverParts): Promise<void> {
  const now = parts.clock.now();
  for (const overdue of await parts.store.approvals({ expiredBy: now, state: 'open', limit: 200 }))
    await expireApproval(overdue, parts);
  await ringForgotten(now, parts);
}

/** Rings for every run that a worker could go on with. A bell for a run at work is harmless: its lease is taken. */
async function ringForgotten(now: number, parts: RecoverParts): Promise<void> {
  for (const run of await parts.store.runs({ states: ['queued', 'running'], limit: 500 }))
    await parts.dispatcher.ring({ run: run.id });
  for (const run of await parts.store.runs({ states: ['waiting'], limit: 1000 })) {
    if (run.startedAt === null) await hearOfApproval(run, parts);
    else if ((run.wakeAt ?? Number.POSITIVE_INFINITY) <= now || (await isOver(run, parts)))
      await parts.dispatcher.ring({ run: run.id });
  }
}

/** The approval was decided, and the process ended before the run heard of it. */
async function hearOfApproval(run: Run, parts: RecoverParts): Promise<void> {
  const approval = run.approval === null ? null : await parts.store.approval(run.approval);
  if (approval !== null && approval.state !== 'open') await afterVote(approval, parts);
}

/** True when what a step waits for has happened, and its bell got lost. */
async function isOver(run: Run, parts: RecoverParts): Promise<boolean> {
  for (const { state, waiting } of run.steps) {
    if (state !== 'waiting' || waiting === null || waiting.on === null) continue;
    if (waiting.for === 'approval' && (await parts.store.approval(waiting.on))?.state !== 'open') return true;
    const child = waiting.for === 'run' ? await parts.store.run(waiting.on) : null;
    if (child !== null && isEnded(child.state)) return true;
  }
  return false;
}

/** What must be done once before anything else: everything that was under way when the process ended is looked at. */
export async function recoverAll(parts: RecoverParts): Promise<void> {
  for (const run of await parts.store.runs({ states: ['waiting'], limit: 1000 })) {
    if (run.wakeAt !== null) await parts.dispatcher.ring({ run: run.id, at: run.wakeAt });
  }
  await sweep(parts);
}

/** Expiry denies, or hands over to the next group once; it never approves. */
async function expireApproval(approval: Approval, parts: RecoverParts): Promise<void> {
  const to = approval.ask.escalate;
  if (to !== null && !approval.escalated) {
    await parts.streams.approval(approval.id, system, now =>
      now.state !== 'open' || now.escalated
        ? null
        : {
            facts: [
              {
                kind: 'approval.escalated',
                approval: now.id,
                run: now.run,
                to,
                expiresAt: parts.clock.now() + now.ask.expires,
              },
            ],
          },
    );
    return;
  }
  await closePlanApproval(approval.id, 'expired', 'nobody decided in time', parts);
}

/** Editing a runbook voids the approvals that are open for its older text: what people saw is not what would run. */
export async function voidEdited(parts: RecoverParts): Promise<void> {
  const { runbooks } = parts.catalogue.current();
  for (const open of await parts.store.approvals({ state: 'open', limit: 1000 })) {
    if (open.step !== null) continue;
    const bytes = await parts.store.blob(open.planHash);
    const plan = bytes === null ? null : planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (plan !== null && isCurrent(plan, runbooks.get(plan.runbook))) continue;
    await closePlanApproval(open.id, 'void', 'the runbook was edited after this was asked; ask again', parts);
  }
}
