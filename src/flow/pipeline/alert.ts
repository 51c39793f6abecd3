/** From an event to a run: intake, match, decide, begin, approve. This file has the whole way of an alert on one screen. */

import { isCode } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import { system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Event } from '../../model/event.ts';
import { type Entry, type FactOf, streamOf } from '../../model/journal.ts';
import { isEnded } from '../../model/run.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Change, Guard } from '../../ports/store.ts';
import type { Feed, Following } from '../journal/feed.ts';
import { inOrderByKey } from '../journal/in-order-by-key.ts';
import { failedGuard, type Streams } from '../journal/streams.ts';
import { askPolicy, type BeginParts, type Begun, beginRun, type Request } from './begin.ts';
import { looksBack } from './decide.ts';
import { type Candidate, createTriggerIndex, type TriggerIndex } from './match.ts';

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
  return parts.feed.follow({
    name: cursorName,
    after: saved,
    batch: 256,
    kinds: ['event.accepted'],
    async handle(entries, upTo) {
      const facts = entries.flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [fact] : []));
      // The events of one alert are handled in order. Those of others need not wait for them, and their commits share transactions.
      await inOrderByKey(
        facts,
        fact => fact.alert ?? fact.event.id,
        together,
        fact => considerEvent(fact, triggers(), parts),
      );
      // Considering again is harmless, so the cursor is saved in strides: an fsync for each batch would slow the door.
      if (upTo - saved < stride) return;
      await parts.feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: upTo }] });
      saved = upTo;
    },
  });
}

async function considerEvent(
  fact: FactOf<'event.accepted'>,
  triggers: TriggerIndex,
  parts: PipelineParts,
): Promise<void> {
  const starts =
    (fact.effect === null || fact.effect === 'opened' || fact.effect === 'reopened') && triggers.concerns(fact.event);
  // Most events of a storm concern no trigger and no run.
  if (!starts && isFirst(fact)) return;
  const alert = fact.alert === null ? null : await parts.store.alert(fact.alert);
  if (alert !== null && !isFirst(fact)) await notifyRuns(alert, fact, parts);
  if (!starts || (alert !== null && !isLive(alert, fact, parts.clock.now()))) return;
  for (const candidate of triggers.match({ event: fact.event, alert }))
    await considerCandidate(candidate, fact, alert, parts);
}

/** False when the episode ended, or was silenced, before this event was considered: nothing starts for it then. */
function isLive(alert: Alert, fact: FactOf<'event.accepted'>, now: number): boolean {
  return alert.state !== 'resolved' && alert.episode === fact.episode && (alert.silencedUntil ?? 0) <= now;
}

/** True for an event without an alert and for the first of an alert: no run can wait for it. */
function isFirst(fact: FactOf<'event.accepted'>): boolean {
  return fact.alert === null || (fact.effect === 'opened' && fact.episode === 1);
}

/** Wakes the runs that wait for the alert, and amends those that ended before it resolved. */
async function notifyRuns(alert: Alert, fact: FactOf<'event.accepted'>, parts: PipelineParts): Promise<void> {
  for (const run of await parts.store.runs({ alert: alert.id, limit: 50 })) {
    if (!isEnded(run.state)) {
      if (run.startedAt !== null) await parts.dispatcher.wake({ run: run.id });
    } else if (
      fact.effect === 'resolved' &&
      run.episode === fact.episode &&
      (run.state === 'ineffective' || run.state === 'unconfirmed')
    ) {
      await parts.streams.run(run.id, system, now =>
        now.because?.startsWith('resolved later')
          ? null
          : {
              facts: [
                { kind: 'run.amended', run: run.id, because: `resolved later, after the run ended ${now.state}` },
              ],
            },
      );
    }
  }
}

async function considerCandidate(
  candidate: Candidate,
  fact: FactOf<'event.accepted'>,
  alert: Alert | null,
  parts: PipelineParts,
): Promise<void> {
  const { event } = fact;
  if (candidate.params === null) return await recordDenial(candidate, event, alert, fact, parts);
  const reopened = fact.effect === 'reopened';
  if (reopened && alert !== null && (await hasLiveRun(alert, candidate, parts))) return;
  const request: Request = {
    runbook: candidate.runbook,
    params: candidate.params,
    trigger: event.body.kind === 'tick' ? 'schedule' : 'event',
    who: { kind: 'source', id: event.source },
    reason: null,
    event,
    alert,
    reopened,
  };
  const once = onceFor(candidate, fact, alert, event, parts);
  // Brakes and history count earlier runs of the runbook, so its decisions follow each other where policy looks at them.
  if (!looksBack(parts.catalogue.current().policy)) return await decideOnce(request, once, parts);
  await parts.mutex.with(`decide/${candidate.runbook.id}`, () => decideOnce(request, once, parts));
}

async function decideOnce(request: Request, once: Guard, parts: PipelineParts): Promise<void> {
  const decision = await askPolicy(request, parts);
  const begun =
    decision.verdict === 'auto' || decision.verdict === 'approve' ? beginRun(request, decision, parts) : null;
  const change = begun?.change ?? decisionOnly(request, decision, parts);
  if (!(await commitOnce(once, change, parts))) return;
  parts.metrics.count('tocsin_decisions_total', { verdict: decision.verdict });
  const waited = parts.clock.now() - (request.event?.receivedAt ?? parts.clock.now());
  parts.metrics.observe('tocsin_time_to_decision_seconds', Math.max(0, waited) / 1000, { runbook: request.runbook.id });
  await afterBegin(begun, parts);
}

async function afterBegin(begun: Begun | null, parts: PipelineParts): Promise<void> {
  if (begun?.run.state === 'queued') await parts.dispatcher.wake({ run: begun.run.id });
}

/** P2: one claim for each (episode, runbook); each reopening asks once more, under a claim of its own. */
function onceFor(
  candidate: Candidate,
  fact: FactOf<'event.accepted'>,
  alert: Alert | null,
  event: Event,
  parts: PipelineParts,
): Guard {
  const scope =
    alert === null
      ? event.id
      : fact.effect === 'reopened'
        ? `${alert.id}/${fact.episode}/${event.id}`
        : `${alert.id}/${fact.episode}`;
  return { kind: 'claim', space: 'auto', key: `${scope}/${candidate.runbook.id}`, at: parts.clock.now(), keep: null };
}

async function hasLiveRun(alert: Alert, candidate: Candidate, parts: PipelineParts): Promise<boolean> {
  const runs = await parts.store.runs({ alert: alert.id, runbook: candidate.runbook.id, limit: 20 });
  return runs.some(run => !isEnded(run.state));
}

/** `notify` and `deny` make no run: the decision itself is journalled and posted. */
function decisionOnly(
  request: Request,
  decision: { verdict: string; rule: string; because: string },
  parts: PipelineParts,
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

/** A trigger held, but its parameters could not be made of the event: nothing runs, and the thread says why. */
async function recordDenial(
  candidate: Candidate,
  event: Event,
  alert: Alert | null,
  fact: FactOf<'event.accepted'>,
  parts: PipelineParts,
): Promise<void> {
  const entry: Entry['fact'] = {
    kind: 'decision.made',
    event: event.id,
    alert: alert?.id ?? null,
    episode: alert?.episode ?? null,
    runbook: candidate.runbook.id,
    params: {},
    targets: [],
    verdict: 'deny',
    rule: 'parameters',
    because: `its parameters could not be made of the event: ${candidate.because}`,
  };
  const change: Change = {
    entries: [{ stream: streamOf.decision(event.id), actor: system, at: parts.clock.now(), fact: entry }],
  };
  await commitOnce(onceFor(candidate, fact, alert, event, parts), change, parts);
}

/** False when the claim was taken before. Another refusal, such as that of a lease that this node lost, says nothing about the event. */
async function commitOnce(once: Guard, change: Change, parts: PipelineParts): Promise<boolean> {
  try {
    await parts.feed.commit({ ...change, guards: [once, ...(change.guards ?? [])] });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return false;
    throw error;
  }
}
