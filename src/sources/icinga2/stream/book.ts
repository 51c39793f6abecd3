import type { Alert } from '../../../model/alert.ts';
import { markWith } from '../../webhook/mark.ts';
import type { Desk } from './desk.ts';
import { nameOf, type Subject } from './objects.ts';

/** What is told of hosts and services, held against the alerts that are known: nothing is told that is known already. */
export interface Book {
  state(seen: Seen): Promise<void>;
  acknowledge(subject: Subject, given: Acknowledgement): Promise<void>;
  unacknowledge(subject: Subject, at: number): Promise<void>;
  /** Whether this process knows of an acknowledgement. */
  isAcknowledged(subject: Subject): boolean;
  /** Words for the thread of an alert that is live; there is no thread for any other. */
  say(subject: Subject, type: string, said: { author: string; comment: string; at: number }): Promise<void>;
}

export interface Acknowledgement {
  author: string;
  text: string;
  /** Milliseconds, by the clock of Icinga. */
  at: number;
  isListed: boolean;
}

/** A state of a host or service. */
export interface Seen extends Subject {
  /** 0 is well. Of a host 1 is down. */
  state: number;
  output: string;
  /** Milliseconds, by the clock of Icinga. */
  at: number;
  /** Icinga notifies nobody of it. */
  isQuiet: boolean;
  isListed: boolean;
}

const words = { host: ['UP', 'DOWN'], service: ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] };

/** `password` makes the mark of Tocsin's own words. `tellsWords` is false where notifications bring them: they must not be said twice. */
export function createBook({
  desk,
  password,
  tellsWords,
}: {
  desk: Desk;
  password: string;
  tellsWords: boolean;
}): Book {
  const mark = markWith(password);
  // Who acknowledged what, as far as this process knows: Icinga tells of an end without saying of whose.
  const acknowledged = new Map<string, 'ours' | 'theirs'>();
  return {
    isAcknowledged: subject => acknowledged.has(nameOf(subject)),
    async state(seen) {
      const known = await desk.known(seen);
      const live = isLive(known) ? known : null;
      const { host, service, output, at } = seen;
      const word = words[service === '' ? 'host' : 'service'][seen.state] ?? 'UNKNOWN';
      const told = { host, service, state: word, output, at };
      if (seen.state === 0) {
        acknowledged.delete(nameOf(seen));
        if (live !== null) await desk.tell({ ...told, type: 'RECOVERY' }, 'alert');
        return;
      }
      // An alert of which only an acknowledgement is known counts nothing yet.
      const open = live !== null && live.count > 0 ? live : null;
      if (open !== null ? open.labels['state'] === word : isNotTold(known, seen)) return;
      await desk.tell({ ...told, type: 'PROBLEM', since: open?.startsAt ?? at }, 'alert');
    },
    async acknowledge(subject, { author, text, at, isListed }) {
      const isOwn = mark.isOwn(text);
      acknowledged.set(nameOf(subject), isOwn ? 'ours' : 'theirs');
      const known = await desk.known(subject);
      if (isOwn || !isLive(known) || (known.acknowledgedBy !== null && (isListed || !tellsWords))) return;
      const told = { ...subject, type: 'ACKNOWLEDGEMENT', author, comment: text, at };
      await desk.tell(told, tellsWords ? undefined : 'alert');
    },
    async unacknowledge(subject, at) {
      const before = acknowledged.get(nameOf(subject));
      acknowledged.delete(nameOf(subject));
      const known = await desk.known(subject);
      if (before === 'ours' || !isLive(known) || known.acknowledgedBy === null) return;
      await desk.tell({ ...subject, type: 'unacknowledged', at }, 'alert');
    },
    async say(subject, type, said) {
      if (tellsWords && isLive(await desk.known(subject))) await desk.tell({ ...subject, type, ...said }, 'notice');
    },
  };
}

function isLive(known: Alert | null): known is Alert {
  return known !== null && known.state !== 'resolved';
}

function isNotTold(known: Alert | null, { isQuiet, isListed, at }: Seen): boolean {
  return isQuiet || (isListed && !isLive(known) && isOver(known, at));
}

/**
 * True when the list shows a problem that is known to have ended since: an event overtook the list, or an operator closed the alert. A
 * notification has whole seconds, so what an operator closed is compared by those.
 */
function isOver(known: Alert | null, at: number): boolean {
  if (known === null) return false;
  const newest = known.newsAt ?? known.resolvedAt ?? 0;
  if (known.end?.how !== 'closed') return at <= newest;
  return Math.floor(at / 1000) <= Math.floor(Math.max(newest, known.startsAt) / 1000);
}
