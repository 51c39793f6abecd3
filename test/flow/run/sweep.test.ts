import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStreams } from '../../../src/flow/journal/streams.ts';
import {
  type RecoverParts,
  recoverAll,
  type Sweeper,
  startSweeper,
  voidEdited,
} from '../../../src/flow/run/recover.ts';
import { sha256 } from '../../../src/kernel/canonical.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createKeyedMutex } from '../../../src/kernel/mutex.ts';
import type { Approval } from '../../../src/model/approval.ts';
import { newStep } from '../../../src/model/fold.ts';
import { planBytes, planHash } from '../../../src/model/plan.ts';
import type { Run, RunState, Step } from '../../../src/model/run.ts';
import type { Change } from '../../../src/ports/store.ts';
import { sampleApproval, sampleRun } from '../../contracts/samples.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

let clock: HandClock;
let runs: Run[];
let approvals: Approval[];
let blobs: Map<string, Uint8Array>;
let bells: { run: string; at?: number; first?: boolean }[];
let facts: string[];
let logged: unknown[];
let reads: unknown[];
let runbooks: Map<string, { files: Map<string, Uint8Array> }>;
/** Thrown by the next read of approvals. */
let broken: Error | null;

function createParts(): RecoverParts {
  interface Query {
    states?: RunState[];
    due?: number;
    after?: string;
    limit?: number;
  }
  const store = {
    run: async (id: string) => runs.find(run => run.id === id) ?? null,
    approval: async (id: string) => approvals.find(one => one.id === id) ?? null,
    blob: async (digest: string) => blobs.get(digest) ?? null,
    /** As the stores do: in the order of ids, those behind `after`. */
    async runs({ states, due, after, limit = 100 }: Query) {
      reads.push({ states, due, after, limit });
      return runs
        .filter(run => states === undefined || states.includes(run.state))
        .filter(run => due === undefined || (run.state === 'queued' ? true : run.wakeAt !== null && run.wakeAt <= due))
        .filter(run => after === undefined || run.id > after)
        .slice(0, limit);
    },
    async approvals({ expiredBy, state, after, limit = 100 }: { expiredBy?: number; state?: string } & Query) {
      if (broken !== null) {
        const error = broken;
        broken = null;
        throw error;
      }
      return approvals
        .filter(one => state === undefined || one.state === state)
        .filter(one => expiredBy === undefined || one.expiresAt <= expiredBy)
        .filter(one => after === undefined || one.id > after)
        .slice(0, limit);
    },
    // Nobody asked at a gate.
    documents: async () => [],
  };
  const feed = {
    async commit(change: Change) {
      for (const { fact } of change.entries ?? []) facts.push(fact.kind);
      for (const row of change.rows ?? []) {
        if (row.table === 'run') runs = runs.map(run => (run.id === row.doc.id ? row.doc : run));
        if (row.table === 'approval') approvals = approvals.map(one => (one.id === row.doc.id ? row.doc : one));
      }
      return {} as never;
    },
  };
  const write = (level: string) => (given: object, message: string) => void logged.push([level, message, given]);
  const parts = {
    store,
    feed,
    clock,
    log: { ...silentLog, warn: write('warn'), error: write('error') },
    dispatcher: { wake: async (bell: (typeof bells)[number]) => void bells.push(bell) },
    catalogue: { current: () => ({ runbooks }) },
    metrics: { count: () => {} },
  } as unknown as RecoverParts;
  return { ...parts, streams: createStreams({ ...parts, mutex: createKeyedMutex() }) };
}

const at = (ms: number) => clock.now() + ms;
const one = (id: string, over: Partial<Run>): Run => sampleRun({ id, startedAt: 1, ...over });
const waits = (id: string, step: Partial<Step>, over: Partial<Run> = {}): Run =>
  one(id, { state: 'waiting', steps: [newStep('a', { state: 'waiting', ...step })], ...over });
const on = (what: 'approval' | 'run' | 'timer' | 'resolve', id: string | null) => ({
  waiting: { for: what, wakeAt: null, on: id, since: 1 },
});
const rung = () => bells.map(bell => bell.run);

beforeEach(() => {
  clock = createClock();
  [runs, approvals, bells, facts, logged, reads] = [[], [], [], [], [], []];
  blobs = new Map();
  runbooks = new Map();
  broken = null;
});

describe('the sweeper', () => {
  let sweeper: Sweeper;
  afterEach(() => sweeper.stop());

  it('makes a round every four seconds, until it is stopped', async () => {
    runs = [one('r1', { state: 'queued' })];
    sweeper = startSweeper(createParts());
    expect(bells).toEqual([]);
    await clock.advance(3999);
    expect(bells).toEqual([]);
    await clock.advance(1);
    expect(bells).toEqual([{ run: 'r1' }]);
    await clock.advance(8000);
    expect(bells).toHaveLength(3);
    await sweeper.stop();
    await clock.advance(60_000);
    expect([bells.length, clock.sleepers()]).toEqual([3, 0]);
    expect(logged).toEqual([]);
  });

  it('goes on after a round that failed, and says why once until one is well again', async () => {
    runs = [one('r1', { state: 'queued' })];
    sweeper = startSweeper(createParts());
    const down = () => new TocsinError('store-failed', { message: 'the disk is full' });
    const fail = async (error: Error | null) => {
      broken = error;
      await clock.advance(4000);
    };
    await fail(down());
    await fail(down());
    expect([logged.length, bells.length]).toEqual([1, 0]);
    expect(logged[0]).toMatchObject(['warn', 'the sweeper failed and will try again', {}]);
    await fail(null);
    expect(bells).toHaveLength(1);
    await fail(down());
    expect(logged).toHaveLength(2);
  });
});

describe('one round', () => {
  let sweeper: Sweeper;
  const sweep = async () => {
    sweeper = startSweeper(createParts());
    await sweeper.sweep();
    await sweeper.stop();
  };

  it('rings for every run that a worker could go on with: queued, due, or left by a dead worker', async () => {
    runs = [
      one('asking', { state: 'asking' }),
      one('due', { state: 'waiting', wakeAt: at(0) }),
      one('later', { state: 'waiting', wakeAt: at(1) }),
      one('over', { state: 'failed' }),
      one('queued', { state: 'queued' }),
      one('running', { state: 'running', wakeAt: null }),
      one('waits', { state: 'waiting', wakeAt: null }),
    ];
    await sweep();
    expect(rung()).toEqual(['due', 'queued', 'running']);
  });

  it('rings for what was missed: a wait for an approval or a run that is over, and a step that nobody knows of', async () => {
    approvals = [sampleApproval({ id: 'open', state: 'open' }), sampleApproval({ id: 'given', state: 'approved' })];
    const state = (id: string, it: RunState) => one(id, { state: it });
    runs = [
      state('ended', 'succeeded'),
      state('live', 'asking'),
      waits('w1', on('approval', 'open')),
      waits('w2', on('approval', 'given')),
      waits('w3', on('approval', 'none')),
      waits('w4', on('run', 'live')),
      waits('w5', on('run', 'ended')),
      waits('w6', on('run', 'none')),
      waits('w7', on('timer', null)),
      waits('w8', { state: 'unknown', ...on('timer', null) }),
      waits('w9', { state: 'done', ...on('run', 'ended') }),
      waits('wa', { waiting: null }),
      // What else may stand in `on` is none of it: it is looked up as what it is for.
      waits('wb', on('resolve', 'ended')),
      waits('wc', on('run', 'given')),
      one('wd', {
        state: 'waiting',
        steps: [newStep('a', { state: 'waiting', ...on('run', 'live') }), newStep('b', { state: 'unknown' })],
      }),
      one('we', {
        state: 'waiting',
        steps: [
          newStep('a', { state: 'waiting', ...on('timer', null) }),
          newStep('b', { state: 'waiting', ...on('approval', 'given') }),
        ],
      }),
    ];
    await sweep();
    expect(rung()).toEqual(['w2', 'w3', 'w5', 'w8', 'wd', 'we']);
  });

  it('goes through a thousand waiting runs, and the next round goes on after them, then from the beginning', async () => {
    const id = (n: number) => `r${String(n).padStart(5, '0')}`;
    runs = Array.from({ length: 2500 }, (_, n) => waits(id(n), on('timer', null)));
    runs.push(one('zz', { state: 'failed' }));
    const parts = createParts();
    const all = startSweeper(parts);
    const cursors = () =>
      (reads as { states?: string[]; due?: number; after?: string; limit?: number }[])
        .filter(read => read.limit === 1000)
        .map(read => read.after);
    for (let round = 0; round < 5; round++) await all.sweep();
    expect(cursors()).toEqual([undefined, id(999), id(1999), undefined, id(999)]);
    await all.stop();
  });

  it('applies an approval that was closed when the process ended before its run was released', async () => {
    approvals = [
      sampleApproval({ id: 'a1', run: 'r1', state: 'approved', because: 'two of two' }),
      sampleApproval({ id: 'a2', run: 'r2', state: 'denied' }),
      sampleApproval({ id: 'a3', run: 'r3', state: 'open' }),
    ];
    const asked = (id: string, approval: string | null) => one(id, { state: 'waiting', startedAt: null, approval });
    runs = [asked('r1', 'a1'), asked('r2', 'a2'), asked('r3', 'a3'), asked('r4', null), asked('r5', 'none')];
    await sweep();
    expect(runs.map(run => run.state)).toEqual(['queued', 'denied', 'waiting', 'waiting', 'waiting']);
    expect(bells).toEqual([{ run: 'r1', first: true }]);
    // Nothing is left to do in the next round but to ring for it.
    await sweep();
    expect(facts).toEqual(['run.released', 'run.finished']);
  });

  it('expires what nobody decided in time: denied without a next group, and asked of that group once', async () => {
    const escalate = { by: ['sre'], quorum: 1, expires: 60_000, escalate: 'leads', reasonRequired: false };
    approvals = [
      sampleApproval({ id: 'a1', run: 'r1', expiresAt: at(0) }),
      sampleApproval({ id: 'a2', run: 'r2', expiresAt: at(1) }),
      sampleApproval({ id: 'a3', run: 'r3', expiresAt: at(-1), ask: escalate }),
      sampleApproval({ id: 'a4', run: 'r4', expiresAt: at(-1), ask: escalate, escalated: true }),
      sampleApproval({ id: 'a5', run: 'r5', expiresAt: at(-1), state: 'void' }),
    ];
    runs = approvals.map(approval =>
      one(approval.run ?? '', { state: 'waiting', startedAt: null, approval: approval.id }),
    );
    // That of a void approval is applied too: it was not before.
    const stop = clock.now();
    await sweep();
    expect(approvals.map(approval => [approval.state, approval.expiresAt])).toEqual([
      ['expired', stop],
      ['open', stop + 1],
      ['open', stop + 60_000],
      ['expired', stop - 1],
      ['void', stop - 1],
    ]);
    expect(approvals[0]?.because).toBe('nobody decided in time');
    expect(approvals[2]).toMatchObject({ escalated: true, ask: { by: ['leads'], escalate: null } });
    expect(runs.map(run => run.state)).toEqual(['expired', 'waiting', 'waiting', 'expired', 'cancelled']);
    await clock.advance(60_000);
    await sweep();
    expect(approvals[2]).toMatchObject({ state: 'expired', escalated: true });
    expect(runs[2]).toMatchObject({ state: 'expired', because: 'nobody decided in time' });
    expect(facts.filter(kind => kind === 'approval.escalated')).toHaveLength(1);
  });

  it('escalates nothing that was decided, or escalated, since it was read', async () => {
    const ask = { by: ['sre'], quorum: 1, expires: 60_000, escalate: 'leads', reasonRequired: false };
    for (const over of [{ state: 'approved' }, { escalated: true, expiresAt: at(5) }] as Partial<Approval>[]) {
      const old = sampleApproval({ id: 'a1', run: 'r1', expiresAt: at(-1), ask });
      approvals = [{ ...old, ...over }];
      const parts = createParts();
      parts.store.approvals = async query => ('expiredBy' in query ? [old] : []);
      const round = startSweeper(parts);
      await round.sweep();
      await round.stop();
      expect(facts).toEqual([]);
      expect(approvals).toEqual([{ ...old, ...over }]);
    }
  });
});

describe('a start', () => {
  it('sets a timer for each wait that has a time, and makes one round', async () => {
    runs = [
      one('due', { state: 'waiting', wakeAt: at(-5) }),
      one('later', { state: 'waiting', wakeAt: at(5000) }),
      one('never', { state: 'waiting', wakeAt: null }),
      one('queued', { state: 'queued' }),
      one('running', { state: 'running', wakeAt: at(9) }),
    ];
    await recoverAll(createParts());
    expect(bells).toEqual([
      { run: 'due', at: at(-5) },
      { run: 'later', at: at(5000) },
      { run: 'due' },
      { run: 'queued' },
      { run: 'running' },
    ]);
  });

  it('sets the timers of all of them, however many there are', async () => {
    runs = Array.from({ length: 1100 }, (_, n) =>
      one(`r${String(n).padStart(5, '0')}`, { state: 'waiting', wakeAt: at(n + 1) }),
    );
    await recoverAll(createParts());
    expect(bells.filter(bell => bell.at !== undefined)).toHaveLength(1100);
  });
});

describe('an edited runbook', () => {
  const text = (word: string) => new TextEncoder().encode(`exec: [echo, ${word}]`);
  function ask(id: string, runbook: string, bytes: Uint8Array, over: Partial<Approval> = {}) {
    const plan = {
      runbook,
      files: { [`${runbook}.yaml`]: sha256(bytes) },
      entry: `${runbook}.yaml`,
      params: { id },
      targets: [],
      secrets: [],
    };
    const hash = planHash(plan);
    blobs.set(hash, new TextEncoder().encode(planBytes(plan)));
    approvals.push(sampleApproval({ id, run: `run-${id}`, runbook, planHash: hash, ...over }));
    runs.push(one(`run-${id}`, { state: 'waiting', startedAt: null, approval: id, planHash: hash }));
  }
  const states = () => Object.fromEntries(approvals.map(approval => [approval.id, approval.state]));

  it('voids what is open for its older text, and nothing else', async () => {
    runbooks.set('fix', { files: new Map([['fix.yaml', text('new')]]) });
    runbooks.set('more', {
      files: new Map([
        ['more.yaml', text('same')],
        ['lib.ts', text('lib')],
      ]),
    });
    ask('a1', 'fix', text('old'));
    ask('a2', 'fix', text('new'));
    ask('a3', 'gone', text('any'));
    ask('a4', 'fix', text('old'), { state: 'denied' });
    ask('a5', 'fix', text('old'), { step: 'confirm' });
    ask('a6', 'more', text('same'));
    ask('a7', 'fix', text('old'));
    blobs.delete(approvals[6]?.planHash ?? '');
    await voidEdited(createParts());
    expect(states()).toEqual({
      a1: 'void',
      a2: 'open',
      a3: 'void',
      a4: 'denied',
      a5: 'open',
      a6: 'void',
      a7: 'void',
    });
    expect(approvals[0]?.because).toBe('the runbook was edited after this was asked; ask again');
    expect(runs.map(run => run.state)).toEqual([
      'cancelled',
      'waiting',
      'cancelled',
      'waiting',
      'waiting',
      'cancelled',
      'cancelled',
    ]);
  });

  it('voids all of them, however many there are', async () => {
    runbooks.set('fix', { files: new Map([['fix.yaml', text('new')]]) });
    for (let n = 0; n < 520; n++) ask(`a${String(n).padStart(4, '0')}`, 'fix', text('old'));
    // The store answers from what is still open; one that is void is not in the next page.
    await voidEdited(createParts());
    expect(new Set(Object.values(states()))).toEqual(new Set(['void']));
  });
});
