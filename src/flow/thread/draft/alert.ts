import { type Alert, isUnseen } from '../../../model/alert.ts';
import type { Entry } from '../../../model/journal.ts';
import { alertCard } from '../cards/cards.ts';
import type { DraftContext, Wanted } from './context.ts';

/** Wants the root of the thread that an entry about something else belongs to. */
export function wantRoot(ctx: DraftContext, alert: Alert | null, episode: number, entry: Entry): void {
  wantAlert(ctx, alert, episode, entry, { event: null, unchanged: true });
}

export function wantAlert(
  ctx: DraftContext,
  alert: Alert | null,
  episode: number,
  entry: Entry,
  facts: Pick<Wanted, 'event' | 'unchanged'>,
): void {
  // The root of an older episode stays as it is: the document has only the newest episode.
  if (alert?.episode !== episode) return;
  const card = () => alertCard(alert, ctx.parts.cards);
  // What nobody saw firing is not posted; one that was announced by its acknowledgement is posted already.
  const unseen = isUnseen(alert);
  const render = async () => (unseen ? null : card());
  const over = alert.state === 'resolved';
  const alter = unseen ? { alter: card } : {};
  const key = `alert/${alert.id}/${episode}`;
  ctx.want({ key, thread: null, alert, run: null, over, render, ...alter, ...facts }, entry);
}
