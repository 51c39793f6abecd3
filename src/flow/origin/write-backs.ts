import { nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Config } from '../../model/config.ts';
import { groupFacts } from '../../model/config.ts';
import { type Entry, type FactOf, streamOf } from '../../model/journal.ts';
import { isEnded, isVerified, type Run } from '../../model/run.ts';
import type { OriginConnection, OriginMethod, OriginPage } from '../../ports/origin.ts';
import type { Store } from '../../ports/store.ts';
import { callOfFight, callOfWindow } from './calls.ts';

export type What = FactOf<'origin.told'>['what'];

/** One thing that an origin is to be found, or asked, because of an entry of the journal. */
export interface WriteBack {
  what: What;
  /** The idempotency key: a write-back that succeeded is not done again under the same key. */
  key: string;
  /** An incident, or a run that people were paged for. Write-backs of one subject keep their order. */
  subject: string;
  seq: number;
  at: number;
  alert: Alert | null;
  episode: number | null;
  run: Run | null;
  /** The text of a note that is not about a run, else null. */
  text: string | null;
  /** For a page that is about no run: what people are told; null for others. */
  call: OriginPage | null;
  /** For `on-call`: which rota is asked. */
  rota: { escalationPolicy: string | null; schedule: string | null };
}

export interface WriteBackParts {
  /** The source whose origin it is. */
  source: string;
  connection: OriginConnection;
  store: Pick<Store, 'alert' | 'run' | 'stream' | 'claimed' | 'document'>;
  /** The sources that page people when the glass is broken; null for all that can. */
  glassPages(): readonly string[] | null;
  config(): Pick<Config, 'groups'>;
  /** Whether the origin of this source's alerts calls people by itself. */
  callsByItself(source: string): boolean;
}

/** The space of the claims of write-backs that succeeded. */
export const doneSpace = 'origin';

/** The space of the claims of alerts of which it was tried to keep them quiet at their origin. */
export const silencedSpace = 'origin-silenced';

export function silencedKey(source: string, alert: string): string {
  return `${source}/${alert}`;
}

/** `tell` is for write-backs about alerts, `page` for paging people, `ticket` for tickets. Each has a rate limit and a cursor of its own. */
export type OutboxName = 'tell' | 'page' | 'ticket';

/** The write-backs to this origin that follow from one entry of the journal; for most entries there are none. */
export async function writeBacksOf(entry: Entry, outbox: OutboxName, parts: WriteBackParts): Promise<WriteBack[]> {
  const found = await finders[outbox](entry, parts);
  return found.filter(writeBack => parts.connection[methodOf(writeBack.what)] !== undefined);
}

const finders: Readonly<Record<OutboxName, (entry: Entry, parts: WriteBackParts) => Promise<WriteBack[]>>> = {
  tell: (entry, parts) => alertWriteBacksOf(entry, parts),
  page: (entry, parts) => pageWriteBacksOf(entry, parts),
  ticket: (entry, parts) => ticketWriteBacksOf(entry, parts),
};

const methods = {
  'on-call': 'onCall',
  'ticket-note': 'ticketNote',
  'ticket-done': 'ticketDone',
} as const;

function methodOf(what: What): OriginMethod {
  return what in methods ? methods[what as keyof typeof methods] : (what as Exclude<What, keyof typeof methods>);
}

async function alertWriteBacksOf(entry: Entry, parts: WriteBackParts): Promise<WriteBack[]> {
  const { fact } = entry;
  switch (fact.kind) {
    case 'event.accepted':
      if (fact.event.source !== parts.source) return [];
      return [
        ...(fact.effect === 'opened' ? await whoIsOnCall(entry, fact.alert, parts) : []),
        ...(fact.effect === 'opened' || fact.effect === 'resolved' ? await silenceEnded(entry, fact.alert, parts) : []),
      ];
    case 'alert.silenced':
      return await silencedBy(entry, fact, parts);
    case 'alert.unsilenced':
      // One whose time is over ends there by itself, at the same time.
      return entry.actor.kind === 'system' ? [] : await silenceEnded(entry, fact.alert, parts);
    case 'alert.closed':
      return await silenceEnded(entry, fact.alert, parts);
    case 'approval.requested':
      return await rotaAsked(entry, fact.approval.ask.by, fact.approval.alert, parts);
    case 'approval.escalated': {
      const run = fact.run === null ? null : await parts.store.run(fact.run);
      return await rotaAsked(entry, [fact.to], run?.alert ?? null, parts);
    }
    case 'alert.acknowledged':
      return await pressedIn(entry, fact.alert, parts);
    case 'alert.noted':
      return await noteOf(entry, fact, await parts.store.alert(fact.alert), parts);
    case 'run.noted':
      return await noteOf(entry, fact, (await ownSubject(fact.run, parts))?.alert ?? null, parts);
    case 'run.started':
      return await startOf(entry, fact.run, parts);
    case 'run.asking':
    case 'run.finished':
    case 'run.amended':
      return await outcomeOf(entry, fact.run, parts);
    default:
      return [];
  }
}

/** A new episode asks who is on call, so that its thread shows it. */
async function whoIsOnCall(entry: Entry, id: string | null, parts: WriteBackParts): Promise<WriteBack[]> {
  const alert = id === null ? null : await parts.store.alert(id);
  return alert === null || !alert.trusted
    ? []
    : [writeBack('on-call', `${alert.id}/${alert.episode}`, entry, alert, null)];
}

/** A person pressed Acknowledge in a thread: the origin is acknowledged too, and gets a note that names the person. */
async function pressedIn(entry: Entry, id: string, parts: WriteBackParts): Promise<WriteBack[]> {
  const alert = await parts.store.alert(id);
  if (alert === null || !isOwn(alert, parts) || entry.actor.kind !== 'person') return [];
  const { fact } = entry;
  const why = fact.kind === 'alert.acknowledged' && fact.reason !== undefined ? `: ${fact.reason}` : '';
  const text = `Tocsin: acknowledged by ${nameOf(entry.actor)}${why}`;
  return (['acknowledge', 'note'] as const).map(what => ({
    ...writeBack(what, `by/${entry.seq}`, entry, alert, null),
    text,
  }));
}

/** A person wrote a note here: their colleagues who look at the origin read it too. */
async function noteOf(
  entry: Entry,
  { text }: { text: string },
  alert: Alert | null,
  parts: WriteBackParts,
): Promise<WriteBack[]> {
  if (alert === null || !isOwn(alert, parts) || entry.actor.kind !== 'person') return [];
  return [{ ...writeBack('note', `${written}${entry.seq}`, entry, alert, null), text: noteText(entry, text) }];
}

/** Begins the names of notes that people wrote: they are told also when the alert is over. */
const written = 'written/';

/** Pure: whether a write-back is a note that a person wrote. */
export function isWritten({ what, key }: WriteBack): boolean {
  return what === 'note' && key.startsWith(keyOf(what, written));
}

function noteText({ actor }: Entry, text: string): string {
  return `Tocsin: note by ${nameOf(actor)}: ${text}`;
}

/** A person silenced it here: where its origin can, it is kept quiet there too. What services silence is none of the origin's business. */
async function silencedBy(entry: Entry, fact: FactOf<'alert.silenced'>, parts: WriteBackParts): Promise<WriteBack[]> {
  const alert = await parts.store.alert(fact.alert);
  if (alert === null || !isOwn(alert, parts) || entry.actor.kind !== 'person') return [];
  return [{ ...writeBack('silence', `by/${entry.seq}`, entry, alert, null), text: fact.reason ?? null }];
}

/** A silence ended before its time, or with its episode. Origins that were never told of one are left alone. */
async function silenceEnded(entry: Entry, id: string | null, parts: WriteBackParts): Promise<WriteBack[]> {
  const { connection, source, store } = parts;
  if (id === null || connection.unsilence === undefined) return [];
  if (!(await store.claimed({ space: silencedSpace, key: silencedKey(source, id) }))) return [];
  const alert = await store.alert(id);
  return alert === null ? [] : [writeBack('unsilence', `by/${entry.seq}`, entry, alert, null)];
}

/** An approval asks the people on call about an alert from elsewhere: the thread should say who they are. */
async function rotaAsked(
  entry: Entry,
  by: readonly string[],
  id: string | null,
  parts: WriteBackParts,
): Promise<WriteBack[]> {
  const alert = id === null ? null : await parts.store.alert(id);
  if (alert === null) return [];
  return by.flatMap(name => {
    const rota = groupFacts(parts.config(), name)?.onCall;
    if (rota?.source !== parts.source) return [];
    // The people on call for the incident itself were named when it opened.
    const own = rota.escalationPolicy === null && rota.schedule === null && isOwn(alert, parts);
    return own ? [] : [{ ...writeBack('on-call', `asked/${entry.seq}/${name}`, entry, alert, null), rota }];
  });
}

/** Remediation begins, so the origin need not call people again. A run of risk `none` only looks at things, and acknowledges nothing. */
async function startOf(entry: Entry, id: string, parts: WriteBackParts): Promise<WriteBack[]> {
  const subject = await ownSubject(id, parts);
  if (subject === null) return [];
  const { run, alert } = subject;
  const report = writeBack('report', `${run.id}/${entry.seq}`, entry, alert, run);
  if (run.risk === 'none') return [report];
  const open = alert.state !== 'resolved' && alert.acknowledgedBy === null && alert.episode === run.episode;
  return open ? [writeBack('acknowledge', `${alert.id}/${run.episode}`, entry, alert, run), report] : [report];
}

async function outcomeOf(entry: Entry, id: string, parts: WriteBackParts): Promise<WriteBack[]> {
  const subject = await ownSubject(id, parts);
  if (subject === null) return [];
  const { run, alert } = subject;
  const found = (['note', 'report'] as const).map(what => writeBack(what, `${run.id}/${entry.seq}`, entry, alert, run));
  if (entry.fact.kind === 'run.finished' && mayResolve(run, alert))
    found.push(writeBack('resolve', run.id, entry, alert, run));
  // If Tocsin stopped the calls, it has to begin them again.
  if (needsPeople(entry, run)) found.push(writeBack('recall', `${run.id}/${entry.seq}`, entry, alert, run));
  return found;
}

/** The run and its alert, when that came from this origin. Called runbooks are part of their caller. */
async function ownSubject(id: string, parts: WriteBackParts): Promise<{ run: Run; alert: Alert } | null> {
  const run = await parts.store.run(id);
  if (run === null || run.alert === null || run.parent !== null) return null;
  const alert = await parts.store.alert(run.alert);
  return alert === null || !isOwn(alert, parts) ? null : { run, alert };
}

/** True for a trusted alert of this source. An unsigned one may name any incident, so nothing is done to it. */
function isOwn(alert: Alert, parts: WriteBackParts): boolean {
  return alert.source === parts.source && alert.trusted;
}

/** Denied by default: the rule that let the run start must allow it, and the run must have verified that the alert is gone. */
export function mayResolve(run: Run, alert: Alert): boolean {
  return (
    run.state === 'succeeded' &&
    run.decision.resolves === true &&
    alert.state !== 'resolved' &&
    alert.episode === run.episode &&
    isVerified(run)
  );
}

/** True for the news that a cure did not hold. */
function isUndone(fact: Entry['fact']): boolean {
  return fact.kind === 'run.amended' && fact.state === 'ineffective';
}

const badEndings: readonly Run['state'][] = ['failed', 'ineffective', 'unconfirmed', 'expired'];

/** Pure: whether the entry says that the run needs people, and should call them. */
function needsPeople(entry: Entry, run: Run): boolean {
  const { fact } = entry;
  if (fact.kind === 'run.asking' || isUndone(fact)) return true;
  if (fact.kind !== 'run.finished' || !badEndings.includes(fact.state)) return false;
  // A person who asked for a run sees that it was not approved, so nobody is paged for that.
  return !(fact.state === 'expired' && run.trigger === 'manual');
}

async function pageWriteBacksOf(entry: Entry, parts: WriteBackParts): Promise<WriteBack[]> {
  const { fact } = entry;
  if (fact.kind === 'break-glass.opened' || fact.kind === 'break-glass.ended')
    return await glassCalls(entry, fact.window, parts);
  if (fact.kind === 'change.repeated') {
    const held = await parts.store.document('held', fact.held);
    // What nobody proved calls nobody.
    if (held === null || !held.trusted) return [];
    return [
      { ...writeBack('page', `${held.id}/${fact.runbook}`, entry, null, null), call: callOfFight(held, fact.because) },
    ];
  }
  if (fact.kind !== 'run.asking' && fact.kind !== 'run.finished' && fact.kind !== 'run.amended') return [];
  const run = await parts.store.run(fact.run);
  if (run === null || run.parent !== null) return [];
  const alert = run.alert === null ? null : await parts.store.alert(run.alert);
  // The alert's origin calls people by itself; a page would be a second call about one thing.
  if (alert !== null && parts.callsByItself(alert.source)) return [];
  const key = `${run.id}/${entry.seq}`;
  if (needsPeople(entry, run)) {
    // The run may have gone on meanwhile, because somebody answered.
    const over = fact.kind === 'run.asking' && run.state !== 'asking' && !isEnded(run.state);
    return over ? [] : [writeBack('page', key, entry, alert, run)];
  }
  return (await calledBefore(run, entry, parts)) ? [writeBack('unpage', key, entry, alert, run)] : [];
}

/** A window that opens pages people; its end takes the page back. */
async function glassCalls(entry: Entry, id: string, parts: WriteBackParts): Promise<WriteBack[]> {
  const only = parts.glassPages();
  if (only !== null && !only.includes(parts.source)) return [];
  const window = await parts.store.document('break-glass', id);
  if (window === null) return [];
  const what = entry.fact.kind === 'break-glass.opened' ? 'page' : 'unpage';
  return [{ ...writeBack(what, id, entry, null, null), call: callOfWindow(window) }];
}

async function calledBefore(run: Run, entry: Entry, parts: WriteBackParts): Promise<boolean> {
  const before = await parts.store.stream(streamOf.run(run.id));
  return before.some(one => one.seq < entry.seq && needsPeople(one, run));
}

/** A ticket is opened once for an episode of a trusted alert that is wanted, told what becomes of it, and ended with it. */
async function ticketWriteBacksOf(entry: Entry, parts: WriteBackParts): Promise<WriteBack[]> {
  const { fact } = entry;
  switch (fact.kind) {
    case 'event.accepted':
      return fact.alert === null || fact.episode === null
        ? []
        : await ticketNewsOf(entry, fact.effect, { id: fact.alert, episode: fact.episode }, parts);
    case 'alert.closed':
      return await ticketNewsOf(entry, 'resolved', { id: fact.alert, episode: fact.episode }, parts);
    case 'run.asking':
    case 'run.finished':
    case 'run.amended': {
      const run = await parts.store.run(fact.run);
      const alert =
        run === null || run.alert === null || run.parent !== null ? null : await parts.store.alert(run.alert);
      return run === null || alert === null
        ? []
        : [writeBack('ticket-note', `${run.id}/${entry.seq}`, entry, alert, run)];
    }
    default:
      return [];
  }
}

async function ticketNewsOf(
  entry: Entry,
  effect: string | null,
  { id, episode }: { id: string; episode: number },
  parts: WriteBackParts,
): Promise<WriteBack[]> {
  if (effect !== 'opened' && effect !== 'reopened' && effect !== 'resolved') return [];
  const alert = await parts.store.alert(id);
  // What proved nothing could have tickets made without end. What was a ticket there from the start needs none.
  if (alert === null || !alert.trusted || alert.source === parts.source) return [];
  if (effect === 'opened' && parts.connection.wantsTicket?.(alert) !== true) return [];
  const name = effect === 'opened' ? `${id}/${episode}` : `${id}/${entry.seq}`;
  const { fact } = entry;
  const end = fact.kind === 'event.accepted' && effect === 'resolved' ? fact.end : undefined;
  // Silence solves nothing: a person says whether the ticket is done.
  const expired = end?.how === 'expired' ? `Tocsin: it ended, which is no cure: ${end.because}` : null;
  const text = effect === 'reopened' ? 'Tocsin: it fires again' : expired;
  const what = effect === 'opened' ? 'ticket' : text === null ? 'ticket-done' : 'ticket-note';
  return [{ ...writeBack(what, name, entry, alert, null), episode, text }];
}

/** The key of the ticket of an episode. */
export function ticketKey(alert: string, episode: number): string {
  return keyOf('ticket', `${alert}/${episode}`);
}

/** The key of Tocsin's own acknowledgement of an episode. */
export function acknowledgedKey(alert: string, episode: number | null): string {
  return keyOf('acknowledge', `${alert}/${episode}`);
}

function keyOf(what: What, name: string): string {
  return `${what}/${name}`;
}

function writeBack(what: What, name: string, entry: Entry, alert: Alert | null, run: Run | null): WriteBack {
  return {
    what,
    key: keyOf(what, name),
    subject: subjectOf(what, alert, run) ?? name,
    seq: entry.seq,
    at: entry.at,
    alert,
    episode: run?.episode ?? alert?.episode ?? null,
    run,
    text: null,
    call: null,
    rota: { escalationPolicy: null, schedule: null },
  };
}

/** Questions about who is on call have a subject of their own, so that no other write-back waits for them. */
function subjectOf(what: What, alert: Alert | null, run: Run | null): string | undefined {
  if (what === 'on-call') return alert === null ? undefined : `${alert.id}/on-call`;
  if (what.startsWith('ticket')) return alert === null ? undefined : `${alert.id}/ticket`;
  return what === 'page' || what === 'unpage' ? run?.id : alert?.id;
}
