/** Undoing: runbooks that take unpermitted changes once they are judged, once, and what becomes of a change by a run or a claim. */

import { canonicalJson, sha256 } from '../../../kernel/canonical.ts';
import { isCode, type TocsinError } from '../../../kernel/errors.ts';
import { system } from '../../../model/actor.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Verdict } from '../../../model/decision.ts';
import type { Event } from '../../../model/event.ts';
import { type Entry, streamOf } from '../../../model/journal.ts';
import type { Held } from '../../../model/ledger/held.ts';
import type { Runbook } from '../../../ports/runbook.ts';
import type { Change, Guard } from '../../../ports/store.ts';
import type { Following } from '../../journal/feed.ts';
import { failedGuard } from '../../journal/streams.ts';
import { decisionOnly, denialOf } from '../../pipeline/alert.ts';
import { askPolicy, beginRun, claimPlan, type Request } from '../../pipeline/begin.ts';
import { type Candidate, createTriggerIndex, type TriggerIndex } from '../../pipeline/match.ts';
import { changeEventOf } from '../before.ts';
import type { UndoParts } from './parts.ts';
import { settleNews } from './settle.ts';

const cursorName = 'undo';
/** The same change that comes again within this time of an undo pages instead, milliseconds. */
const fightTime = 3_600_000;
/** How often a decision is made anew because the change was settled or claimed in the same moment. */
const mostTries = 8;

/** Follows what was judged, and what became of runs and claims. All of it may be considered twice: claims in the store make it once. */
export async function startUndo(parts: UndoParts): Promise<Following> {
  let index: { digest: string; triggers: TriggerIndex } | null = null;
  const triggers = () => {
    const set = parts.catalogue.current();
    if (index?.digest !== set.digest)
      index = { digest: set.digest, triggers: createTriggerIndex(set.runbooks.values(), true) };
    return index.triggers;
  };
  return parts.feed.follow({
    name: cursorName,
    after: await parts.store.cursor(cursorName),
    batch: 256,
    kinds: ['change.judged', 'change.settled', 'run.finished', 'approval.closed'],
    async handle(entries, upTo) {
      for (const entry of entries) await take(entry, triggers(), parts);
      await parts.feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: upTo }] });
    },
  });
}

async function take({ fact }: Entry, triggers: TriggerIndex, parts: UndoParts): Promise<void> {
  if (fact.kind !== 'change.judged') return await settleNews(fact, parts);
  if (fact.state !== 'unpermitted') return;
  const held = await parts.store.document('held', fact.held);
  const found = held === null ? null : await causeOf(held, parts);
  if (held === null || found === null) return;
  const complain = (runbook: Runbook, because: string) =>
    parts.log.warn({ runbook: runbook.id, because }, 'whether a trigger holds for a change is not known');
  for (const candidate of triggers.match(found, complain)) await consider(candidate, held.id, found, parts);
}

/** The change as it was told, with what stood there before, and its alert. */
async function causeOf(held: Held, { store }: UndoParts): Promise<{ event: Event; alert: Alert | null } | null> {
  const event = await changeEventOf(held, store);
  if (event === null) return null;
  return { event, alert: held.alert === null ? null : await store.alert(held.alert) };
}

/** Decides about one runbook on the newest state of the change: one that was settled meanwhile starts nothing. */
async function consider(
  candidate: Candidate,
  id: string,
  { event, alert }: { event: Event; alert: Alert | null },
  parts: UndoParts,
): Promise<void> {
  const { runbook } = candidate;
  await parts.mutex.with(`decide/${runbook.id}`, async () => {
    for (let tries = 1; ; tries++) {
      const held = await parts.store.document('held', id);
      if (held === null || held.state !== 'unpermitted') return;
      const outcome = await decideUndo(candidate, held, { event, alert }, parts);
      if (outcome === 'repeated') return await callPeople(held, runbook, parts);
      if (outcome === 'done') return;
      if (tries >= mostTries) throw new Error(`the change ${id} was written to ${mostTries} times in one moment`);
    }
  });
}

async function decideUndo(
  candidate: Candidate,
  held: Held,
  { event, alert }: { event: Event; alert: Alert | null },
  parts: UndoParts,
): Promise<'done' | 'changed' | 'repeated'> {
  const { runbook } = candidate;
  const request: Request = {
    runbook,
    params: candidate.params ?? {},
    trigger: 'event',
    who: { kind: 'source', id: event.source },
    reason: `undoes ${held.id}`,
    event,
    alert,
    reopened: false,
    undoes: held.id,
    asks: held.asks,
  };
  const at = parts.clock.now();
  const guards: Guard[] = [
    { kind: 'claim', space: 'undo', key: `${held.id}/${runbook.id}`, at, keep: null },
    { kind: 'stream', stream: streamOf.held(held.id), version: held.version },
  ];
  if (candidate.params === null) {
    const change = decisionOnly(request, { verdict: 'deny', ...denialOf(candidate) }, parts);
    return await commitUndo(guards, change, 'deny', parts);
  }
  const decision = await askPolicy(request, parts);
  if (decision.verdict === 'notify' || decision.verdict === 'deny')
    return await commitUndo(guards, decisionOnly(request, decision, parts), decision.verdict, parts);
  const begun = beginRun(request, decision, parts);
  const only = await claimPlan(begun, parts);
  if (only === null) return 'done';
  const key = `${sameness(held)}/${runbook.id}`;
  const once: Guard = { kind: 'claim', space: 'undo-same', key, at, keep: fightTime };
  const outcome = await commitUndo([...guards, once, ...only], begun.change, decision.verdict, parts);
  if (outcome === 'done' && begun.run.state === 'queued') await parts.dispatcher.wake({ run: begun.run.id });
  return outcome;
}

/** What makes two changes the same: who, what, to what, from which state to which. */
function sameness({ principal, action, resource, was, became }: Held): string {
  return sha256(canonicalJson({ principal, action, resource, was, became }));
}

async function commitUndo(
  guards: readonly Guard[],
  change: Change,
  verdict: Verdict,
  { feed, metrics }: UndoParts,
): Promise<'done' | 'changed' | 'repeated'> {
  try {
    await feed.commit({ ...change, guards: [...guards, ...(change.guards ?? [])] });
    metrics.count('tocsin_decisions_total', { verdict });
    return 'done';
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw error;
    const failed = error as TocsinError;
    if (failedGuard(failed) === 'stream') return 'changed';
    if (failedGuard(failed) !== 'claim') throw error;
    return failed.at?.startsWith('claim undo-same/') === true ? 'repeated' : 'done';
  }
}

/** Instead of a second undo within the hour: whoever did it again undoes what Tocsin does, and people must look. */
async function callPeople(held: Held, runbook: Runbook, parts: UndoParts): Promise<void> {
  const because = `the same change was undone by ${runbook.id} less than an hour ago and came again, so something or somebody works against it`;
  const key = `${held.id}/${runbook.id}`;
  const claim: Guard = { kind: 'claim', space: 'undo', key, at: parts.clock.now(), keep: null };
  await parts.streams
    .document('held', held.id, system, now =>
      now.state !== 'unpermitted'
        ? null
        : {
            facts: [{ kind: 'change.repeated', held: now.id, alert: now.alert, runbook: runbook.id, because }],
            with: { guards: [claim] },
          },
    )
    .catch(error => {
      // Another try of this node, or of the one before it, said so already.
      if (!isCode(error, 'guard-failed') || failedGuard(error as TocsinError) !== 'claim') throw error;
    });
}
