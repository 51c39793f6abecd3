import type { Alert } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { boundText, labelsOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { EmitTools } from '../../ports/emit.ts';
import type { Options } from './options.ts';
import { fingerprintOf, isAfter, type Sighting, type Subject } from './sighting.ts';

/** A problem that is live here. */
export interface Open extends Subject {
  fingerprint: string;
  uid: string;
  count: number;
  last: number;
  written: number;
  /** When it was last told as firing, by our clock, milliseconds. */
  heardAt: number;
  /** The newest event about it, as it was told. */
  told: IncomingAlert;
}

/** What is known of a problem that is over. */
interface Past {
  written: number;
  last: number;
  count: number;
  startsAt: number;
  endedAt: number;
  closed: boolean;
}

/** The live problems of one source, as the store has them, and what is told of them. Nothing in it is remembered elsewhere. */
export interface Tracker {
  /** Reads what is live from the store. */
  load(): Promise<void>;
  open(): Iterable<Open>;
  find(subject: Subject): Open | undefined;
  /** The event that tells a sighting; null when it was told before. */
  fire(sighting: Sighting): Promise<IncomingAlert | null>;
  /** The event that tells an end. `noCure` says why it is none. */
  end(open: Open, facts: { at: number; written?: number; noCure?: string }): IncomingAlert;
}

/** The most problems that are live at one time. What is beyond them is told when it repeats after others ended. */
const mostLive = 10_000;

/** The most ended problems that are kept in memory. */
const mostPast = 5000;

export function createTracker(
  options: Options,
  tools: Pick<EmitTools, 'alertOf' | 'liveAlerts' | 'clock' | 'log'>,
): Tracker {
  const { clock, log } = tools;
  const live = new Map<string, Open>();
  const past = new Map<string, Past>();
  const isFull = createLimit(live, log);

  async function pastOf(fingerprint: string): Promise<Past | null> {
    const known = past.get(fingerprint);
    if (known !== undefined) return known;
    const alert = await tools.alertOf(fingerprint);
    return alert === null ? null : pastOfAlert(alert);
  }

  return {
    async load() {
      live.clear();
      past.clear();
      for await (const alert of tools.liveAlerts()) {
        const found = openOf(alert);
        if (found !== null) live.set(found.fingerprint, found);
      }
    },
    open: () => live.values(),
    find: subject => live.get(fingerprintOf(subject)),
    async fire(sighting) {
      const fingerprint = fingerprintOf(sighting);
      const known = live.get(fingerprint) ?? null;
      const before = known ?? (await pastOf(fingerprint));
      if (before !== null && !isAfter(sighting, before) && sighting.count <= before.count) return null;
      // The count of an Event that is written anew goes on; within one write nothing is older than it was.
      if (before !== null && sighting.written < before.written) return null;
      if (known === null && isFull()) return null;
      const now = clock.now();
      const startsAt = known?.told.startsAt ?? startAfter(before as Past | null, sighting, now);
      const told = firingOf(sighting, {
        fingerprint,
        startsAt,
        severity: options.severities[sighting.reason] ?? sighting.severity,
      });
      past.delete(fingerprint);
      live.set(fingerprint, { ...pick(sighting), fingerprint, heardAt: now, told });
      return told;
    },
    end(open, { at, written, noCure }) {
      const { fingerprint, told } = open;
      live.delete(fingerprint);
      const endsAt = Math.max(told.startsAt, at);
      // A firing that is written later is news, whatever our own clock says.
      const newsAt = Math.max(open.written, written ?? 0);
      past.delete(fingerprint);
      const { last, count } = open;
      past.set(fingerprint, {
        written: newsAt,
        last: Math.max(last, written === undefined ? 0 : at),
        count,
        startsAt: told.startsAt,
        endedAt: endsAt,
        closed: false,
      });
      for (const oldest of past.keys()) {
        if (past.size <= mostPast) break;
        past.delete(oldest);
      }
      return {
        ...told,
        state: 'resolved',
        endsAt,
        occurredAt: endsAt,
        newsAt,
        ...(noCure === undefined ? {} : { noCure }),
      };
    },
  };
}

/** Tells whether there is no place for another one, and logs it once each time that it begins. */
function createLimit(live: ReadonlyMap<string, Open>, log: EmitTools['log']): () => boolean {
  let full = false;
  return () => {
    const before = full;
    full = live.size >= mostLive;
    if (full && !before)
      log.warn({ live: live.size }, 'so much is wrong with the cluster that nothing more is told for now');
    return full;
  };
}

/** When a new stretch began: not before the last one ended, except where an operator closed what goes on. */
function startAfter(before: Past | null, { first, last }: Sighting, now: number): number {
  if (before === null) return startOf(first, now);
  return before.closed ? before.startsAt : Math.max(startOf(last, now), before.endedAt, before.startsAt + 1);
}

function pick(sighting: Sighting): Omit<Open, 'fingerprint' | 'heardAt' | 'told'> {
  const { kind, namespace, name, reason, container, uid, count, last, written } = sighting;
  return { kind, namespace, name, reason, container, uid, count, last, written };
}

/** The longest message of an event that is kept, characters; the API allows 1024. */
const longestMessage = 2000;

function firingOf(
  sighting: Sighting,
  { fingerprint, startsAt, severity }: { fingerprint: string; startsAt: number; severity: IncomingAlert['severity'] },
): IncomingAlert {
  const { kind, namespace, name, reason, container, message, count, last, written, uid, reporter } = sighting;
  const where = namespace === '' ? name : `${namespace}/${name}`;
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint,
    title: titleOf(`${reason}: ${kind} ${where}${container === '' ? '' : ` (${container})`}`),
    severity,
    labels: labelsOf(withoutEmpty({ kind, namespace, name, reason, container })),
    annotations: labelsOf(
      withoutEmpty({
        message: boundText(message, longestMessage),
        count: String(count),
        last: new Date(last).toISOString(),
        uid,
        reporter,
      }),
    ),
    links: [],
    startsAt,
    endsAt: null,
    occurredAt: last,
    newsAt: written,
  };
}

function withoutEmpty(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

/** A live alert of the store as an open problem; null for one that is none (of other options, or of another build). */
function openOf(alert: Alert): Open | null {
  const { kind = '', namespace = '', name = '', reason = '', container = '' } = alert.labels;
  const subject = { kind, namespace, name, reason, container };
  if (fingerprintOf(subject) !== alert.fingerprint) return null;
  const told: IncomingAlert = {
    kind: 'alert',
    state: 'firing',
    fingerprint: alert.fingerprint,
    title: alert.title,
    severity: alert.severity,
    labels: alert.labels,
    annotations: alert.annotations,
    links: alert.links,
    startsAt: alert.startsAt,
    endsAt: null,
    occurredAt: alert.startsAt,
    newsAt: alert.newsAt ?? alert.startsAt,
  };
  const { written, last, count } = pastOfAlert(alert);
  return {
    ...subject,
    fingerprint: alert.fingerprint,
    uid: alert.annotations['uid'] ?? '',
    count,
    last,
    written,
    heardAt: alert.lastFiring,
    told,
  };
}

function pastOfAlert(alert: Alert): Past {
  return {
    written: alert.newsAt ?? 0,
    last: timeOf(alert.annotations['last']) ?? alert.startsAt,
    count: Number(alert.annotations['count'] ?? 1) || 1,
    startsAt: alert.startsAt,
    endedAt: alert.resolvedAt ?? 0,
    closed: alert.end?.how === 'closed',
  };
}
