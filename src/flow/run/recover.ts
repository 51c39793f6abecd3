import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { plan as planSchema } from '../../model/plan.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Store } from '../../ports/store.ts';
import type { KnownBadList } from '../gates/parts.ts';
import type { Feed } from '../journal/feed.ts';
import { everyOf } from '../journal/pages.ts';
import { startRounds } from '../journal/rounds.ts';
import type { Streams } from '../journal/streams.ts';
import { afterVote, closePlanApproval, expireApproval } from '../pipeline/close.ts';
import { isCurrent } from '../pipeline/plan.ts';

/** Recovery finds what no wake-up reports: overdue approvals, timers, runs whose worker died, lost wake-ups. */
export interface RecoverParts {
  store: Store;
  feed: Feed;
  streams: Streams;
  dispatcher: Dispatcher;
  catalogue: Catalogue;
  clock: Clock;
  metrics: Metrics;
  log: Log;
  ids: Ids;
  knownBad: KnownBadList;
}

/**
 * Milliseconds between two rounds of the sweeper. A lost wake-up is sent again within two rounds. The run of a dead worker goes to another
 * after its lease (flow/run/run.ts) and a round: within 15 s.
 */
const every = 4000;

export interface Sweeper {
  /** One round, now. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(parts: RecoverParts): Sweeper {
  const round = createRound(parts);
  return { sweep: round, ...startRounds(round, { ...parts, every, again: 'the sweeper failed and will try again' }) };
}

/** The most runs that one round checks of those that wait for something outside; the next round goes on after them. */
const perRound = 1000;

function createRound(parts: RecoverParts): () => Promise<void> {
  let after: string | null = null;
  return async () => {
    const now = parts.clock.now();
    for (const overdue of await parts.store.approvals({ expiredBy: now, state: 'open', limit: 200 }))
      await expireOrEscalate(overdue, parts);
    await settleGates(parts);
    await wakeDue(now, parts);
    after = await wakeMissed(after, parts);
  };
}

/** Wakes every run that a worker could go on with, the oldest first. A wake-up for a run at work is harmless: its lease is taken. */
async function wakeDue(now: number, parts: RecoverParts): Promise<void> {
  const { store, dispatcher } = parts;
  for await (const run of everyOf(page => store.runs({ ...page, states: ['queued', 'waiting'], due: now })))
    await dispatcher.wake({ run: run.id });
  for await (const run of everyOf(page => store.runs({ ...page, states: ['running'] })))
    await dispatcher.wake({ run: run.id });
}

/** Wakes waiting runs whose wake-up was lost. Resolves to the run after which the next round goes on; null for the beginning. */
async function wakeMissed(after: string | null, parts: RecoverParts): Promise<string | null> {
  const cursor = after === null ? {} : { after };
  const found = await parts.store.runs({ states: ['waiting'], limit: perRound, ...cursor });
  for (const run of found) {
    if (run.startedAt === null) await applyApproval(run, parts);
    else if (await isOver(run, parts)) await parts.dispatcher.wake({ run: run.id });
  }
  return found.length < perRound ? null : (found.at(-1)?.id ?? null);
}

/** Settles gates whose approval was closed when the process ended. */
async function settleGates(parts: RecoverParts): Promise<void> {
  for await (const gate of everyOf(page => parts.store.documents('gate', { ...page, state: 'pending' }))) {
    const approval = gate.approval === null ? null : await parts.store.approval(gate.approval);
    if (approval !== null && approval.state !== 'open') await afterVote(approval, parts);
  }
}

/** Applies an approval that was closed when the process ended before its run was released. */
async function applyApproval(run: Run, parts: RecoverParts): Promise<void> {
  const approval = run.approval === null ? null : await parts.store.approval(run.approval);
  if (approval !== null && approval.state !== 'open') await afterVote(approval, parts);
}

/** True when what a step waits for has happened, and its wake-up got lost; or when a step waits for a session that asks about it. */
async function isOver(run: Run, parts: RecoverParts): Promise<boolean> {
  for (const { state, waiting } of run.steps) {
    // One branch waits, and the outcome of another is unknown: people are asked now, not when the wait is over.
    if (state === 'unknown') return true;
    if (state !== 'waiting' || waiting === null || waiting.on === null) continue;
    if (waiting.for === 'approval' && (await parts.store.approval(waiting.on))?.state !== 'open') return true;
    const child = waiting.for === 'run' ? await parts.store.run(waiting.on) : null;
    if (child !== null && isEnded(child.state)) return true;
  }
  return false;
}

/** Call it once, before anything else: it sets timers, and does one round for all that was under way when the process ended. */
export async function recoverAll(parts: RecoverParts): Promise<void> {
  for await (const run of everyOf(page => parts.store.runs({ ...page, states: ['waiting'] }))) {
    if (run.wakeAt !== null) await parts.dispatcher.wake({ run: run.id, at: run.wakeAt });
  }
  await createRound(parts)();
}

/** Expiry closes the approval, or escalates it once to the next group; it never approves. */
async function expireOrEscalate(approval: Approval, parts: RecoverParts): Promise<void> {
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
  await expireApproval(approval.id, 'nobody decided in time', parts);
}

/** Voids the approvals that are open for an older text of an edited runbook: what people saw is not what would run. */
export async function voidEdited(parts: RecoverParts): Promise<void> {
  const { runbooks } = parts.catalogue.current();
  const open = everyOf(page => parts.store.approvals({ ...page, state: 'open' }));
  for await (const one of open) {
    if (one.step !== null || one.run === null) continue;
    const bytes = await parts.store.blob(one.planHash);
    const plan = bytes === null ? null : planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    if (plan !== null && isCurrent(plan, runbooks.get(plan.runbook))) continue;
    await closePlanApproval(one.id, 'void', 'the runbook was edited after this was asked; ask again', parts);
  }
}
