import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { createStreams } from '../../../src/flow/journal/streams.ts';
import { createRunJournal, type Decide } from '../../../src/flow/run/journal.ts';
import { createRunLease } from '../../../src/flow/run/lease.ts';
import { finishedFact } from '../../../src/flow/run/perform-step.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createKeyedMutex } from '../../../src/kernel/mutex.ts';
import { system } from '../../../src/model/actor.ts';
import type { Fact } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { sampleRun } from '../../contracts/samples.ts';
import { startTestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const found: Run = { ...sampleRun(), id: 'run_1', state: 'queued', steps: [], version: 1 };
const name = 'run/run_1';
const begun: Decide = run => ({ facts: [{ kind: 'run.started', run: run.id, token: 1 }] });
const started = (step: string): Decide => {
  const facts = { title: step, attempt: 1, idempotent: false, inputDigest: 'x', token: 1 };
  return run => {
    if (run.cancel !== null) throw new Error('cancelled');
    return { facts: [{ kind: 'step.started', run: run.id, step, type: 'exec', ...facts }] };
  };
};
const done =
  (step: string): Decide =>
  run => ({ facts: [finishedFact(run.id, step, 1, { state: 'done' })] });
const ended: Decide = run => ({ facts: [{ kind: 'run.finished', run: run.id, state: 'succeeded', because: null }] });

describe('what a session writes', () => {
  let folder: string;
  let store: Store;
  /** The kinds of facts of each change, in order. */
  let changes: string[][];
  let journal: ReturnType<typeof createRunJournal>;
  let lease: ReturnType<typeof createRunLease>;
  let streams: ReturnType<typeof createStreams>;
  let lost: string[];
  /** Called with each change that was committed. */
  let onChange: (kinds: string[]) => void;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-journal-'));
    store = await sqlite.open({ folder, url: null, now: () => Date.now() });
    changes = [];
    lost = [];
    onChange = () => {};
    const feed = createFeed({
      store,
      log: silentLog,
      sleep: ms => systemClock.sleep(ms),
      committed(change) {
        const kinds = (change.entries ?? []).map(entry => entry.fact.kind);
        changes.push(kinds);
        onChange(kinds);
      },
    });
    streams = createStreams({ store, feed, clock: systemClock, mutex: createKeyedMutex() });
    const fact: Fact = { kind: 'run.created', run: found };
    await store.commit({
      entries: [{ stream: name, actor: system, at: 1, fact }],
      rows: [{ table: 'run', doc: found }],
    });
    begin();
  });

  afterEach(async () => {
    lease.stop();
    await store.close();
    await rm(folder, { recursive: true });
  });

  function begin() {
    const parts = {
      store,
      clock: systemClock,
      log: silentLog,
      lost: (why: string) => lost.push(why),
      each: async () => {},
    };
    lease = createRunLease({ name, holder: 'me', token: 1, ttl: 9000 }, false, parts);
    journal = createRunJournal(found, lease, { streams, clock: systemClock });
  }

  const holder = async () => (await store.holders([name]))[0]?.holder ?? null;
  const kinds = async () => (await store.stream(name)).map(entry => entry.fact.kind);

  it('is two changes for a run of one step: the first takes the lease, the last gives it back', async () => {
    journal.lead(begun);
    await journal.append(started('a'));
    expect(await holder()).toBe('me');
    journal.add(done('a'));
    expect(journal.run().steps).toMatchObject([{ id: 'a', state: 'done' }]);
    await journal.append(ended, true);
    expect(changes).toEqual([
      ['run.started', 'step.started'],
      ['step.finished', 'run.finished'],
    ]);
    expect(await holder()).toBeNull();
    expect(lease.held()).toBe(false);
    expect(await store.run('run_1')).toMatchObject({ state: 'succeeded', version: 5, steps: [{ state: 'done' }] });
    expect(await store.run('run_1')).toEqual(journal.run());
  });

  it('is one change for branches that go on in the same moment', async () => {
    await Promise.all([journal.append(started('a')), journal.append(started('b')), journal.append(started('c'))]);
    expect(changes).toEqual([['step.started', 'step.started', 'step.started']]);
  });

  it('gets to the disk by itself when nothing follows a result', async () => {
    await journal.append(started('a'));
    const committed = Promise.withResolvers<string[]>();
    onChange = committed.resolve;
    // Nothing is under way that it could go with.
    await journal.settled();
    journal.add(done('a'));
    expect(await committed.promise).toEqual(['step.finished']);
    expect(changes).toEqual([['step.started'], ['step.finished']]);
    await journal.settled();
  });

  it('is nothing at all when there is only a lead: the run stays as it was, and nobody has it', async () => {
    journal.lead(begun);
    await journal.settled();
    await journal.append(() => null);
    expect(await kinds()).toEqual(['run.created']);
    expect(await holder()).toBeNull();
  });

  it('keeps a result when what comes with it may not be any more', async () => {
    await journal.append(started('a'));
    await streams.run('run_1', system, () => ({
      facts: [{ kind: 'run.cancelling', run: 'run_1', reason: 'enough' }],
    }));
    journal.add(done('a'));
    await expect(journal.append(started('b'))).rejects.toThrow('cancelled');
    expect(await kinds()).toEqual(['run.created', 'step.started', 'run.cancelling', 'step.finished']);
    // Whoever was refused may still say how it ends.
    await journal.append(ended, true);
    expect((await kinds()).at(-1)).toBe('run.finished');
  });

  it('keeps a result and begins nothing while everything is halted', async () => {
    const begins: Decide = run => ({
      ...started('b')(run),
      facts: started('b')(run)?.facts ?? [],
      with: { guards: [{ kind: 'halt' }] },
    });
    journal.lead(begun);
    await journal.append(started('a'));
    await store.commit({ rows: [{ table: 'halt', doc: { by: 'alice', reason: 'incident', at: 1 } }] });
    journal.add(done('a'));
    await expect(journal.append(begins)).rejects.toMatchObject({ code: 'guard-failed', at: 'halt everything' });
    expect(await kinds()).toEqual(['run.created', 'run.started', 'step.started', 'step.finished']);
    expect(journal.run().steps.map(step => step.id)).toEqual(['a']);
    await store.commit({ rows: [{ table: 'halt', doc: null }] });
    await journal.append(begins);
    expect((await kinds()).at(-1)).toBe('step.started');
  });

  it('is refused where another has the lease, and is not begun', async () => {
    await store.acquire({ name, holder: 'another', ttl: 9000 });
    journal.lead(begun);
    await expect(journal.append(started('a'))).rejects.toMatchObject({ why: 'lease-lost' });
    expect(lease.refused()).toBe(true);
    expect(await kinds()).toEqual(['run.created']);
    expect(await holder()).toBe('another');
  });

  it('ends for good with a result that was lost: nothing may be journalled as if it had been', async () => {
    await journal.append(started('a'));
    await store.release({ name, holder: 'me', token: 1 });
    await store.acquire({ name, holder: 'another', ttl: 9000 });
    journal.add(done('a'));
    await expect(journal.append(started('b'))).rejects.toMatchObject({ why: 'lease-lost' });
    journal.add(done('b'));
    await expect(journal.append(ended, true)).rejects.toMatchObject({ why: 'lease-lost' });
    await expect(journal.settled()).rejects.toMatchObject({ why: 'lease-lost' });
    expect(lease.refused()).toBe(false);
    expect(await kinds()).toEqual(['run.created', 'step.started']);
  });
});

const files = {
  yaml: { 'runbooks/fix.yaml': 'title: Fix\nrisk: none\nsteps:\n  - id: one\n    wait: 0s\n' },
  ts: {
    'runbooks/fix.ts': `import { defineRunbook, z } from 'tocsin';
export default defineRunbook({ title: 'Fix', risk: 'none', params: z.object({}), on: [], run: async ({ step }) => step.wait('one', '0s') });`,
  },
};

it.each([
  [
    'yaml',
    [
      ['run.started', 'step.started', 'permit.issued'],
      ['step.finished', 'run.finished'],
    ],
  ],
  // Its code may do anything before the first step and between two, so each is durable before it goes on.
  ['ts', [['run.started', 'permit.issued'], ['step.started'], ['step.finished'], ['run.finished']]],
] as const)('the changes of a run of one step from a runbook in %s, and no lease besides', async (kind, wanted) => {
  const changes: string[][] = [];
  const leases: string[] = [];
  const test = await startTestApp(
    { 'policy.yaml': auto, ...files[kind] },
    {
      wrapStore: store => ({
        ...store,
        commit(change) {
          const kinds = (change.entries ?? []).map(entry => entry.fact.kind);
          if (kinds.some(one => /^(run|step)\./.test(one))) changes.push(kinds);
          return store.commit(change);
        },
        acquire(one) {
          if (one.name.startsWith('run/')) leases.push(one.name);
          return store.acquire(one);
        },
        release(one) {
          if (one.name.startsWith('run/')) leases.push(one.name);
          return store.release(one);
        },
      }),
    },
  );
  try {
    const begun = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
    expect(await test.ended(begun.body.id)).toMatchObject({ state: 'succeeded' });
    expect(changes).toEqual([['run.created'], ...wanted]);
    expect(leases).toEqual([]);
    expect(await test.app.store.holders([`run/${begun.body.id}`])).toEqual([]);
  } finally {
    await test.stop();
  }
});
