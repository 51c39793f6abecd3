import type { Alert, AlertEnd } from '../../../model/alert.ts';
import type { Card } from '../../../model/card.ts';
import type { Entry, FactOf } from '../../../model/journal.ts';
import { alertCard, endedCard, noteCard } from '../cards/cards.ts';
import type { DraftContext } from './context.ts';
import { placeOf } from './place.ts';
import { wantQuestion } from './run.ts';

/** The questions that show whether their alert is over, and the thread of a stretch that ended untold. */
export async function wantConsequences(
  ctx: DraftContext,
  alert: Alert,
  fact: FactOf<'event.accepted'> | FactOf<'alert.closed'>,
  entry: Entry,
): Promise<void> {
  const { store } = ctx.parts;
  if (fact.kind === 'event.accepted' && fact.effect === 'opened' && fact.end !== undefined && fact.episode !== null)
    wantUntold(ctx, alert, fact.episode - 1, fact.end, entry);
  if (!changesState(fact)) return;
  for (const run of await store.runs({ alert: alert.id, states: ['waiting', 'running', 'asking'], limit: 50 }))
    for (const approval of await store.approvals({ run: run.id, state: 'open' }))
      wantQuestion(ctx, approval, run, await placeOf(ctx, run, entry), entry);
}

function changesState(fact: FactOf<'event.accepted'> | FactOf<'alert.closed'>): boolean {
  if (fact.kind === 'alert.closed' || fact.effect === 'resolved' || fact.effect === 'reopened') return true;
  return fact.effect === 'opened' && (fact.episode ?? 1) > 1;
}

/** The thread of a stretch whose end was never told: its root says so, and a note why. */
function wantUntold(ctx: DraftContext, alert: Alert, episode: number, end: AlertEnd, entry: Entry): void {
  const thread = `alert/${alert.id}/${episode}`;
  const about = { alert, event: null, run: null, over: true };
  const text = `It ended without a resolve: ${end.because}. The new episode has its own thread.`;
  const alter = (shown: Card) => endedCard(shown, 'ended');
  ctx.want({ ...about, key: thread, thread: null, alter, render: async () => null }, entry);
  const render = async () => noteCard(text, 'warning');
  ctx.want({ ...about, key: `note/${entry.seq}/ended`, thread, render }, entry);
}

/** News of an episode that is not the newest any more: the document says nothing of it, so its root is made of the news. */
export function wantOlder(
  ctx: DraftContext,
  alert: Alert,
  episode: number,
  fact: FactOf<'event.accepted'>,
  entry: Entry,
): void {
  const { body } = fact.event;
  if (body.kind !== 'alert') return;
  const { title, severity, labels, annotations, links, startsAt } = body;
  const then: Alert = {
    ...alert,
    title,
    severity,
    labels,
    annotations,
    links,
    startsAt,
    episode,
    count: 1,
    resolvedAt: null,
  };
  const badge = fact.effect === 'resolved' ? 'resolved' : 'ended';
  const change = badge === 'resolved' ? { alter: (shown: Card) => endedCard(shown, badge) } : { unchanged: true };
  const render = async () => endedCard(alertCard(then, ctx.parts.cards), badge);
  const key = `alert/${alert.id}/${episode}`;
  ctx.want({ key, thread: null, alert, event: fact.event, run: null, over: true, render, ...change }, entry);
}
