import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { plan as planSchema } from '../../model/plan.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { everyOf } from '../journal/pages.ts';
import type { Streams } from '../journal/streams.ts';
import { afterVote, closePlanApproval } from '../pipeline/close.ts';
import { isCurrent } from '../pipeline/plan.ts';

/** What nobody rings for: overdue approvals, timers, runs whose worker died, wake-ups that got lost. */
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
 * How often the sweeper looks, milliseconds. A lost wake-up is rung again within two rounds, and a run whose worker died is another's
 * after its lease (flow/run/run.ts) and a round: within 15 s.
 */
const every = 4000;

export interface Sweeper {
  /** One round, now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(parts: RecoverParts): Sweeper {
  const end = new AbortController();
  const round = createRound(parts);
  const teller = createOnceLogger(parts.log, {}, 'the sweeper failed and will try again');
  const loop = async () => {
    while (!end.signal.aborted) {
      await parts.clock.sleep(every, end.signal);
      await round().then(teller.well, error => teller.failed(error));
    }
  };
  const ended = loop().catch(() => {});
  return {
    sweep: round,
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}

/** How many runs that wait for something outside are looked at in one round; the next round goes on behind them. */
const perRound = 1000;

function createRound(parts: RecoverParts): () => Promise<void> {
  let after: string | null = null;
  return async () => {
    const now = parts.clock.now();
    for (const overdue of await parts.store.approvals({ expiredBy: now, state: 'open', limit: 200 }))
      await expireApproval(overdue, parts);
    await ringForgotten(now, parts);
    after = await ringUnheard(after, parts);
  };
}

/** Rings for every run that a worker could go on with, the oldest first. A wake-up for a run at work is harmless: its lease is taken. */
async function ringForgotten(now: number, parts: RecoverParts): Promise<void> {
  const { store, dispatcher } = parts;
  for await (const run of everyOf(page => store.runs({ ...page, states: ['queued', 'waiting'], due: now })))
    await dispatcher.wake({ run: run.id });
  for await (const run of everyOf(page => store.runs({ ...page, states: ['running'] })))
    await dispatcher.wake({ run: run.id });
}

/** What runs wait for may have happened without their hearing of it. Resolves to where the next round goes on; null for the beginning. */
async function ringUnheard(after: string | null, parts: RecoverParts): Promise<string | null> {
  const place = after === null ? {} : { after };
  const found = await parts.store.runs({ states: ['waiting'], limit: perRound, ...place });
  for (const run of found) {
    if (run.startedAt === null) await hearOfApproval(run, parts);
    else if (await isOver(run, parts)) await parts.dispatcher.wake({ run: run.id });
  }
  return found.length < perRound ? null : (found.at(-1)?.id ?? null);
}

/** The approval was decided, and the process ended before the run heard of it. */
async function hearOfApproval(run: Run, parts: RecoverParts): Promise<void> {
  const approval = run.approval === null ? null : await parts.store.approval(run.approval);
  if (approval !== null && approval.state !== 'open') await afterVote(approval, parts);
}

/** True when what a step waits for has happened, and its wake-up got lost; or when a step waits for a session that asks about it. */
async function isOver(run: Run, parts: RecoverParts): Promise<boolean> {
  for (const { state, waiting } of run.steps) {
    // One branch waits, and of another nobody knows what it did: that is asked now, not when the wait is over.
    if (state === 'unknown') return true;
    if (state !== 'waiting' || waiting === null || waiting.on === null) continue;
    if (waiting.for === 'approval' && (await parts.store.approval(waiting.on))?.state !== 'open') return true;
    const child = waiting.for === 'run' ? await parts.store.run(waiting.on) : null;
    if (child !== null && isEnded(child.state)) return true;
  }
  return false;
}

/** What must be done once before anything else: everything that was under way when the process ended is looked at. */
export async function recoverAll(parts: RecoverParts): Promise<void> {
  for await (const run of everyOf(page => parts.store.runs({ ...page, states: ['waiting'] }))) {
    if (run.wakeAt !== null) await parts.dispatcher.wake({ run: run.id, at: run.wakeAt });
  }
  await createRound(parts)();
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
  const open = everyOf(page => parts.store.approvals({ ...page, state: 'open' }));
  for await (const one of open) {
    if (one.step !== null) continue;
    const bytes = await parts.store.blob(one.planHash);
    const plan = bytes === null ? null : planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (plan !== null && isCurrent(plan, runbooks.get(plan.runbook))) continue;
    await closePlanApproval(one.id, 'void', 'the runbook was edited after this was asked; ask again', parts);
  }
}
