import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { foldRun, newStep } from '../../../src/model/fold.ts';
import type { Fact, NewEntry } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';
import type { Row } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
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
