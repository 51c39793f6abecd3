import type { Alert } from '../../../model/alert.ts';
import type { Request } from '../api.ts';
import { type Book, createBook } from './book.ts';
import type { Desk } from './desk.ts';
import { type Listed, listProblems, nameOf, readAcknowledgement, readObject, type Subject } from './objects.ts';
import type { StreamEvent } from './shapes.ts';

/** What is made of the stream, and of the list that makes up for what was not heard. */
export interface Follower {
  /** Resolves to true when only a list tells what became of it: a downtime that is over may uncover a problem. */
  hear(event: StreamEvent): Promise<boolean>;
  /** Compares what is live here with what Icinga lists: what is new fires, what is well or gone ends. */
  compare(): Promise<void>;
}

interface Parts {
  password: string;
  tellsWords: boolean;
  desk: Desk;
  request: Request;
  live(): AsyncIterable<Alert>;
}

/** One custom notification is an event for each Notification object of the host or service; they come together. Milliseconds. */
const together = 5000;

export function createFollower({ request, live, ...parts }: Parts): Follower {
  const book = createBook(parts);
  return { hear: createEar(book), compare: () => compare({ book, desk: parts.desk, request, live }) };
}

function createEar(book: Book): Follower['hear'] {
  let custom = { text: '', at: 0 };
  return async event => {
    const { host, service, timestamp: at, author, downtime } = event;
    const subject = { host, service };
    switch (event.type) {
      case 'StateChange': {
        const seen = event.state ?? 0;
        // A state that is SOFT may pass by itself. What is well is well at once.
        if (seen !== 0 && event.state_type !== 1) return false;
        const { check_result: result } = event;
        const isQuiet = (event.downtime_depth ?? 0) > 0 || result?.vars_after?.reachable === false;
        await book.state({ ...subject, state: seen, output: result?.output ?? '', at, isQuiet, isListed: false });
        return false;
      }
      case 'AcknowledgementSet':
        await book.acknowledge(subject, { author, text: event.comment, at, isListed: false });
        return false;
      case 'AcknowledgementCleared':
        await book.unacknowledge(subject, at);
        return false;
      case 'Flapping': {
        const type = event.is_flapping === true ? 'FLAPPINGSTART' : 'FLAPPINGEND';
        await book.say(subject, type, { author: '', comment: '', at });
        return false;
      }
      case 'Notification': {
        if (event.notification_type.toUpperCase() !== 'CUSTOM') return false;
        const text = JSON.stringify([host, service, author, event.text]);
        if (custom.text === text && at - custom.at < together) return false;
        custom = { text, at };
        await book.say(subject, 'CUSTOM', { author, comment: event.text, at });
        return false;
      }
      case 'DowntimeStarted':
      case 'DowntimeRemoved': {
        if (downtime == null) return false;
        const isStart = event.type === 'DowntimeStarted';
        const said = { author: downtime.author, comment: downtime.comment, at };
        await book.say(
          { host: downtime.host_name, service: downtime.service_name },
          isStart ? 'DOWNTIMESTART' : 'DOWNTIMEEND',
          said,
        );
        return !isStart;
      }
      default:
        return false;
    }
  };
}

type Comparing = Pick<Parts, 'desk' | 'request' | 'live'> & { book: Book };

async function compare(parts: Comparing): Promise<void> {
  const { book, live, request } = parts;
  const problems = new Map((await listProblems(request)).map(one => [nameOf(one), one]));
  for (const found of problems.values()) {
    await book.state({ ...found, at: found.hardAt, isListed: true });
    await compareAcknowledgement(found, parts);
  }
  const missing: (Subject & { newsAt: number })[] = [];
  for await (const { labels, newsAt, startsAt } of live()) {
    const subject = { host: labels['host'] ?? '', service: labels['service'] ?? '' };
    if (subject.host !== '' && !problems.has(nameOf(subject)))
      missing.push({ ...subject, newsAt: Math.max(newsAt ?? 0, startsAt) });
  }
  for (const subject of missing) await compareMissing(subject, parts);
}

async function compareAcknowledgement(found: Listed, { book, desk, request }: Comparing): Promise<void> {
  if (found.isAcknowledged === book.isAcknowledged(found)) return;
  const known = await desk.known(found);
  if (known === null || known.state === 'resolved') return;
  const subject = { host: found.host, service: found.service };
  const at = Math.max(found.hardAt, known.newsAt ?? 0);
  if (!found.isAcknowledged) return book.unacknowledge(subject, at);
  await book.acknowledge(subject, { ...(await readAcknowledgement(subject, request)), at, isListed: true });
}

/** What is live here and no problem there. A state that is SOFT is not decided yet. */
async function compareMissing(
  { newsAt, ...subject }: Subject & { newsAt: number },
  { book, desk, request }: Comparing,
): Promise<void> {
  const found = await readObject(subject, request);
  const noCure = 'it is no longer in the configuration of Icinga, which is no cure';
  if (found === null) await desk.tell({ ...subject, type: 'RECOVERY', at: newsAt, noCure }, 'alert');
  else if (found.state === 0) await book.state({ ...found, at: Math.max(found.changedAt, newsAt), isListed: true });
  else if (found.isHard) await book.state({ ...found, at: found.hardAt, isListed: true });
}
