import { streamOf } from '../../../model/journal.ts';
import { isEnded, type Run, type Step } from '../../../model/run.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { Store } from '../../../ports/store.ts';
import { createLines, type Lines } from './lines.ts';

type LogStore = Pick<Store, 'stream' | 'blob' | 'output'>;

/** The log of a step as lines, and why there are none. */
export interface StepLog {
  /** `none`: nothing was printed (yet). `gone`: it printed, and what it printed is stored no more. */
  state: 'live' | 'kept' | 'gone' | 'none';
  lines: Lines;
}

/** The logs of steps that pages show. Keeps those that were read last, so that the pages of a long log do not read all of it each time. */
export interface LogBook {
  read(run: Run, step: Step): Promise<StepLog>;
}

const books = new WeakMap<ChatHost, LogBook>();

/** The book of a console: its pages share what was read. */
export function logBookOf(host: ChatHost): LogBook {
  const known = books.get(host) ?? createLogBook(host.store);
  books.set(host, known);
  return known;
}

interface Entry {
  log: StepLog;
  /** The last chunk that was read. */
  seq: number;
  /** The end of the step up to which it is complete, as it stands in the run; null while more can come. */
  complete: number | null;
  /** Reads of one log take turns. */
  turn: Promise<unknown>;
}

/** Characters and logs that are kept at most, besides the one in use. */
const mostKept = { characters: 32 * 1024 * 1024, logs: 32 };
const batch = 500;

export function createLogBook(store: LogStore): LogBook {
  const entries = new Map<string, Entry>();

  function take(key: string): Entry {
    const known = entries.get(key);
    const entry = known ?? {
      log: { state: 'none' as const, lines: createLines() },
      seq: 0,
      complete: null,
      turn: Promise.resolve(),
    };
    // The newest stands last.
    entries.delete(key);
    entries.set(key, entry);
    return entry;
  }

  function forgetOld(): void {
    let [size, count] = [0, 0];
    for (const [key, entry] of [...entries].reverse()) {
      size += entry.log.lines.size();
      count++;
      if (count > 1 && (size > mostKept.characters || count > mostKept.logs)) entries.delete(key);
    }
  }

  return {
    async read(run, step) {
      const entry = take(`${run.id}/${step.id}`);
      const reading = entry.turn.then(() => bringUpToDate(store, run, step, entry));
      entry.turn = reading.catch(() => {});
      await reading;
      forgetOld();
      return entry.log;
    },
  };
}

async function bringUpToDate(store: LogStore, run: Run, step: Step, entry: Entry): Promise<void> {
  const { log } = entry;
  // A step that a person lets try again has an end, and later another one.
  const end = step.finishedAt ?? (isEnded(run.state) ? run.finishedAt : null);
  if (end !== null && entry.complete === end) return;
  for (;;) {
    const chunks = await store.output({ run: run.id, step: step.id, after: entry.seq, limit: batch });
    for (const chunk of chunks) log.lines.push(chunk.text, chunk.at, chunk.attempt);
    entry.seq = chunks.at(-1)?.seq ?? entry.seq;
    if (chunks.length < batch) break;
  }
  const digest = end === null ? null : await digestOf(store, run.id, step.id);
  const kept = digest === null ? null : await store.blob(digest);
  if (kept !== null) fillIn(log.lines, new TextDecoder().decode(kept), Math.max(step.attempts, 1));
  if (end !== null) log.lines.flush();
  entry.complete = end;
  if (step.state === 'running') log.state = 'live';
  else if (log.lines.count() > 0) log.state = 'kept';
  else log.state = digest === null ? 'none' : 'gone';
}

/** The digest of the stored log, from the last end of the step; null where it printed nothing. */
async function digestOf(store: LogStore, run: string, step: string): Promise<string | null> {
  const facts = (await store.stream(streamOf.run(run))).map(entry => entry.fact);
  const ends = facts.flatMap(fact => (fact.kind === 'step.finished' && fact.step === step ? [fact.log] : []));
  return ends.at(-1) ?? null;
}

/**
 * Puts the stored log of the last attempt in the place of its chunks where these leave something out. Its beginning keeps the times of the
 * chunks that it is the same as; what live output left out has none.
 */
function fillIn(lines: Lines, kept: string, attempt: number): void {
  const live = lines.textOf(attempt);
  if (live.endsWith(kept)) return;
  const timed = [...lines.all()].filter(line => line.attempt === attempt);
  lines.dropFrom(attempt);
  let at = 0;
  for (const line of timed) {
    const text = `${line.text}\n`;
    if (!kept.startsWith(text, at)) break;
    lines.push(text, line.at, attempt);
    at += text.length;
  }
  lines.push(kept.slice(at), null, attempt);
}
