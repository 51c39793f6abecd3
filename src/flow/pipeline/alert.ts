/** From an event to a run: intake, match, decide, begin, approve. This file has the whole way of an alert on one screen. */

import { isCode } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import { system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Decision } from '../../model/decision.ts';
import type { Event } from '../../model/event.ts';
import { type Entry, type FactOf, streamOf } from '../../model/journal.ts';
import { isMuted } from '../../model/muted.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Runbook } from '../../ports/runbook.ts';
import type { Change, Guard } from '../../ports/store.ts';
import type { Feed, Following } from '../journal/feed.ts';
import { inOrderByKey } from '../journal/in-order-by-key.ts';
import { failedGuard, type Streams } from '../journal/streams.ts';
import { askPolicy, type BeginParts, type Begun, beginRun, claimPlan, type Request } from './begin.ts';
import { looksBack } from './decide.ts';
import { createDoubts, type Doubts } from './doubts.ts';
import { changeOf, settleRuns } from './episode.ts';
import { type Candidate, createTriggerIndex, type TriggerIndex } from './match.ts';
import { type Reopenings, startReopenings } from './reopen.ts';

/**
 * The pipeline that an alert takes, on one screen:
 *
 *   door -> intake.ts        verified, normalised, deduplicated, committed            `event.accepted`
 *        -> match.ts         which runbooks' triggers hold
 *        -> decide.ts        what policy says of each                                 `decision.made` or `run.created`
 *        -> approve.ts       people, where policy asks them                           `approval.*`, `run.released`
 *        -> run/run.ts       the steps, each journalled before and after              `step.*`, `run.finished`
 *        -> thread/thread.ts posts and edits, from the journal, at the platform's pace
 *
 * This module is the second and third line: it follows the journal, so an event that was accepted is considered even when the process
 * died right after accepting it, and a claim for each (episode, runbook) makes considering it twice harmless.
 */
export interface PipelineParts extends BeginParts {
  feed: Feed;
  streams: Streams;
  dispatcher: Dispatcher;
  metrics: Metrics;
  mutex: KeyedMutex;
  log: Log;
}

const cursorName = 'road';
/** The cursor is saved after so many entries, which are considered again after a restart. */
const stride = 512;
/** How many alerts are considered at the same time. */
const together = 32;

export async function startPipeline(parts: PipelineParts): Promise<Following> {
  let index: { digest: string; triggers: TriggerIndex } | null = null;
  const triggers = () => {
    const set = parts.catalogue.current();
    if (index?.digest !== set.digest)
      index = { digest: set.digest, triggers: createTriggerIndex(set.runbooks.values()) };
    return index.triggers;
  };
  let saved = await parts.store.cursor(cursorName);
  const reopenings = await startReopenings(parts);
  const doubts = createDoubts(parts);
  const following = parts.feed.follow({
    name: cursorName,
    after: saved,
    batch: 256,
    kinds: ['event.accepted', 'alert.reopened', 'alert.closed'],
    async handle(entries, upTo) {
      const news = entries.flatMap(({ fact }) =>
        fact.kind === 'event.accepted' || fact.kind === 'alert.reopened' || fact.kind === 'alert.closed' ? [fact] : [],
      );
      // The events of one alert are handled in order. Those of others need not wait for them, and their commits share transactions.
      await inOrderByKey(
        news,
        fact => fact.alert ?? (fact.kind === 'event.accepted' ? fact.event.id : ''),
        together,
        fact =>
          fact.kind === 'alert.closed'
            ? settleClosed(fact, parts)
            : considerNews(fact, triggers(), { reopenings, doubts }, parts),
      );
      // Considering again is harmless, so the cursor is saved in strides: an fsync for each batch would slow the door.
      if (upTo - saved < stride) return;
      await parts.feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: upTo }] });
      saved = upTo;
    },
  });
  return {
    ...following,
    async stop() {
      await reopenings.stop();
      await following.stop();
    },
  };
}

/** What may start runs: an event, or an alert that fires again for longer than its quiet time. */
type News = FactOf<'event.accepted'> | FactOf<'alert.reopened'>;

async function considerNews(
  fact: News,
  triggers: TriggerIndex,
  { reopenings, doubts }: { reopenings: Reopenings; doubts: Doubts },
  parts: PipelineParts,
): Promise<void> {
  const starts = mayStart(fact) && triggers.concerns(fact.event);
  // Most events of a storm concern no trigger and no run.
  if (!starts && isFirst(fact)) return;
  const alert = fact.alert === null ? null : await parts.store.alert(fact.alert);
  if (alert !== null && !isFirst(fact)) {
    await settleRuns(alert, changeOf(fact), parts);
    if (fact.kind === 'event.accepted' && fact.quiet === true) reopenings.add(alert, fact.event);
  }
  if (!starts || (alert !== null && !isLive(alert, fact, parts.clock.now()))) return;
  const complain = (runbook: Runbook, because: string) => doubts.note(runbook.id, because);
  for (const candidate of triggers.match({ event: fact.event, alert }, complain))
    await considerWhileLive(candidate, fact, alert, parts);
}

/** How often a decision is made anew because news of its alert came in the same moment; then it is committed all the same. */
const mostTries = 8;

/** Nothing is decided for an episode that ended a moment ago: its alert's version guards the commit. */
async function considerWhileLive(
  candidate: Candidate,
  fact: News,
  alert: Alert | null,
  parts: PipelineParts,
): Promise<void> {
  let now = alert;
  for (let tries = 1; now === null || isLive(now, fact, parts.clock.now()); tries++) {
    const unchanged: Guard[] =
      now === null || tries > mostTries
        ? []
        : [{ kind: 'stream', stream: streamOf.alert(now.id), version: now.version }];
    if (await considerCandidate(candidate, fact, now, unchanged, parts)) return;
    now = now === null ? null : await parts.store.alert(now.id);
  }
}

/** An operator's close ends what waits for the alert, as a resolve does. */
async function settleClosed(fact: FactOf<'alert.closed'>, parts: PipelineParts): Promise<void> {
  const alert = await parts.store.alert(fact.alert);
  if (alert !== null) await settleRuns(alert, changeOf(fact), parts);
}

/** A reopening is considered when its quiet time is over; entries of older builds knew none. */
function mayStart(fact: News): boolean {
  if (fact.kind === 'alert.reopened') return true;
  return fact.effect === null || fact.effect === 'opened' || (fact.effect === 'reopened' && fact.quiet !== true);
}

/** False when the episode ended, or was silenced, before this event was considered: nothing starts for it then. */
function isLive(alert: Alert, fact: News, now: number): boolean {
  return (
    alert.state !== 'resolved' &&
    alert.episode === fact.episode &&
    (alert.silencedUntil ?? 0) <= now &&
    !isMuted(alert, now)
  );
}

/** True for an event without an alert and for the first of an alert: no run can wait for it. */
function isFirst(fact: News): boolean {
  if (fact.kind === 'alert.reopened') return false;
  return fact.alert === null || (fact.effect === 'opened' && fact.episode === 1);
}

/** False when the alert changed in the same moment. */
async function considerCandidate(
  candidate: Candidate,
  fact: News,
  alert: Alert | null,
  unchanged: readonly Guard[],
  parts: PipelineParts,
): Promise<boolean> {
  const { event } = fact;
  if (candidate.params === null) return await recordDenial(candidate, event, alert, fact, parts);
  const reopened = isReopening(fact);
  if (reopened && alert !== null && !(await mayAskAgain(alert, candidate.runbook.id, parts))) return true;
  const request: Request = {
    runbook: candidate.runbook,
    params: candidate.params,
    trigger: event.body.kind === 'tick' ? 'schedule' : 'event',
    who: { kind: 'source', id: event.source },
    reason: null,
    event,
    alert,
    reopened,
    after: alert === null ? null : await earlierRun(alert, candidate, parts),
  };
  const once = onceFor(candidate, fact, alert, event, parts);
  // Brakes and history count earlier runs of the runbook, so its decisions follow each other where policy looks at them.
  const guards = [once, ...unchanged];
  if (!looksBack(parts.catalogue.current().policy)) return await decideOnce(request, guards, parts);
  return await parts.mutex.with(`decide/${candidate.runbook.id}`, () => decideOnce(request, guards, parts));
}

async function decideOnce(request: Request, guards: readonly Guard[], parts: PipelineParts): Promise<boolean> {
  const decision = await askPolicy(request, parts);
  const begun =
    decision.verdict === 'auto' || decision.verdict === 'approve' ? beginRun(request, decision, parts) : null;
  const only = begun === null ? [] : await claimPlan(begun, parts);
  const change = changeFor(request, decision, only === null ? null : begun, parts);
  const outcome = await commitOnce([...guards, ...(change.guards ?? []), ...(only ?? [])], change, parts);
  if (outcome !== 'done' || only === null) return outcome !== 'changed';
  parts.metrics.count('tocsin_decisions_total', { verdict: decision.verdict });
  const waited = parts.clock.now() - (request.event?.receivedAt ?? parts.clock.now());
  parts.metrics.observe('tocsin_time_to_decision_seconds', Math.max(0, waited) / 1000, { runbook: request.runbook.id });
  await afterBegin(begun, parts);
  return true;
}

/** The run, or the decision that made none. The same plan that is open for this alert already is not asked twice: that would be two runs. */
function changeFor(request: Request, decision: Decision, begun: Begun | null, parts: PipelineParts): Change {
  if (begun !== null) return begun.change;
  const made = decision.verdict === 'auto' || decision.verdict === 'approve';
  const because = 'the same plan waits for an approval for this alert already, which somebody asked for by hand';
  return decisionOnly(request, made ? { verdict: 'deny', rule: 'one open plan', because } : decision, parts);
}

async function afterBegin(begun: Begun | null, parts: PipelineParts): Promise<void> {
  if (begun?.run.state === 'queued') await parts.dispatcher.wake({ run: begun.run.id });
}

/** P2: one claim for each (episode, runbook); each reopening asks once more, under a claim of its own. */
function onceFor(
  candidate: Candidate,
  fact: News,
  alert: Alert | null,
  event: Event,
  parts: PipelineParts,
): Guard & { kind: 'claim' } {
  const scope =
    alert === null
      ? event.id
      : isReopening(fact)
        ? `${alert.id}/${fact.episode}/${event.id}`
        : `${alert.id}/${fact.episode}`;
  return { kind: 'claim', space: 'auto', key: `${scope}/${candidate.runbook.id}`, at: parts.clock.now(), keep: null };
}

function isReopening(fact: News): boolean {
  return fact.kind === 'alert.reopened' || fact.effect === 'reopened';
}

/** After a reopening: what the resolve voided or kept from beginning, and what was never decided. What ran does not run again. */
async function mayAskAgain(alert: Alert, runbook: string, { store }: PipelineParts): Promise<boolean> {
  const runs = await store.runs({ alert: alert.id, runbook, limit: 100 });
  const own = runs.filter(run => run.episode === alert.episode);
  if (own.length === 0)
    return !(await store.claimed({ space: 'auto', key: `${alert.id}/${alert.episode}/${runbook}` }));
  if (own.some(run => run.startedAt !== null || !isEnded(run.state))) return false;
  const [last] = own;
  return last?.state === 'cancelled' && !(await wasEndedByPeople(last, store));
}

async function wasEndedByPeople(run: Run, store: PipelineParts['store']): Promise<boolean> {
  const entries = await store.stream(streamOf.run(run.id));
  return entries.some(({ fact, actor }) => fact.kind === 'run.finished' && actor.kind !== 'system');
}

/** The run of an earlier episode that still works on one of the same targets; null when there is none. */
async function earlierRun(alert: Alert, candidate: Candidate, { store }: PipelineParts): Promise<string | null> {
  if (alert.episode === 1 || candidate.params === null) return null;
  const { runbook, params } = candidate;
  const targets = runbook.targets(params);
  const live = await store.runs({
    alert: alert.id,
    runbook: runbook.id,
    states: ['waiting', 'running', 'asking', 'queued'],
    limit: 20,
  });
  const same = (run: Run) => run.targets.length === 0 || run.targets.some(target => targets.includes(target));
  return (
    live.find(run => run.episode !== null && run.episode < alert.episode && run.startedAt !== null && same(run))?.id ??
    null
  );
}

/** `notify` and `deny` make no run: the decision itself is journalled and posted. */
export function decisionOnly(
  request: Request,
  decision: { verdict: string; rule: string; because: string },
  parts: Pick<PipelineParts, 'clock'>,
): Change {
  const { event, alert, runbook, params } = request;
  return {
    entries: [
      {
        stream: streamOf.decision(event?.id ?? ''),
        actor: system,
        at: parts.clock.now(),
        fact: {
          kind: 'decision.made',
          event: event?.id ?? '',
          alert: alert?.id ?? null,
          episode: alert?.episode ?? null,
          runbook: runbook.id,
          params: { ...params },
          targets: runbook.targets(params),
          verdict: decision.verdict === 'notify' ? 'notify' : 'deny',
          rule: decision.rule,
          because: decision.because,
        },
      },
    ],
  };
}

/**
 * A trigger held, but its parameters could not be made of the event; or nobody knows whether it holds, because its `where` could not be
 * evaluated. Nothing runs, and the thread says why, once for an episode.
 */
async function recordDenial(
  candidate: Candidate,
  event: Event,
  alert: Alert | null,
  fact: News,
  parts: PipelineParts,
): Promise<true> {
  const entry: Entry['fact'] = {
    kind: 'decision.made',
    event: event.id,
    alert: alert?.id ?? null,
    episode: alert?.episode ?? null,
    runbook: candidate.runbook.id,
    params: {},
    targets: [],
    verdict: 'deny',
    ...denialOf(candidate),
  };
  const change: Change = {
    entries: [{ stream: streamOf.decision(event.id), actor: system, at: parts.clock.now(), fact: entry }],
  };
  const once = onceFor(candidate, fact, alert, event, parts);
  await commitOnce([candidate.failed === 'where' ? saidOnce(candidate, alert, event, once) : once], change, parts);
  return true;
}

export function denialOf({ trigger, failed, because }: Candidate): { rule: string; because: string } {
  if (failed !== 'where')
    return { rule: 'parameters', because: `its parameters could not be made of the event: ${because}` };
  const text = trigger.whereText === null ? '' : ` (${trigger.whereText})`;
  return { rule: 'where', because: `the condition of its trigger could not be evaluated${text}: ${because}` };
}

/** A claim of its own: nothing was decided, so that a reopening after the files were mended asks as if for the first time. */
function saidOnce({ runbook }: Candidate, alert: Alert | null, event: Event, once: Guard & { kind: 'claim' }): Guard {
  const scope = alert === null ? event.id : `${alert.id}/${alert.episode}`;
  return { ...once, key: `${scope}/${runbook.id}/where` };
}

/** Another refusal, such as that of a lease that this node lost, says nothing about the event. */
async function commitOnce(
  guards: readonly Guard[],
  change: Change,
  parts: PipelineParts,
): Promise<'done' | 'claimed' | 'changed'> {
  try {
    await parts.feed.commit({ ...change, guards: [...guards] });
    return 'done';
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return 'claimed';
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'stream') return 'changed';
    throw error;
  }
}
