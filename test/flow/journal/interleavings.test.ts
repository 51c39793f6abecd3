import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Entry, FactKind, NewEntry } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';

const kinds = ['halt.set', 'halt.cleared'] as const;
/** An entry with a text that takes this many characters. */
const entry = (kind: FactKind, size: number): NewEntry => {
  const fact = kind === 'halt.set' ? { kind, reason: 'x'.repeat(size) } : { kind };
  return { stream: 'system', actor: { kind: 'system', id: 'test' }, at: 1, fact } as NewEntry;
};

/** A journal in an array. What is committed is there at once; the promise of an own commit resolves when a gate is opened. */
function openJournal() {
  const entries: Entry[] = [];
  const gates: (() => void)[] = [];
  const state = { refusals: 0 };
  let tell: (news: { seq: number; first?: number; kinds?: readonly string[] }) => void = () => {};
  /** What others appended and was not told yet. */
  const untold: { seq: number; first: number; kinds: string[] }[] = [];
  const append = (given: readonly NewEntry[]): Entry[] => {
    const made = given.map((one, index) => {
      const bytes = JSON.stringify(one.fact);
      return { ...one, seq: entries.length + 1 + index, version: 1, bytes, prev: '', hash: '' };
    });
    entries.push(...made);
    return made;
  };
  const store = {
    async commit(change: { entries?: readonly NewEntry[] }) {
      const made = append(change.entries ?? []);
      await new Promise<void>(resolve => gates.push(resolve));
      return { entries: made };
    },
    async journal({ after, limit, kinds: wanted }: { after: number; limit: number; kinds?: readonly FactKind[] }) {
      if (state.refusals > 0) {
        state.refusals -= 1;
        throw new Error('not now');
      }
      const found: Entry[] = [];
      for (const one of entries.slice(after)) {
        if (found.length === limit) break;
        if (wanted?.includes(one.fact.kind) !== false) found.push(one);
      }
      // What is read was true at one moment, and arrives later.
      await new Promise(resolve => setImmediate(resolve));
      return found;
    },
    onAppend(listener: typeof tell) {
      tell = listener;
      return () => {};
    },
  };
  return {
    store: store as unknown as Store,
    entries,
    gates,
    state,
    /** Another process appends. */
    append(given: readonly NewEntry[]) {
      const made = append(given);
      untold.push({ seq: entries.length, first: made[0]?.seq ?? 0, kinds: made.map(one => one.fact.kind) });
    },
    /** Told in the order of the commits. */
    tellNext() {
      const next = untold.shift();
      if (next !== undefined) tell(next);
    },
    announce: (seq: number) => tell({ seq }),
  };
}

const size = fc.constantFrom(1, 1, 1, 400_000);
const count = fc.constantFrom(1, 1, 2, 5, 700);
const kind = fc.constantFrom(...kinds);
const follower = fc.record({
  kinds: fc.constantFrom<readonly FactKind[] | undefined>(undefined, ['halt.set'], ['halt.cleared']),
  batch: fc.constantFrom(1, 3, 64, 1000),
  /** How many entries it begins behind the newest. */
  behind: fc.constantFrom(0, 1, 10_000),
  failures: fc.nat(3),
  turns: fc.nat(2),
});
const step = fc.oneof(
  fc.record({ do: fc.constantFrom('commit', 'append'), kind, count, size }),
  fc.record({ do: fc.constant('tell' as const) }),
  fc.record({ do: fc.constant('announce' as const), back: fc.nat(3) }),
  fc.record({ do: fc.constant('open' as const), gate: fc.nat(5) }),
  fc.record({ do: fc.constant('refuse' as const), count: fc.nat(3) }),
  fc.record({ do: fc.constant('turn' as const), turns: fc.nat(4) }),
  fc.record({ do: fc.constant('follow' as const), follower }),
  fc.record({ do: fc.constant('stop' as const), which: fc.nat(3) }),
);

const turn = async (times: number) => {
  for (let i = 0; i < times; i++) await new Promise(resolve => setImmediate(resolve));
};

test('every follower handles each entry of its kinds once and in order, however all of it interleaves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(follower, { minLength: 1, maxLength: 3 }), fc.array(step, { maxLength: 40 }), run),
    { numRuns: 150 },
  );
});

type Follower = typeof follower extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function run(first: readonly Follower[], steps: readonly Step[]): Promise<void> {
  const journal = openJournal();
  const feed = createFeed({ store: journal.store, log: silentLog, sleep: () => turn(1) });
  const followed: { given: Follower; after: number; seen: number[]; following: ReturnType<typeof feed.follow> }[] = [];
  const commits: Promise<unknown>[] = [];

  function follow(given: Follower) {
    const after = Math.max(0, journal.entries.length - given.behind);
    const seen: number[] = [];
    let failures = given.failures;
    const following = feed.follow({
      name: 'test',
      after,
      batch: given.batch,
      ...(given.kinds === undefined ? {} : { kinds: given.kinds }),
      async handle(entries) {
        await turn(given.turns);
        if (failures-- > 0) throw new Error('again');
        seen.push(...entries.map(one => one.seq));
      },
    });
    followed.push({ given, after, seen, following });
  }

  const act = async (one: Step) => {
    switch (one.do) {
      case 'commit':
        return void commits.push(feed.commit({ entries: Array(one.count).fill(entry(one.kind, one.size)) }));
      case 'append':
        return void journal.append(Array(one.count).fill(entry(one.kind, one.size)));
      case 'tell':
        return journal.tellNext();
      case 'announce':
        return journal.announce(Math.max(0, journal.entries.length - one.back));
      case 'open':
        return journal.gates.splice(one.gate % Math.max(1, journal.gates.length), 1)[0]?.();
      case 'refuse':
        journal.state.refusals += one.count;
        return;
      case 'turn':
        return await turn(one.turns);
      case 'follow':
        return follow(one.follower);
      case 'stop':
        return await followed.splice(one.which, 1)[0]?.following.stop();
    }
  };

  for (const one of first) follow(one);
  for (const one of steps) await act(one);
  for (const open of journal.gates.splice(0).reverse()) open();
  await Promise.all(commits);
  journal.announce(journal.entries.length);
  await Promise.all(followed.map(({ following }) => following.caughtUp()));
  await feed.close();
  for (const { given, after, seen } of followed) {
    const wanted = journal.entries.filter(one => one.seq > after && given.kinds?.includes(one.fact.kind) !== false);
    expect(seen).toEqual(wanted.map(one => one.seq));
  }
}
