import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { cutText, visible, visibleLine } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { OriginConnection, OriginPage } from '../../ports/origin.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { endingText } from '../thread/cards/cards.ts';
import { alertOfRun, reportOf } from './report.ts';
import {
  acknowledgedKey,
  doneSpace,
  isWritten,
  mayResolve,
  silencedKey,
  silencedSpace,
  ticketKey,
  type WriteBack,
} from './write-backs.ts';

export interface PerformParts {
  source: string;
  connection: OriginConnection;
  store: Pick<Store, 'alert' | 'run' | 'claimed' | 'stream'>;
  feed: Pick<Feed, 'commit'>;
  clock: Clock;
  /** The driver's id: the key of its accounts in `people`. */
  driver: string;
  people(): Readonly<Record<string, { accounts: Readonly<Record<string, string>> }>>;
  /** Where people see the run and its thread. */
  links(run: Run | null, alert: Alert | null): Promise<readonly { label: string; url: string }[]>;
}

/** Claims of acknowledgements and tickets that were tried. */
const triedSpace = 'origin-tried';

/** The page about a resolved alert is not sent when it is older than this, milliseconds. */
const late = 10 * 60_000;

/**
 * Performs a write-back. Resolves to a sentence for the thread, or to null when it is not needed any more; rejects with the origin's
 * error. `failures` counts the attempts before: one of them may have had its effect.
 */
export async function perform(old: WriteBack, failures: number, parts: PerformParts): Promise<string | null> {
  if (old.what === 'on-call') return await askOnCall(old, parts);
  const writeBack = await refresh(old, parts);
  const { connection } = parts;
  const { alert, run } = writeBack;
  if (writeBack.what === 'silence') return await silence(writeBack, parts);
  if (writeBack.what === 'unsilence') return await unsilence(writeBack, parts);
  if (writeBack.what.startsWith('ticket')) return await performTicket(writeBack, failures, parts);
  if (writeBack.call !== null) return await performCall(writeBack, writeBack.call, parts);
  if (run === null) return await performPress(writeBack, parts);
  if (writeBack.what === 'unpage') return (await connection.unpage?.(run.id)) ?? null;
  if (writeBack.what === 'page') {
    const tooLate = alert?.state === 'resolved' && parts.clock.now() - writeBack.at > late && failures === 0;
    return tooLate ? null : ((await connection.page?.(await pageOf(writeBack, run, parts))) ?? null);
  }
  if (alert === null) return null;
  switch (writeBack.what) {
    case 'acknowledge':
      return await acknowledge(writeBack, run, alert, parts);
    case 'resolve':
      return mayResolve(run, alert) ? ((await connection.resolve?.(alert)) ?? null) : null;
    case 'note':
      return (
        (await connection.note?.(alert, { text: await noteText(run, alert, parts), marker: writeBack.key })) ?? null
      );
    case 'report':
      return await report(old, run, alert, parts);
    case 'recall':
      return await recall(writeBack, run, alert, parts);
    default:
      return null;
  }
}

/**
 * Acknowledges an incident that is not over. Once it was tried it is done to its end, also after a restart: an attempt may have stopped
 * the calls, and only an incident that Tocsin is known to have acknowledged is handed back by `recall`.
 */
async function acknowledge(writeBack: WriteBack, run: Run, alert: Alert, parts: PerformParts): Promise<string | null> {
  const begins = !isEnded(run.state) && alert.state !== 'resolved' && alert.acknowledgedBy === null;
  if (!(await isTried(writeBack.key, parts))) {
    if (!begins) return null;
    await keepTried(writeBack.key, parts);
  }
  return (await parts.connection.acknowledge?.(alert)) ?? null;
}

function isTried(key: string, { store, source }: PerformParts): Promise<boolean> {
  return store.claimed({ space: triedSpace, key: `${source}/${key}` });
}

async function keepTried(key: string, { feed, source, clock }: PerformParts): Promise<void> {
  const claim = { kind: 'claim', space: triedSpace, key: `${source}/${key}`, at: clock.now(), keep: null } as const;
  await feed.commit({ guards: [claim] });
}

/**
 * Silences it as the person did who silenced it last. First it is kept that this is tried, and then the alert is read: what ends the silence
 * after that finds the claim, and is behind this in the order of the alert.
 */
async function silence({ alert: old, text }: WriteBack, parts: PerformParts): Promise<string | null> {
  const { connection, source, store, feed, clock } = parts;
  if (old === null || !isSilenced(old, clock.now())) return null;
  const claim = { space: silencedSpace, key: silencedKey(source, old.id) };
  if (!(await store.claimed(claim)))
    await feed.commit({ guards: [{ kind: 'claim', ...claim, at: clock.now(), keep: null }] });
  const alert = await store.alert(old.id);
  if (alert === null || !isSilenced(alert, clock.now())) return null;
  const { silencedUntil: until, silencedBy } = alert;
  const made = { until: until ?? 0, by: silencedBy ?? 'Tocsin', reason: text, marker: alert.id };
  return (await connection.silence?.(alert, made)) ?? null;
}

async function unsilence({ alert }: WriteBack, { connection, clock }: PerformParts): Promise<string | null> {
  // It was silenced again meanwhile, which is told behind this.
  if (alert === null || isSilenced(alert, clock.now())) return null;
  return (await connection.unsilence?.(alert, alert.id)) ?? null;
}

/** True while a silence that was made here holds. */
function isSilenced({ state, silencedUntil }: Alert, now: number): boolean {
  return state !== 'resolved' && silencedUntil !== null && silencedUntil > now;
}

/** A page that is about no run. It is sent also when what it is about is over: people should know that it was. */
async function performCall(
  { what }: WriteBack,
  call: OriginPage,
  { connection, links }: PerformParts,
): Promise<string | null> {
  if (what === 'unpage') return (await connection.unpage?.(call.key)) ?? null;
  return (await connection.page?.({ ...call, links: [...(await links(null, null))] })) ?? null;
}

/** Passes on a person's press of Acknowledge in a thread; see `pressedIn`. */
async function performPress(writeBack: WriteBack, { connection }: PerformParts): Promise<string | null> {
  const { what, alert, key, text } = writeBack;
  if (alert === null || (alert.state === 'resolved' && !isWritten(writeBack))) return null;
  if (what === 'acknowledge') return (await connection.acknowledge?.(alert)) ?? null;
  return what === 'note' && text !== null ? ((await connection.note?.(alert, { text, marker: key })) ?? null) : null;
}

/** How the run stands now. When it ended meanwhile, that is told behind this. */
async function report(old: WriteBack, run: Run, alert: Alert, parts: PerformParts): Promise<string | null> {
  if (isEnded(run.state) && old.run !== null && !isEnded(old.run.state)) return null;
  const [page] = await parts.links(run, alert);
  const told = page === undefined ? null : reportOf(run, page.url);
  if (told === null) return null;
  return (await parts.connection.report?.(await alertOfRun(run, alert, parts.store), told)) ?? null;
}

/** What became of an alert goes to the ticket that was opened for its episode, and nowhere when none was. */
async function performTicket(
  { what, alert, run, episode, key, text }: WriteBack,
  failures: number,
  parts: PerformParts,
) {
  const { connection } = parts;
  if (alert === null || episode === null) return null;
  const isNewest = alert.episode === episode;
  const ticket = { alert, episode, links: [...(await parts.links(run, alert)), ...alert.links].slice(0, 10) };
  // An attempt before, also of a process that ended, may have opened it, so it is done to its end.
  if (what === 'ticket') {
    const tried = await isTried(key, parts);
    if (!tried && !(isNewest && alert.state !== 'resolved')) return null;
    if (!tried) await keepTried(key, parts);
    const left = tried && failures === 0 ? { mayBeLeft: true as const } : {};
    return (await connection.ticket?.({ ...ticket, ...left })) ?? null;
  }
  const opened = { space: doneSpace, key: `${parts.source}/${ticketKey(alert.id, episode)}` };
  if (!(await parts.store.claimed(opened))) return null;
  // It fires again meanwhile: what is under way is not ended.
  if (what === 'ticket-done')
    return isNewest && alert.state !== 'resolved' ? null : ((await connection.ticketDone?.(ticket)) ?? null);
  const words = run === null ? text : await noteText(run, alert, parts);
  return words === null ? null : ((await connection.ticketNote?.(ticket, { text: words, marker: key })) ?? null);
}

/** Reads the run and the alert again: they may have changed while the origin was down. */
async function refresh(writeBack: WriteBack, parts: PerformParts): Promise<WriteBack> {
  const [run, alert] = await Promise.all([
    writeBack.run === null ? null : parts.store.run(writeBack.run.id),
    writeBack.alert === null ? null : parts.store.alert(writeBack.alert.id),
  ]);
  return { ...writeBack, run, alert };
}

/** Makes the origin call people again. Where it refuses, people are paged instead. */
async function recall(writeBack: WriteBack, run: Run, alert: Alert, parts: PerformParts): Promise<string | null> {
  const { connection } = parts;
  const key = `${parts.source}/${acknowledgedKey(alert.id, run.episode)}`;
  // Only calls that Tocsin stopped are begun again.
  if (alert.state === 'resolved' || !(await parts.store.claimed({ space: doneSpace, key }))) return null;
  try {
    return (await connection.recall?.(alert)) ?? null;
  } catch (error) {
    if (!isCode(error, 'origin-refused') || connection.page === undefined) throw error;
    const paged = await connection.page(await pageOf(writeBack, run, parts));
    return `${paged}, because the incident could not be handed back: ${error.message}`;
  }
}

async function noteText(run: Run, alert: Alert, parts: PerformParts): Promise<string> {
  const links = await parts.links(run, alert);
  const state = run.state === 'asking' ? `${run.title} waits for a person: ${run.because ?? ''}` : endingText(run);
  return [`Tocsin: ${cutText(visible(state), 1000)}`, ...links.map(link => `${link.label}: ${link.url}`)].join('\n');
}

async function pageOf(writeBack: WriteBack, run: Run, parts: PerformParts): Promise<OriginPage> {
  const { alert } = writeBack;
  const state = run.state === 'asking' ? `${run.title} waits for a person` : endingText(run);
  const links = await parts.links(run, alert);
  return {
    // One key for all pages about one run: they are about one thing.
    key: run.id,
    summary: visibleLine(alert === null ? state : `${state} (${alert.title})`),
    severity: run.state === 'unconfirmed' ? 'warning' : (alert?.severity ?? 'error'),
    source: run.targets[0] ?? alert?.labels['instance'] ?? alert?.source ?? 'tocsin',
    component: run.runbook,
    at: writeBack.at,
    details: {
      run: run.id,
      runbook: run.runbook,
      state: run.state,
      ...(run.because === null ? {} : { because: cutText(run.because, 1000) }),
      ...(run.targets.length === 0 ? {} : { targets: cutText(run.targets.join(', '), 1000) }),
      ...(alert === null ? {} : { alert: cutText(alert.title, 500), alert_source: alert.source }),
    },
    links: [...links, ...(alert?.links ?? [])].slice(0, 10),
  };
}

/** `On call for DB on-call: Mina Okafor (mina)`. An account that nobody in tocsin.yaml has is shown too, and cannot approve. */
async function askOnCall({ alert, rota }: WriteBack, parts: PerformParts): Promise<string | null> {
  const found = await parts.connection.onCall?.({
    ...rota,
    alert: alert?.source === parts.source && alert.trusted ? alert : null,
  });
  if (found === undefined || found.of === null) return null;
  const owners = new Map(
    Object.entries(parts.people()).map(([person, { accounts }]) => [accounts[parts.driver], person] as const),
  );
  const names = found.people.map(({ account, name }) => {
    const person = owners.get(account);
    return `${name} (${person ?? `${account} is in nobody's accounts in tocsin.yaml, and cannot approve`})`;
  });
  return `On call for ${found.of}: ${names.length === 0 ? 'nobody' : names.join(', ')}`;
}
