import { nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Config } from '../../model/config.ts';
import { groupFacts } from '../../model/config.ts';
import { type Entry, streamOf } from '../../model/journal.ts';
import { isEnded, isVerified, type Run } from '../../model/run.ts';
import type { OriginConnection } from '../../ports/source.ts';
import type { Store } from '../../ports/store.ts';

type What = 'acknowledge' | 'note' | 'resolve' | 'recall' | 'page' | 'unpage' | 'on-call';

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
  /** For `on-call`: which rota is asked. */
  rota: { escalationPolicy: string | null; schedule: string | null };
}

export interface WriteBackParts {
  /** The source whose origin it is. */
  source: string;
  connection: OriginConnection;
  store: Pick<Store, 'alert' | 'run' | 'stream'>;
  config(): Pick<Config, 'groups'>;
  /** Whether the origin of this source's alerts calls people by itself. */
  callsByItself(source: string): boolean;
}

/** The space of the claims of write-backs that succeeded. */
export const doneSpace = 'origin';

/** `tell` is for write-backs about alerts, `page` for paging people. Each has a rate limit and a cursor of its own. */
export type OutboxName = 'tell' | 'page';

/** The write-backs to this origin that follow from one entry of the journal; for most entries there are none. */
export async function writeBacksOf(entry: Entry, outbox: OutboxName, parts: WriteBackParts): Promise<WriteBack[]> {
  const found = outbox === 'tell' ? await alertWriteBacksOf(entry, parts) : await pageWriteBacksOf(entry, parts);
  return found.filter(writeBack => parts.connection[methodOf(writeBack.what)] !== undefined);
}

function methodOf(what: What): Exclude<keyof OriginConnection, 'perMinute'> {
  return what === 'on-call' ? 'onCall' : what;
}

async function alertWriteBacksOf(entry: Entry, parts: WriteBackParts): Promise<WriteBack[]> {
  const { fact } = entry;
  switch (fact.kind) {
    case 'event.accepted':
      return fact.effect === 'opened' && fact.event.source === parts.source
        ? await whoIsOnCall(entry, fact.alert, parts)
        : [];
    case 'approval.requested':
      return await rotaAsked(entry, fact.approval.ask.by, fact.approval.alert, parts);
    case 'approval.escalated': {
      const run = await parts.store.run(fact.run);
      return await rotaAsked(entry, [fact.to], run?.alert ?? null, parts);
    }
    case 'alert.acknowledged':
      return await pressedIn(entry, fact.alert, parts);
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
  if (subject === null || subject.run.risk === 'none') return [];
  const { run, alert } = subject;
  const open = alert.state !== 'resolved' && alert.acknowledgedBy === null && alert.episode === run.episode;
  return open ? [writeBack('acknowledge', `${alert.id}/${run.episode}`, entry, alert, run)] : [];
}

async function outcomeOf(entry: Entry, id: string, parts: WriteBackParts): Promise<WriteBack[]> {
  const subject = await ownSubject(id, parts);
  if (subject === null) return [];
  const { run, alert } = subject;
  const found = [writeBack('note', `${run.id}/${entry.seq}`, entry, alert, run)];
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

async function calledBefore(run: Run, entry: Entry, parts: WriteBackParts): Promise<boolean> {
  const before = await parts.store.stream(streamOf.run(run.id));
  return before.some(one => one.seq < entry.seq && needsPeople(one, run));
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
    rota: { escalationPolicy: null, schedule: null },
  };
}

/** Questions about who is on call have a subject of their own, so that no other write-back waits for them. */
function subjectOf(what: What, alert: Alert | null, run: Run | null): string | undefined {
  if (what === 'on-call') return alert === null ? undefined : `${alert.id}/on-call`;
  return what === 'page' || what === 'unpage' ? run?.id : alert?.id;
}
