import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { foldRun, newStep } from '../../../src/model/fold.ts';
import type { Fact, NewEntry } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Row, Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';
import { auto } from '../files.ts';

const runbook = (steps: string) => `title: Fix it\nrisk: low\nsteps:\n${steps}`;

let test: TestApp;
afterEach(() => test.stop());

/** Copies of a run that wait for a child run which never ends, made after it. */
function crowd(model: Run, count: number): { entries: NewEntry[]; rows: Row[] } {
  const actor = { kind: 'system', id: 'tocsin' } as const;
  const entries: NewEntry[] = [];
  const rows: Row[] = [];
  for (let n = 0; n < count; n++) {
    const at = model.createdAt + 1 + n;
    const id = `run_crowd${n}`;
    const waiting = { for: 'run', wakeAt: null, on: 'run_none', since: at } as const;
    const step = newStep('pause', { type: 'wait', state: 'waiting', attempts: 1, waiting });
    const run: Run = { ...model, id, state: 'waiting', createdAt: at, wakeAt: null, steps: [step] };
    const fact: Fact = { kind: 'run.created', run };
    entries.push({ stream: `run/${id}`, actor, at, fact });
    rows.push({ table: 'run', doc: foldRun(null, fact, at) });
  }
  return { entries, rows };
}

it('an old run whose time has come is rung for, however many newer ones wait', async () => {
  const files = {
    'policy.yaml': auto,
    'runbooks/fix.yaml': runbook('  - id: pause\n    wait: 1s\n  - id: last\n    exec: ["true"]\n'),
    'runbooks/call.yaml': runbook('  - id: call\n    runbook: fix\n'),
  };
  test = await startTestApp(files, { keep: true });
  const begin = async (name: string) =>
    (await test.call('POST', '/api/v1/runs', { body: { runbook: name, params: {}, reason: null } })).body.id as string;
  const [timer, caller] = [await begin('fix'), await begin('call')];
  const waits = (id: string) =>
    test.until(async () => ((await test.app.store.run(id))?.state === 'waiting' ? await test.app.store.run(id) : null));
  const model = await waits(timer);
  await waits(caller);
  const { folder } = test;
  await test.stop();
  // Nobody rings while no process is there, and afterwards 1,500 newer ones wait for something that never comes.
  const store = await sqlite.open({ folder: join(folder, 'data'), url: null, now: () => Date.now() });
  await store.commit(crowd(model, 1500));
  await store.close();
  test = await startTestApp(files, { folder });
  expect(await test.ended(timer)).toMatchObject({ state: 'succeeded' });
  expect(await test.ended(caller)).toMatchObject({ state: 'succeeded' });
  expect((await test.app.store.run('run_crowd0'))?.state).toBe('waiting');
});

it('runs whose lease another worker holds are left to it, and begin once after it is lost, each exactly once', async () => {
  const clock = createClock();
  /** How often a lease was found taken, by its name. */
  const refused = new Map<string, number>();
  const wrapStore = (store: Store): Store => ({
    ...store,
    commit: change =>
      store.commit(change).catch(error => {
        const [, name] = /^take (run\/.*)/.exec(error.at ?? '') ?? [];
        if (name !== undefined) refused.set(name, (refused.get(name) ?? 0) + 1);
        throw error;
      }),
  });
  const files = {
    'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, expires: 10h }\n',
    'runbooks/fix.yaml': runbook('  - id: only\n    exec: ["true"]\n'),
  };
  test = await startTestApp(files, { clock, wrapStore });
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { body } = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: `${n}` } });
    ids.push(body.id);
    const lease = { name: `run/${body.id}`, holder: 'a worker that died', ttl: 3_600_000 };
    expect(await test.app.store.acquire(lease)).toBe(1);
  }
  for (const { id } of await test.app.store.approvals({ state: 'open' }))
    expect(
      (await test.call('POST', `/api/v1/approvals/${id}/votes`, { as: 'BOB', body: { vote: 'approve' } })).status,
    ).toBe(200);
  // Woken by the vote and by the sweeper, and the lease is taken each time.
  await test.until(async () => {
    await clock.advance(4000);
    return ids.every(id => (refused.get(`run/${id}`) ?? 0) >= 2);
  });
  for (const id of ids) expect(await test.app.store.run(id)).toMatchObject({ state: 'queued', startedAt: null });
  clock.jump(clock.now() + 3_600_000);
  await test.until(async () => {
    const runs = await test.runs();
    // On a busy machine a step takes longer than its lease lasts by this clock, so it stands still meanwhile.
    const isAtWork = runs.some(run => run.state === 'running' || run.steps.some(step => step.state === 'running'));
    if (!isAtWork) await clock.advance(4000);
    return runs.every(run => run.state === 'succeeded');
  });
  const kinds = (await test.journal()).map(({ fact }) => fact.kind);
  for (const kind of ['run.released', 'run.started', 'step.started', 'step.finished', 'run.finished'] as const)
    expect([kind, kinds.filter(one => one === kind).length]).toEqual([kind, 3]);
});
