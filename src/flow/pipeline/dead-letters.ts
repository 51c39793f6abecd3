import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { boundText } from '../../model/incoming.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import { type Letter, letterId } from '../../model/letter.ts';
import type { DeadLetters, Retry } from '../../ports/letters.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

/** The most dead letters of one source. What is beyond stays where it is, in the queue of the origin. */
export const mostLetters = 500;

/** For how long a try is one node's, milliseconds: a node that dies in the middle loses it. */
const tryFor = 600_000;

interface Parts {
  store: Store;
  feed: Pick<Feed, 'commit'>;
  clock: Pick<Clock, 'now'>;
  metrics: Pick<Metrics, 'count'>;
}

/** The list of one source. Each change is an entry of the letter's stream, whose length is the letter's version. */
export function createDeadLetters(source: string, parts: Parts, onRetry: DeadLetters['onRetry']): DeadLetters {
  const { store, feed, clock } = parts;
  const actor = { kind: 'source' as const, id: source };

  async function change(next: Letter, fact: Fact): Promise<void> {
    const stream = streamOf.letter(next.id);
    await feed.commit({
      guards: [{ kind: 'stream', stream, version: next.version - 1 }],
      entries: [{ stream, actor, at: next.lastAt, fact }],
      rows: [{ table: 'letter', doc: next }],
    });
  }

  return {
    async put({ key, attempts, ...given }) {
      const id = letterId(source, key);
      const known = await store.letter(id);
      const isOpen = known !== null && (known.state === 'dead' || known.state === 'retrying');
      if (!isOpen && (await store.letters({ source, state: 'dead', limit: mostLetters })).length >= mostLetters)
        return false;
      const at = clock.now();
      const next: Letter = {
        ...{ id, source, state: 'dead', attempts, lastAt: at, firstAt: known?.firstAt ?? at },
        from: boundText(given.from, 1500),
        again: given.again === null || given.again.length > 4000 ? null : given.again,
        code: boundText(given.code, 100),
        because: boundText(given.because, 500),
        version: (known?.version ?? 0) + 1,
      };
      try {
        await change(next, { kind: 'letter.dead', letter: next });
        parts.metrics.count('tocsin_dead_letters_total', { source });
      } catch (error) {
        // Another node put it there at the same time.
        if (!isCode(error, 'guard-failed')) throw error;
      }
      return true;
    },
    async takeRetries() {
      const wanted = await store.letters({ source, state: 'retrying', limit: 100 });
      const taken: Retry[] = [];
      for (const { id, again, attempts, version } of wanted) {
        if (again !== null && (await isOurs(`${id}/${version}`, parts))) taken.push({ id, again, attempts });
      }
      return taken;
    },
    async settle(id) {
      const known = await store.letter(id);
      if (known === null || known.state === 'read') return;
      const next: Letter = { ...known, state: 'read', lastAt: clock.now(), version: known.version + 1 };
      await change(next, { kind: 'letter.settled', letter: id, state: 'read', reason: null });
    },
    onRetry,
  };
}

async function isOurs(key: string, { feed, clock }: Parts): Promise<boolean> {
  try {
    await feed.commit({ guards: [{ kind: 'claim', space: 'letter', key, at: clock.now(), keep: tryFor }] });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed')) return false;
    throw error;
  }
}
