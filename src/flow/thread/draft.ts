import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Alert, type AlertEnd, isUnseen } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Card } from '../../model/card.ts';
import type { Config } from '../../model/config.ts';
import type { Event } from '../../model/event.ts';
import { type Entry, type FactOf, streamOf } from '../../model/journal.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { BreakGlassSpec, GateSpec } from '../../ports/catalogue.ts';
import type { StepOutline } from '../../ports/runbook.ts';
import type { Store } from '../../ports/store.ts';
import type { Docs } from '../journal/recent-docs.ts';
import { approvalCard } from './cards/approval.ts';
import { alertCard, type CardTools, endedCard, noteCard, runCard } from './cards/cards.ts';
import { changeCard, claimCard } from './cards/change.ts';
import { gateApprovalCard, gateCard } from './cards/gate.ts';
import { doneCard, glassCard } from './cards/glass.ts';
import { badNote, unbadNote } from './cards/known-bad.ts';
import { gateNotesOf, notesOf } from './notes.ts';

/** One post that follows from the journal, before it is known where it goes and whether it changes anything. */
export interface Wanted extends Place {
  key: string;
  order: number;
  at: number;
  /** Null when nothing is posted where it is not shown yet. */
  render(): Promise<Card | null>;
  run: string | null;
  /** True when no further change of it is expected. */
  over: boolean;
  /** Makes the card of the one that is shown, where one is. */
  alter?(shown: Card): Card;
  /** True when it did not change, and is only wanted where it is not shown yet. */
  unchanged?: boolean;
}

/** Where a subject is shown. */
interface Place {
  /** The key of the root whose thread it is in; null when it is a root itself. */
  thread: string | null;
  /** The alert that the thread is about; null for a thread without one. */
  alert: Alert | null;
  /** The event that it came from, for the routes; null where it is not known. */
  event: Event | null;
  /** The channels of its thread, as `platform:channel`; those of the routes when left out or empty. */
  to?: readonly string[];
}

export interface DraftParts {
  store: Docs & Pick<Store, 'alertOf' | 'stream' | 'runs' | 'approvals' | 'document'>;
  cards: CardTools;
  config(): Config;
  gates(): ReadonlyMap<string, Pick<GateSpec, 'to'>>;
  glass(): Pick<BreakGlassSpec, 'to' | 'mention'> | null;
  outline(run: Run): Promise<readonly StepOutline[]>;
}

/** How many entries are drafted at one time. */
const together = 128;

interface DraftContext {
  parts: DraftParts;
  want(one: Omit<Wanted, 'order' | 'at'>, entry: Entry): void;
}

/** The posts that a batch of entries changes, in the order of the first change. Changes are coalesced: each subject is rendered once. */
export async function draftPosts(entries: readonly Entry[], parts: DraftParts): Promise<Wanted[]> {
  const { store } = parts;
  // The documents contain all entries of the batch already, so each is read once, and reads of several entries run together.
  const read: DraftParts['store'] = {
    alert: once(id => store.alert(id)),
    run: once(id => store.run(id)),
    approval: once(id => store.approval(id)),
    alertOf: (source, fingerprint) => store.alertOf(source, fingerprint),
    stream: name => store.stream(name),
    runs: query => store.runs(query),
    approvals: query => store.approvals(query),
    document: (kind, id) => store.document(kind, id),
  };
  const drafted: Wanted[][] = [];
  for (let from = 0; from < entries.length; from += together) {
    const some = entries.slice(from, from + together);
    drafted.push(...(await Promise.all(some.map(entry => draftEntry(entry, { ...parts, store: read })))));
    // Requests that arrived meanwhile go first: threads may lag, the door may not.
    await nextTurn();
  }
  const wanted = new Map<string, Wanted>();
  for (const one of drafted.flat()) {
    const known = wanted.get(one.key);
    if (known === undefined) wanted.set(one.key, one);
    else wanted.set(one.key, joined(known, one));
  }
  return [...wanted.values()];
}

/** The first of a subject says how it is rendered, and the last how what is shown is altered. */
function joined(first: Wanted, next: Wanted): Wanted {
  return {
    ...first,
    ...(next.alter === undefined ? {} : { alter: next.alter }),
    unchanged: first.unchanged === true && next.unchanged === true,
  };
}

async function draftEntry(entry: Entry, parts: DraftParts): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  await addEntry({ parts, want: (one, { seq, at }) => void wanted.push({ ...one, order: seq, at }) }, entry);
  return wanted;
}

function once<T>(read: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return id => {
    const asked = known.get(id) ?? read(id);
    known.set(id, asked);
    return asked;
  };
}

async function addEntry(ctx: DraftContext, entry: Entry): Promise<void> {
  const { fact } = entry;
  if ('gate' in fact) return await wantGate(ctx, typeof fact.gate === 'string' ? fact.gate : fact.gate.id, entry);
  if (fact.kind === 'break-glass.opened' || fact.kind === 'break-glass.ended' || fact.kind === 'break-glass.closed')
    return await wantWindow(ctx, fact.window, entry);
  if (fact.kind === 'known-bad.added' || fact.kind === 'known-bad.ended') return await wantBadNotes(ctx, fact, entry);
  if (fact.kind === 'change.judged' || fact.kind === 'change.claimed' || fact.kind === 'change.settled')
    await wantChange(ctx, fact.held, entry);
  if (fact.kind === 'change.claimed' || fact.kind === 'change.settled') return;
  if ('approval' in fact)
    return await wantApproval(ctx, typeof fact.approval === 'string' ? fact.approval : fact.approval.id, entry);
  if ('run' in fact && fact.run !== null)
    return await wantRun(ctx, typeof fact.run === 'string' ? fact.run : fact.run.id, entry);
  const event = fact.kind === 'event.accepted' ? fact.event : null;
  if (!('alert' in fact) || fact.alert === null)
    return wantNotes(ctx, entry, null, await placeOfEvent(ctx, event, entry));
  const alert = await ctx.parts.store.alert(fact.alert);
  const episode = 'episode' in fact && fact.episode !== null ? fact.episode : (alert?.episode ?? 1);
  // What nobody saw firing is kept and not posted.
  if (fact.kind === 'event.accepted' && fact.effect === 'unseen') return;
  if (alert !== null && (fact.kind === 'event.accepted' || fact.kind === 'alert.closed'))
    await wantConsequences(ctx, alert, fact, entry);
  if (alert !== null && fact.kind === 'event.accepted' && alert.episode > episode)
    wantOlder(ctx, alert, episode, fact, entry);
  else wantAlert(ctx, alert, episode, entry, { event });
  wantNotes(ctx, entry, null, { thread: `alert/${fact.alert}/${episode}`, alert, event });
}

/** The questions that show whether their alert is over, and the thread of a stretch that ended untold. */
async function wantConsequences(
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
function wantOlder(
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

/** Wants the root of the thread that an entry about something else belongs to. */
function wantRoot(ctx: DraftContext, alert: Alert | null, episode: number, entry: Entry): void {
  wantAlert(ctx, alert, episode, entry, { event: null, unchanged: true });
}

function wantAlert(
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

async function wantRun(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const run = await ctx.parts.store.run(id);
  if (run === null) return;
  const place = await placeOf(ctx, run, entry);
  const over = isEnded(run.state);
  // In a thread the approval comes first: people read it to decide, and the run's card follows below it.
  const asks = entry.fact.kind === 'run.created' && place.thread !== null ? run.approval : null;
  const approval = asks === null ? null : await ctx.parts.store.approval(asks);
  if (approval !== null) wantQuestion(ctx, approval, run, place, entry);
  ctx.want({ key: `run/${id}`, ...place, run: id, over, render: async () => runCard(run) }, entry);
  wantNotes(ctx, entry, run, { ...place, thread: place.thread ?? `run/${id}` });
}

async function wantApproval(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store } = ctx.parts;
  const approval = await store.approval(id);
  if (approval === null) return;
  if (approval.claim !== null) return await wantClaim(ctx, approval, approval.claim, entry);
  if (approval.run === null) return await wantGate(ctx, approval.gate ?? '', entry);
  const run = await store.run(approval.run);
  if (run === null) return;
  await wantRun(ctx, run.id, entry);
  wantQuestion(ctx, approval, run, await placeOf(ctx, run, entry), entry);
}

/** In the thread of the incident that it came from; a root of its own where there is none. */
async function wantBadNotes(
  ctx: DraftContext,
  fact: FactOf<'known-bad.added'> | FactOf<'known-bad.ended'>,
  entry: Entry,
): Promise<void> {
  const { store } = ctx.parts;
  const known = fact.kind === 'known-bad.added' ? fact.entry : await store.document('known-bad', fact.entry);
  if (known === null) return;
  const alert = known.alert === null ? null : await store.alert(known.alert);
  const thread = alert === null ? null : `alert/${alert.id}/${alert.episode}`;
  if (alert !== null) wantRoot(ctx, alert, alert.episode, entry);
  const key = `note/${entry.seq}/0`;
  const render = async () =>
    fact.kind === 'known-bad.added' ? badNote(fact.entry, entry) : unbadNote(known, fact, entry);
  ctx.want({ key, thread, alert, event: null, run: null, over: true, render }, entry);
}

/** What was let through without a word is not posted. */
async function wantGate(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards, gates } = ctx.parts;
  const gate = await store.document('gate', id);
  if (gate === null || (gate.decision.verdict === 'auto' && gate.state === 'allowed')) return;
  const about = { alert: null, event: null, run: null, to: gates().get(gate.name)?.to ?? [] };
  const key = `gate/${id}`;
  const over = gate.state !== 'pending' && gate.state !== 'allowed';
  ctx.want({ key, thread: null, ...about, over, render: async () => gateCard(gate, cards) }, entry);
  const config = ctx.parts.config();
  const notes = [...notesOf(entry, null, config), ...gateNotesOf(entry, gate, config)];
  const approval = gate.approval === null ? null : await store.approval(gate.approval);
  if (approval !== null) {
    const render = async () => gateApprovalCard(approval, gate, cards);
    ctx.want({ key: `approval/${approval.id}`, thread: key, ...about, over: approval.state !== 'open', render }, entry);
  }
  wantNotes(ctx, entry, null, { ...about, thread: key }, notes);
}

/** An unpermitted change, in the thread of its alert. */
async function wantChange(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards } = ctx.parts;
  const held = await store.document('held', id);
  const alert = held === null || held.alert === null ? null : await store.alert(held.alert);
  if (held === null || alert === null) return;
  wantRoot(ctx, alert, alert.episode, entry);
  const place = { thread: `alert/${alert.id}/${alert.episode}`, alert, event: null, run: null };
  const over = held.state !== 'unpermitted';
  ctx.want({ key: `change/${id}`, ...place, over, render: async () => changeCard(held, cards) }, entry);
}

/** "It was me", and who is asked about it. */
async function wantClaim(ctx: DraftContext, approval: Approval, id: string, entry: Entry): Promise<void> {
  const { store, cards } = ctx.parts;
  const held = await store.document('held', id);
  const alert = approval.alert === null ? null : await store.alert(approval.alert);
  const thread = alert === null ? null : `alert/${alert.id}/${alert.episode}`;
  if (alert !== null) wantRoot(ctx, alert, alert.episode, entry);
  const about = { thread, alert, event: null, run: null, over: approval.state !== 'open' };
  const render = async () => claimCard(approval, held, cards);
  ctx.want({ key: `approval/${approval.id}`, ...about, render }, entry);
  wantNotes(ctx, entry, null, { thread: thread ?? `approval/${approval.id}`, alert, event: null });
}

/** Loud where it opens: a root of its own. What was done in it follows in its thread. */
async function wantWindow(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards, glass } = ctx.parts;
  const window = await store.document('break-glass', id);
  if (window === null) return;
  const { to = [], mention = [] } = glass() ?? {};
  const about = { alert: null, event: null, run: null, to };
  const key = `glass/${id}`;
  const over = window.state === 'closed';
  ctx.want({ key, thread: null, ...about, over, render: async () => glassCard(window, mention, cards) }, entry);
  wantNotes(ctx, entry, null, { thread: key, ...about });
  if (entry.fact.kind !== 'break-glass.closed') return;
  const render = async () =>
    doneCard(window, await Promise.all(window.changes.map(one => store.document('held', one))), cards);
  ctx.want({ key: `note/${entry.seq}/done`, thread: key, ...about, over: true, render }, entry);
}

function wantQuestion(ctx: DraftContext, approval: Approval, run: Run, place: Place, entry: Entry): void {
  const { cards, outline } = ctx.parts;
  const render = async () =>
    approvalCard(approval, run, approval.step === null ? await outline(run) : [], cards, place.alert);
  const over = approval.state !== 'open';
  const thread = place.thread ?? `run/${run.id}`;
  ctx.want({ key: `approval/${approval.id}`, ...place, thread, run: run.id, over, render }, entry);
}

function wantNotes(
  ctx: DraftContext,
  entry: Entry,
  run: Run | null,
  place: Place,
  notes: readonly Card[] = notesOf(entry, run, ctx.parts.config()),
): void {
  for (const [index, card] of notes.entries()) {
    const key = `note/${entry.seq}/${index}`;
    ctx.want({ key, ...place, run: run?.id ?? null, over: true, render: async () => card }, entry);
  }
}

/** A run is shown in its alert's thread, a called run in its caller's, and any other is a root itself. */
async function placeOf(ctx: DraftContext, run: Run, entry: Entry): Promise<Place> {
  const parent = run.parent === null ? null : await ctx.parts.store.run(run.parent.run);
  if (parent !== null) {
    const place = await placeOf(ctx, parent, entry);
    return { ...place, thread: place.thread ?? `run/${parent.id}` };
  }
  if (run.alert === null || run.episode === null)
    return { thread: null, alert: null, event: await eventOf(run.event, ctx) };
  const alert = await ctx.parts.store.alert(run.alert);
  wantRoot(ctx, alert, run.episode, entry);
  return { thread: `alert/${run.alert}/${run.episode}`, alert, event: null };
}

/**
 * A notice about a known alert goes to the thread of its newest episode, one about its ticket to that of the ticket's episode; every other
 * event is a root itself.
 */
async function placeOfEvent(ctx: DraftContext, event: Event | null, entry: Entry): Promise<Place> {
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

/** The event behind a run without an alert (a deployment, a tick): its routes may ask for it. */
async function eventOf(id: string | null, ctx: DraftContext): Promise<Event | null> {
  if (id === null) return null;
  const [entry] = await ctx.parts.store.stream(streamOf.event(id));
  return entry?.fact.kind === 'event.accepted' ? entry.fact.event : null;
}
