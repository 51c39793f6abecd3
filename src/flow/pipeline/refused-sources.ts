import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { type ErrorCode, isCode, messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import type { Delivery } from '../../ports/source.ts';
import type { Guard } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';
import { failedGuard } from '../journal/streams.ts';
import type { Watch } from './intake.ts';

/** Why a delivery was refused whose sender proved itself. Nothing in it is the sender's text, because everybody may read it. */
export interface SourceRefusal {
  source: string;
  code: ErrorCode;
  /** The mapping, field, limit or place of the body; null when it is about the delivery as a whole. */
  at: string | null;
  because: string;
}

/** The sources whose proven senders are refused, for /readyz and the console, and for a note in chat. This node's own, in memory. */
export interface RefusedSources {
  /** Returns at once. What is to be said is committed in a later turn of the loop. */
  refused(refusal: SourceRefusal): void;
  accepted(source: string): void;
  /** What keeps a source from taking anything; null once that is over. It is not journalled. */
  trouble(source: string, because: string | null): void;
  /** What is not well, by source. A source is well again with its next accepted delivery, or after an hour without a refusal. */
  troubles(): Record<string, string>;
  /** Resolves when everything that was due is committed. What a failing store did not take is tried once more. Never rejects. */
  settled(): Promise<void>;
}

/** How long a source is not well after its last refusal, and the time between two notes about one field of it, milliseconds. */
const hour = 60 * 60_000;
/** After a note that the store did not take the next try waits, milliseconds. */
const pause = 10_000;
/** The most fields with notes of their own; the rest share one note for each source. */
const mostFields = 200;

interface Note {
  last: SourceRefusal;
  /** Refusals that no note has counted yet. */
  uncounted: number;
  /** No note before this time of the monotonic clock. */
  notBefore: number;
  failed: boolean;
}

export function createRefusedSources(parts: {
  clock: Pick<Clock, 'now' | 'monotonic'>;
  log: Log;
  feed: Pick<Feed, 'commit'>;
}): RefusedSources {
  const { clock } = parts;
  const sources = new Map<string, { count: number; at: number; last: SourceRefusal }>();
  const stuck = new Map<string, string>();
  const notes = new Map<string, Note>();
  const working = new Set<Promise<void>>();

  function noteOf(refusal: SourceRefusal): [string, Note] {
    const own = fieldOf(refusal);
    const key = notes.has(own) || notes.size < mostFields ? own : refusal.source;
    const note = notes.get(key) ?? { last: refusal, uncounted: 0, notBefore: Number.NEGATIVE_INFINITY, failed: false };
    notes.set(key, note);
    return [key, note];
  }

  function tell(key: string, note: Note): void {
    const { last, uncounted } = note;
    note.notBefore = clock.monotonic() + hour;
    const work = nextTurn()
      .then(() => commitNote(key, last, uncounted - 1))
      .then(() => {
        note.uncounted -= uncounted;
        note.failed = false;
      })
      .catch(error => {
        // Another node said it within the hour. Those of this one are counted with its next note.
        if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return;
        note.failed = true;
        note.notBefore = clock.monotonic() + pause;
        parts.log.warn({ source: last.source, because: messageOf(error) }, 'a refusal could not be journalled');
      })
      .finally(() => working.delete(work));
    working.add(work);
  }

  async function commitNote(key: string, { source, code, at, because }: SourceRefusal, more: number): Promise<void> {
    const now = clock.now();
    const claim: Guard = { kind: 'claim', space: 'source-refused', key, at: now, keep: hour };
    const fact: Fact = { kind: 'source.refused', source, code, at, because, more };
    const entry = { stream: streamOf.source(source), actor: { kind: 'source' as const, id: source }, at: now, fact };
    await parts.feed.commit({ guards: [claim], entries: [entry] });
  }

  return {
    refused(refusal) {
      const now = clock.monotonic();
      const known = sources.get(refusal.source);
      sources.set(refusal.source, { count: (known?.count ?? 0) + 1, at: now, last: refusal });
      const [key, note] = noteOf(refusal);
      note.last = refusal;
      note.uncounted += 1;
      if (now >= note.notBefore) tell(key, note);
    },
    accepted: source => void sources.delete(source),
    trouble(source, because) {
      if (because === null) stuck.delete(source);
      else stuck.set(source, because);
    },
    troubles() {
      for (const [source, { at }] of sources) if (clock.monotonic() - at > hour) sources.delete(source);
      const refusals = [...sources].map(([source, { count, last }]) => [source, troubleText(count, last)] as const);
      return Object.fromEntries([...refusals, ...stuck]);
    },
    async settled() {
      await Promise.all(working);
      for (const [key, note] of notes) if (note.failed) tell(key, note);
      await Promise.all(working);
    },
  };
}

/** What receives, so that every accepted delivery makes its source well again. */
export function clearingRefusals<
  T extends { receive(source: string, delivery: Delivery, watch?: Watch): Promise<unknown> },
>(intake: T, refused: Pick<RefusedSources, 'accepted'>): T {
  const receive = async (source: string, delivery: Delivery, watch?: Watch) => {
    const accepted = await intake.receive(source, delivery, watch);
    // A test of our own says nothing about the sender.
    if (watch?.test !== true) refused.accepted(source);
    return accepted;
  };
  return { ...intake, receive };
}

/** One field of all elements of a list: `alerts.3.labels` and `alerts.4.labels` have one note. */
function fieldOf({ source, code, at }: SourceRefusal): string {
  return `${source} ${code} ${(at ?? '').replace(/\d+/g, '#')}`;
}

function troubleText(count: number, { code, at, because }: SourceRefusal): string {
  const what =
    count === 1
      ? 'a delivery of its sender was refused'
      : `${count} deliveries of its sender were refused, the last one`;
  return `${what} with ${code}${at === null ? '' : ` at ${at}`}. ${because}`;
}
