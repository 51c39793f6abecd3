import type { Event } from '../../../model/event.ts';
import { type Entry, streamOf } from '../../../model/journal.ts';
import type { Run } from '../../../model/run.ts';
import type { Store } from '../../../ports/store.ts';
import { wantRoot } from './alert.ts';
import type { DraftContext, Place } from './context.ts';

/** A run is shown in its alert's thread, a called run in its caller's, and any other is a root itself. */
export async function placeOf(ctx: DraftContext, run: Run, entry: Entry): Promise<Place> {
  const parent = run.parent === null ? null : await ctx.parts.store.run(run.parent.run);
  if (parent !== null) {
    const place = await placeOf(ctx, parent, entry);
    return { ...place, thread: place.thread ?? `run/${parent.id}` };
  }
  if (run.alert === null || run.episode === null)
    return { thread: null, alert: null, event: await eventOf(run.event, ctx.parts.store) };
  const alert = await ctx.parts.store.alert(run.alert);
  wantRoot(ctx, alert, run.episode, entry);
  return { thread: `alert/${run.alert}/${run.episode}`, alert, event: null };
}

/**
 * A notice about a known alert goes to the thread of its newest episode, one about its ticket to that of the ticket's episode; every other
 * event is a root itself.
 */
export async function placeOfEvent(ctx: DraftContext, event: Event | null, entry: Entry): Promise<Place> {
  const about = event?.body.kind === 'notice' ? event.body.about : undefined;
  const ticket = event?.body.kind === 'notice' ? event.body.ticketOf : undefined;
  const ticketed = ticket === undefined ? null : await ctx.parts.store.alert(ticket.alert);
  if (ticket !== undefined && ticketed !== null && event?.trusted === true && ticket.episode <= ticketed.episode) {
    wantRoot(ctx, ticketed, ticket.episode, entry);
    return { thread: `alert/${ticketed.id}/${ticket.episode}`, alert: ticketed, event: null };
  }
  const alert = event === null || about === undefined ? null : await ctx.parts.store.alertOf(event.source, about);
  // The alert came later than this notice, so it had no thread then.
  if (alert === null || event === null || alert.firstSeen > event.receivedAt)
    return { thread: null, alert: null, event };
  wantRoot(ctx, alert, alert.episode, entry);
  return { thread: `alert/${alert.id}/${alert.episode}`, alert, event: null };
}

/** The event behind a run, where its entry is still there. */
export async function eventOf(id: string | null, store: Pick<Store, 'stream'>): Promise<Event | null> {
  if (id === null) return null;
  const [entry] = await store.stream(streamOf.event(id));
  return entry?.fact.kind === 'event.accepted' ? entry.fact.event : null;
}
