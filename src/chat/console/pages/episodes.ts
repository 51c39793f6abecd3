import type { Actor } from '../../../model/actor.ts';
import type { Alert, AlertEnd } from '../../../model/alert.ts';
import type { Entry } from '../../../model/journal.ts';

/** One firing-to-resolved stretch of an alert, as its journal tells it. Times are milliseconds since the epoch. */
export interface Episode {
  number: number;
  /** When it began by its source. */
  startsAt: number;
  /** When Tocsin heard of it. */
  heardAt: number;
  endedAt: number | null;
  end: AlertEnd | null;
  /** How often it was delivered as firing. */
  count: number;
  /** How often it fired again after a resolve that did not last. */
  reopened: number;
}

/** What somebody did about an alert, or what became of it by itself. */
export interface DoneAct {
  seq: number;
  at: number;
  actor: Actor;
  text: string;
  reason: string | null;
}

/** All episodes, the newest first. The present one is told by the alert itself, which knows what its entries of old builds do not say. */
export function episodesOf(alert: Alert, entries: readonly Entry[]): Episode[] {
  const episodes = new Map<number, Episode>();
  for (const { at, fact } of entries) {
    if (fact.kind === 'event.accepted' && fact.event.body.kind === 'alert' && fact.episode !== null) {
      const { startsAt } = fact.event.body;
      const known = episodes.get(fact.episode);
      const begun = { number: fact.episode, startsAt, heardAt: at, endedAt: null, end: null, count: 0, reopened: 0 };
      const next = known ?? begun;
      if (fact.effect === 'opened') endBefore(episodes, fact.episode, at);
      if (fact.event.body.state === 'firing' && fact.effect !== 'stale') next.count++;
      if (fact.effect === 'reopened') Object.assign(next, { endedAt: null, end: null, reopened: next.reopened + 1 });
      if (fact.effect === 'resolved' || fact.effect === 'unseen')
        Object.assign(next, { endedAt: at, end: fact.end ?? null });
      episodes.set(fact.episode, next);
    }
    if (fact.kind === 'alert.closed') {
      const known = episodes.get(fact.episode);
      if (known !== undefined)
        Object.assign(known, { endedAt: at, end: { how: 'closed', because: fact.reason } satisfies AlertEnd });
    }
  }
  const present = episodes.get(alert.episode);
  if (present !== undefined) Object.assign(present, { endedAt: alert.resolvedAt, end: alert.end ?? present.end });
  return [...episodes.values()].sort((a, b) => b.number - a.number);
}

/** A stretch that had no end when the next began: its resolve was lost. */
function endBefore(episodes: ReadonlyMap<number, Episode>, next: number, at: number): void {
  const before = episodes.get(next - 1);
  if (before !== undefined && before.endedAt === null)
    Object.assign(before, { endedAt: at, end: { how: 'untold', because: null } satisfies AlertEnd });
}

/** How an episode ended, for people. */
export function endText({ how, because }: AlertEnd, source: string): string {
  const text = {
    told: `${source} resolved it`,
    expired: `${source} resolved it because it heard nothing more, which is no cure`,
    unwatched: 'it was resolved, and nobody looked in time to tell whether it was cured',
    merged: 'it goes on as another alert',
    gone: `${source} no longer listed it`,
    untold: 'the next episode began, so this one ended before; its end was never told',
    closed: 'closed by a person',
  }[how];
  return because === null ? text : `${text}: ${because}`;
}

/** What was done about it, the newest first. */
export function actsOf(entries: readonly Entry[], showTime: (at: number) => string): DoneAct[] {
  return entries
    .flatMap(({ seq, at, actor, fact }): DoneAct[] => {
      const act = (text: string, reason: string | null | undefined = null) => [
        { seq, at, actor, text, reason: reason ?? null },
      ];
      switch (fact.kind) {
        case 'alert.acknowledged':
          return act(`acknowledged it${fact.until === undefined ? '' : ` until ${showTime(fact.until)}`}`, fact.reason);
        case 'alert.unacknowledged':
          return act('took the acknowledgement back');
        case 'alert.silenced':
          return act(`silenced it until ${showTime(fact.until)}`, fact.reason);
        case 'alert.unsilenced':
          return act('ended the silence');
        case 'alert.closed':
          return act('closed it', fact.reason);
        case 'alert.muted':
          return act(`saw that its origin keeps it quiet, by ${fact.by}`);
        case 'alert.unmuted':
          return act('saw that its origin lets it be heard again');
        case 'alert.quiet':
          return act(`had no news of it since ${showTime(fact.since)}`);
        case 'alert.reopened':
          return act('asked again, because it fired on after its resolve');
        case 'alert.noted':
          return act('noted', fact.text);
        default:
          return [];
      }
    })
    .reverse();
}
