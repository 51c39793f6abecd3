import { showInstant } from '../../kernel/duration.ts';
import { system } from '../../model/actor.ts';
import type { Alert, AlertEnd } from '../../model/alert.ts';
import type { FactOf } from '../../model/journal.ts';
import { isEnded, isVerified, type Run } from '../../model/run.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Store } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import type { Streams } from '../journal/streams.ts';
import { journalCancel } from './cancel.ts';
import { closePlanApproval } from './close.ts';

/** What the end of an episode, or a new one, means for the runs of its alert. */
export interface EpisodeParts {
  store: Store;
  streams: Streams;
  dispatcher: Dispatcher;
}

/**
 * Pure: why a plan that an alert asked for must not run any more; null while it may. An approval never outlives its alert. An expiry
 * and a merge are no cure, so people may still decide then; so may they on what a person asked for.
 */
export function outlived(run: Run, alert: Alert | null): string | null {
  if (alert === null || run.trigger !== 'event' || run.episode === null) return null;
  if (alert.episode > run.episode) return 'a newer episode of the alert began, which is decided by itself';
  return isOver(alert) ? 'the alert is resolved' : null;
}

/** Pure: true when the alert's condition is over. One that only expired, or was merged into another, may well go on. */
export function isOver(alert: Alert): boolean {
  return alert.state === 'resolved' && alert.end?.how !== 'expired' && alert.end?.how !== 'merged';
}

/** Pure: the alert of a run is over for it, also because a newer episode began. */
export function isOverFor(run: Pick<Run, 'episode'>, alert: Alert | null): boolean {
  return alert !== null && run.episode !== null && (alert.episode > run.episode || isOver(alert));
}

/** What happened to the alert, for its runs; `heardAt` is when it was taken in, by our clock. */
export type Change =
  | { kind: 'resolved'; episode: number; heardAt: number; end: AlertEnd | null }
  /** A new episode; the time of its start. */
  | { kind: 'opened'; episode: number; heardAt: number; startsAt: number }
  /** It fires on after its resolve, for longer than its quiet time. */
  | { kind: 'reopened'; episode: number; heardAt: number }
  | { kind: 'closed' }
  /** News that neither ends an episode nor begins one. */
  | { kind: 'news' };

export function changeOf(fact: FactOf<'event.accepted'> | FactOf<'alert.closed'> | FactOf<'alert.reopened'>): Change {
  if (fact.kind === 'alert.closed') return { kind: 'closed' };
  if (fact.kind === 'alert.reopened')
    return { kind: 'reopened', episode: fact.episode, heardAt: fact.event.receivedAt };
  const { body } = fact.event;
  if (body.kind !== 'alert' || fact.episode === null) return { kind: 'news' };
  const { episode } = fact;
  const heardAt = fact.event.receivedAt;
  if (fact.effect === 'resolved') return { kind: 'resolved', episode, heardAt, end: fact.end ?? null };
  return fact.effect === 'opened' ? { kind: 'opened', episode, heardAt, startsAt: body.startsAt } : { kind: 'news' };
}

const live = ['waiting', 'queued', 'running', 'asking'] as const;

/** Wakes the runs that wait for the alert, voids what it asked for and outlived it, and amends those whose cure did not hold. */
export async function settleRuns(alert: Alert, change: Change, parts: EpisodeParts): Promise<void> {
  for await (const run of everyOf(page => parts.store.runs({ ...page, alert: alert.id, states: live }))) {
    if (change.kind !== 'news') await voidOutlived(run, alert, parts);
    if (run.startedAt !== null) await parts.dispatcher.wake({ run: run.id });
  }
  if (change.kind === 'news' || change.kind === 'closed') return;
  for (const run of await parts.store.runs({ alert: alert.id, limit: 50 }))
    if (isEnded(run.state)) await amend(run, change, parts);
}

/** Ends a run that has not begun and that outlived its alert; its approval becomes void. The card and a late press say why. */
export async function voidOutlived(
  run: Run,
  alert: Alert | null,
  parts: Omit<EpisodeParts, 'store'>,
): Promise<boolean> {
  const because = outlived(run, alert);
  if (because === null || run.startedAt !== null) return false;
  if (run.state === 'waiting' && run.approval !== null)
    await closePlanApproval(run.approval, 'void', `${because}, so nothing runs`, parts);
  // One that was to run but found no worker yet, or waits for the run of an earlier episode.
  else if (run.state === 'queued') await journalCancel(parts.streams, run.id, system, `${because}, so nothing runs`);
  else return false;
  return true;
}

/** News that was taken in so long before a run ended did not come in the same moment: the run knew of it. Milliseconds. */
const moment = 2000;

/** What a run knew when it ended amends nothing: after a restart, the pipeline considers news again that it considered before. */
async function amend(
  run: Run,
  change: Exclude<Change, { kind: 'closed' | 'news' }>,
  { streams }: EpisodeParts,
): Promise<void> {
  if (run.episode === null || run.finishedAt === null || change.heardAt < run.finishedAt - moment) return;
  if (change.kind === 'resolved' && run.episode === change.episode && !isNoCure(change.end))
    await amendUncured(run, streams);
  if (change.kind === 'opened' && run.episode < change.episode) await amendCured(run, change.startsAt, streams);
  if (change.kind === 'reopened' && run.episode === change.episode) await amendCured(run, change.heardAt, streams);
}

/** An end that may be none of the condition is no good news. */
function isNoCure(end: AlertEnd | null): boolean {
  return end?.how === 'expired' || end?.how === 'unwatched' || end?.how === 'merged';
}

/** A resolve that came after the run had ended without it. */
async function amendUncured(run: Run, streams: Streams): Promise<void> {
  if (run.state !== 'ineffective' && run.state !== 'unconfirmed') return;
  await streams.run(run.id, system, now =>
    now.because?.startsWith('resolved later')
      ? null
      : { facts: [{ kind: 'run.amended', run: run.id, because: `resolved later, after the run ended ${now.state}` }] },
  );
}

/** It fired again within the window of a cure: that did not hold, and people are called once. */
async function amendCured(run: Run, startsAt: number, streams: Streams): Promise<void> {
  if (run.state !== 'succeeded' || run.finishedAt === null || !isVerified(run)) return;
  const window = Math.max(0, ...run.steps.map(step => step.window ?? 0));
  if (startsAt > run.finishedAt + window) return;
  const because = `it fires again since ${showInstant(startsAt)}, so the cure did not hold`;
  await streams.run(run.id, system, now =>
    now.state === 'succeeded' ? { facts: [{ kind: 'run.amended', run: run.id, because, state: 'ineffective' }] } : null,
  );
}
