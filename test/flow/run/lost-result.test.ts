import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStreams } from '../../../src/flow/journal/streams.ts';
import { createRunJournal, type Decide, type RunJournal } from '../../../src/flow/run/journal.ts';
import { createRunLease, type RunLease } from '../../../src/flow/run/lease.ts';
import { finishedFact } from '../../../src/flow/run/perform-step.ts';
import { Stopped } from '../../../src/flow/run/step.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createKeyedMutex } from '../../../src/kernel/mutex.ts';
import { foldRun } from '../../../src/model/fold.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Change, Guard } from '../../../src/ports/store.ts';
import { sampleRun } from '../../contracts/samples.ts';
import { createClock } from '../../doubles/clock.ts';

const found: Run = { ...sampleRun(), id: 'run_1', state: 'running', startedAt: 1, steps: [], version: 1 };
const started =
  (step: string, guards: Guard[] = []): Decide =>
  run => ({
    with: { guards },
    facts: [
      {
        kind: 'step.started',
        run: run.id,
        step,
        type: 'exec',
        title: step,
        attempt: 1,
        idempotent: false,
        inputDigest: 'x',
        token: 1,
      },
    ],
  });
const done =
  (step: string): Decide =>
  run => ({ facts: [finishedFact(run.id, step, 1, { state: 'done' })] });
const ended: Decide = run => ({ facts: [{ kind: 'run.finished', run: run.id, state: 'failed', because: null }] });
const halt: Guard[] = [{ kind: 'halt' }];

/** A store in memory that refuses what the test says. */
interface Place {
  run: Run;
  /** The facts of each change that was tried, with `!` in front when it was refused. */
  tried: string[];
  guards: Guard[][];
  changes: Change[];
  /** How often the run was read. */
  reads: number;
  /** The error by which a change is refused; null when it is taken. */
  refuse(facts: string[], change: Change): Error | null;
}

let place: Place;
let lease: RunLease;
let journal: RunJournal;
let again: number;
const clock = createClock();

function factOf({ fact }: NonNullable<Change['entries']>[number]): string {
  return 'step' in fact ? `${fact.kind} ${fact.step}` : fact.kind;
}

function open(acquired = true, withAgain = true) {
  const store = {
    async run() {
      place.reads += 1;
      return place.run;
    },
  } as never;
  const feed = {
    async commit(change: Change) {
      const facts = (change.entries ?? []).map(factOf);
      const problem = place.refuse(facts, change);
      place.tried.push(`${problem === null ? '' : '!'}${facts.join(', ')}`);
      if (problem !== null) throw problem;
      place.guards.push([...(change.guards ?? [])]);
      place.changes.push(change);
      for (const row of change.rows ?? []) if (row.table === 'run') place.run = row.doc;
      return {} as never;
    },
  } as never;
  const keep = {
    store: { renew: async () => true },
    clock,
    log: silentLog,
    lost: () => {},
    each: async () => {},
  };
  lease = createRunLease({ name: 'run/run_1', holder: 'me', token: 1, ttl: 9000 }, acquired, keep);
  journal = createRunJournal(found, lease, {
    streams: createStreams({ store, feed, clock, mutex: createKeyedMutex() }),
    clock,
    ...(withAgain && {
      async again() {
        again += 1;
      },
    }),
  });
}

beforeEach(() => {
  again = 0;
  place = { run: found, tried: [], guards: [], changes: [], reads: 0, refuse: () => null };
  open();
});
afterEach(() => lease.stop());

const diskFull = new Error('the disk is full');
const refuseFacts = (pattern: RegExp, problem: Error) => {
  place.refuse = facts => (facts.some(fact => pattern.test(fact)) ? problem : null);
};
const guardFailed = (at: string) => new TocsinError('guard-failed', { at });

describe('a result that was lost, though the lease is held', () => {
  beforeEach(async () => {
    await journal.append(started('a'));
    place.tried.length = 0;
    refuseFacts(/^step.finished/, diskFull);
  });

  it('is followed by nothing that was decided on the basis of it, in the same moment or later', async () => {
    journal.add(done('a'));
    await expect(journal.append(started('b'))).rejects.toBe(diskFull);
    // Both together, then the result alone; what came with it is not tried again without it.
    expect(place.tried).toEqual(['!step.finished a, step.started b', '!step.finished a']);
    expect(journal.lost()).toBe(diskFull);
    await expect(journal.settled()).rejects.toBe(diskFull);

    await expect(journal.append(started('c'))).rejects.toBe(diskFull);
    journal.add(done('c'));
    await expect(journal.settled()).rejects.toBe(diskFull);
    expect(place.tried).toHaveLength(2);
    expect(journal.run().steps).toMatchObject([{ id: 'a', state: 'running' }]);
    expect(lease.held()).toBe(true);
    expect(lease.refused()).toBe(false);
  });

  it('lets the ending be journalled, alone, and the lease go with it', async () => {
    journal.add(done('a'));
    await expect(journal.settled()).rejects.toBe(diskFull);
    expect(place.tried).toEqual(['!step.finished a']);
    const late = journal.append(started('b'));
    await Promise.all([expect(late).rejects.toBe(diskFull), journal.append(ended, true)]);
    expect(place.tried.slice(1)).toEqual(['run.finished']);
    expect(place.guards.at(-1)).toContainEqual({ kind: 'lease', name: 'run/run_1', token: 1, release: true });
    expect(place.run.state).toBe('failed');
    expect(journal.run()).toEqual(place.run);
    expect(lease.held()).toBe(false);
    expect(journal.lost()).toBe(diskFull);
  });

  it('takes with it what came in the same moment, also what nobody waits for; the ending goes with the next', async () => {
    journal.add(done('a'));
    journal.add(done('b'));
    const all = [journal.append(started('c')), journal.append(ended, true)];
    expect((await Promise.allSettled(all)).map(one => one.status)).toEqual(['rejected', 'rejected']);
    expect(place.tried).toHaveLength(2);
    expect(place.run.state).toBe('running');
    await journal.append(ended, true);
    expect(place.run.state).toBe('failed');
    expect(place.run.steps).toMatchObject([{ id: 'a', state: 'unknown' }]);
  });

  it('takes nothing with it that was decided before it', async () => {
    const before = journal.append(started('b'));
    journal.add(done('a'));
    const after = journal.append(started('c'));
    await before;
    await expect(after).rejects.toBe(diskFull);
    expect(place.tried).toEqual([
      '!step.started b, step.finished a, step.started c',
      'step.started b',
      '!step.finished a',
    ]);
    expect(place.run.steps.map(step => [step.id, step.state])).toEqual([
      ['a', 'running'],
      ['b', 'running'],
    ]);
  });
});

describe('what was refused and somebody waits for it', () => {
  it('is told to them alone: the others are journalled, and the run goes on', async () => {
    refuseFacts(/^step.started b/, diskFull);
    const all = [journal.append(started('a')), journal.append(started('b')), journal.append(started('c'))];
    expect((await Promise.allSettled(all)).map(one => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(journal.lost()).toBeNull();
    await journal.settled();
    await journal.append(done('a'));
    expect(place.run.steps.map(step => [step.id, step.state])).toEqual([
      ['a', 'done'],
      ['c', 'running'],
    ]);
    expect(journal.run()).toEqual(place.run);
  });

  it('by a halt: only what would begin something is held, and each is told the reason', async () => {
    const problem = guardFailed('halt everything');
    place.refuse = (_, change) => (change.guards?.some(guard => guard.kind === 'halt') ? problem : null);
    journal.add(done('z'));
    const all = [journal.append(started('a', halt)), journal.append(done('y')), journal.append(started('b', halt))];
    const settled = await Promise.allSettled(all);
    expect(settled.map(one => one.status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(settled[0]).toMatchObject({ reason: problem });
    expect(settled[2]).toMatchObject({ reason: problem });
    expect(place.tried.at(-1)).toBe('step.finished z, step.finished y');
    await journal.settled();
    expect(journal.lost()).toBeNull();
    expect(journal.run()).toEqual(place.run);
  });

  it('by a halt: what has other guards is not held, and what has the halt among them is', async () => {
    const problem = guardFailed('halt everything');
    const claim = (key: string): Guard => ({ kind: 'claim', space: 's', key, at: 1, keep: null });
    place.refuse = (_, change) => (change.guards?.some(guard => guard.kind === 'halt') ? problem : null);
    journal.add(started('n', halt));
    const settled = await Promise.allSettled([
      journal.append(started('a', [claim('a')])),
      journal.append(started('b', [claim('b'), ...halt])),
      journal.append(() => ({ facts: [], adjust: run => ({ ...run, wakeAt: 5 }), with: {} })),
    ]);
    expect(settled.map(one => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(place.run.steps.map(step => step.id)).toEqual(['a']);
    expect(place.run.wakeAt).toBe(5);
  });

  it('by its own decision, though nobody waits for it: nothing else is lost', async () => {
    let asked = 0;
    journal.add(() => {
      if (++asked > 1) throw new Error('too late');
      return null;
    });
    await journal.append(started('a'));
    await journal.settled();
    expect(place.tried).toEqual(['step.started a']);
  });

  it('by its own decision: the others are journalled in one change', async () => {
    const problem = new Error('not now');
    const all = [
      journal.append(started('a')),
      journal.append(() => {
        if (place.tried.length === 0 && again === 0) throw problem;
        return null;
      }),
      journal.append(started('c')),
    ];
    const settled = await Promise.allSettled(all);
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: problem });
    expect(place.tried).toEqual(['step.started a, step.started c']);
  });
});

describe('a lease that is lost', () => {
  it.each(['lease run/run_1', 'take run/run_1'])('refused by %s: not even an ending follows', async at => {
    await journal.append(started('a'));
    refuseFacts(/./, guardFailed(at));
    journal.add(done('a'));
    const all = [journal.append(started('b')), journal.append(started('c'))];
    for (const one of all) await expect(one).rejects.toMatchObject({ why: 'lease-lost' });
    // It is not tried one by one: none of them may be written.
    expect(place.tried).toHaveLength(2);
    await expect(journal.append(ended, true)).rejects.toMatchObject({ why: 'lease-lost' });
    expect(place.tried).toHaveLength(2);
    expect(journal.lost()).toBeNull();
    await expect(journal.settled()).rejects.toBeInstanceOf(Stopped);
  });

  it('that was to be taken is refused: the session has begun nothing', async () => {
    open(false);
    refuseFacts(/./, guardFailed('take run/run_1'));
    await expect(journal.append(started('a'))).rejects.toMatchObject({ why: 'lease-lost' });
    expect([lease.refused(), lease.held()]).toEqual([true, false]);
    expect(place.tried).toEqual(['!step.started a']);
  });

  it('is another thing than a guard of the addition itself, which is told to whoever added it', async () => {
    const problem = guardFailed('claim step-approval/x');
    refuseFacts(/^step.started b/, problem);
    await expect(journal.append(started('b'))).rejects.toBe(problem);
    expect(lease.refused()).toBe(false);
    await journal.append(started('a'));
  });
});

describe('what leads', () => {
  const begun: Decide = run => ({ facts: [{ kind: 'run.started', run: run.id, token: 1 }] });

  it('is committed once, with the first thing that follows it', async () => {
    journal.lead(begun);
    expect(journal.run().crashes).toBe(1);
    expect(place.tried).toEqual([]);
    await journal.append(started('a'));
    await journal.append(done('a'));
    expect(place.tried).toEqual(['run.started, step.started a', 'step.finished a']);
    expect(place.run.crashes).toBe(0);
  });

  it('is not committed by something that comes to nothing, and stays for what follows', async () => {
    journal.lead(begun);
    await journal.append(() => null);
    expect(place.tried).toEqual([]);
    expect(journal.run().crashes).toBe(1);
    await journal.append(started('a'));
    expect(place.tried).toEqual(['run.started, step.started a']);
  });

  it('refuses with itself all that was to come after it, and then only an ending is journalled, without it', async () => {
    const over = new Stopped('cancelled');
    let gone = false;
    journal.lead(run => {
      if (gone) throw over;
      return begun(run);
    });
    gone = true;
    journal.add(done('z'));
    await expect(journal.append(started('a'))).rejects.toBe(over);
    expect(journal.run()).toEqual(found);
    await expect(journal.append(started('b'))).rejects.toBe(over);
    expect(place.tried).toEqual([]);
    await journal.append(ended, true);
    expect(place.tried).toEqual(['run.finished']);
    expect(place.run.crashes).toBe(0);
  });

  it('is asked again, after the alert was read again, when another writer was first', async () => {
    const seen: number[] = [];
    let first = true;
    place.refuse = () => {
      if (!first) return null;
      first = false;
      place.run = foldRun(found, { kind: 'run.cancelling', run: 'run_1', reason: 'enough' }, 2);
      return guardFailed('stream run/run_1');
    };
    journal.lead(run => {
      seen.push(run.version * 10 + again);
      return begun(run);
    });
    await journal.append(started('a'));
    // Shown, then on what the journal knew, then on what another wrote meanwhile, after reading again.
    expect(seen).toEqual([10, 10, 21]);
    expect(again).toBe(1);
    expect(place.run).toMatchObject({ cancel: { reason: 'enough' }, crashes: 1 });
  });

  it('needs nothing that is read again', async () => {
    open(true, false);
    let first = true;
    place.refuse = () => {
      const problem = first ? guardFailed('stream run/run_1') : null;
      first = false;
      return problem;
    };
    await journal.append(started('a'));
    expect([place.tried, place.reads]).toEqual([['!step.started a', 'step.started a'], 1]);
  });
});

describe('several additions in one change', () => {
  it('are decided on the run as the session knows it: nothing is read while nobody else writes', async () => {
    await Promise.all([journal.append(started('a')), journal.append(done('a'))]);
    await journal.append(started('b'));
    expect([place.reads, again]).toEqual([0, 0]);
    expect(place.guards).toEqual([
      [
        { kind: 'lease', name: 'run/run_1', token: 1, release: false },
        { kind: 'stream', stream: 'run/run_1', version: 1 },
      ],
      [
        { kind: 'lease', name: 'run/run_1', token: 1, release: false },
        { kind: 'stream', stream: 'run/run_1', version: 3 },
      ],
    ]);
  });

  it('give the lease back when one of them is the last', async () => {
    await Promise.all([journal.append(started('a')), journal.append(ended, true)]);
    expect(place.tried).toEqual(['step.started a, run.finished']);
    expect(place.guards[0]?.[0]).toMatchObject({ kind: 'lease', release: true });
    expect(lease.held()).toBe(false);
  });

  it('keep their guards, entries, rows, blobs and adjustments, in order', async () => {
    const cursor = (name: string) => ({ table: 'cursor' as const, name, value: 1 });
    const adjusted =
      (step: string, wakeAt: number): Decide =>
      run => ({
        facts: started(step)(run)?.facts ?? [],
        adjust: after => ({ ...after, wakeAt: (after.wakeAt ?? 0) * 10 + wakeAt }),
        with: {
          guards: [{ kind: 'claim', space: 's', key: step, at: 1, keep: null }],
          rows: [cursor(step)],
          blobs: [{ digest: step, bytes: step }],
          entries: [
            {
              stream: 'halt',
              actor: { kind: 'system', id: 'tocsin' },
              at: 1,
              fact: { kind: 'run.released', run: step, because: '' },
            },
          ],
        },
      });
    await Promise.all([
      journal.append(adjusted('a', 1)),
      journal.append(started('b')),
      journal.append(adjusted('c', 2)),
    ]);
    expect(place.changes).toHaveLength(1);
    const [change] = place.changes;
    expect(change?.entries?.map(factOf)).toEqual([
      'step.started a',
      'step.started b',
      'step.started c',
      'run.released',
      'run.released',
    ]);
    expect(change?.guards).toEqual([
      { kind: 'lease', name: 'run/run_1', token: 1, release: false },
      { kind: 'stream', stream: 'run/run_1', version: 1 },
      { kind: 'claim', space: 's', key: 'a', at: 1, keep: null },
      { kind: 'claim', space: 's', key: 'c', at: 1, keep: null },
    ]);
    expect(change?.rows?.slice(1)).toEqual([cursor('a'), cursor('c')]);
    expect(change?.blobs?.map(blob => blob.digest)).toEqual(['a', 'c']);
    expect(place.run.wakeAt).toBe(12);
  });

  it('are durable when they are settled, also what nobody waited for', async () => {
    journal.add(done('a'));
    await journal.settled();
    expect(place.tried).toEqual(['step.finished a']);
  });

  it('are not held back by an addition that nobody waits for: it is committed with what follows, or by itself', async () => {
    const committed = Promise.withResolvers<void>();
    place.refuse = () => {
      committed.resolve();
      return null;
    };
    journal.add(done('a'));
    expect(place.tried).toEqual([]);
    expect(journal.run().steps).toMatchObject([{ id: 'a', state: 'done' }]);
    await committed.promise;
    await journal.settled();
    expect(place.tried).toEqual(['step.finished a']);
  });
});
