import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const runbook = (steps: string, facts = '') => `
title: Fix it
risk: low
on:
  - source: alertmanager
    match: { alertname: Hello }
${facts}steps:
${steps}`;
const verify = (within: string) =>
  runbook(`  - id: fix\n    exec: [echo, fixed]\n  - id: gone\n    verify: { resolved: true, within: ${within} }\n`);

let test: TestApp;
afterEach(() => test.stop());

const firstRun = () => test.until(async () => (await test.runs())[0]);
const waitingRun = () =>
  test.until(async () => (await test.runs()).find(run => run.steps.some(step => step.state === 'waiting')));

describe('closing the loop', () => {
  it('succeeds when the alert resolves, and holds no worker until then', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.yaml': verify('10m') });
    await test.alert({ alertname: 'Hello' });
    const run = await waitingRun();
    expect(run.state).toBe('waiting');
    await test.alert({ alertname: 'Hello' }, { status: 'resolved' });
    expect(await test.ended(run.id)).toMatchObject({
      state: 'succeeded',
      steps: [{ state: 'done' }, { id: 'gone', state: 'done' }],
    });
  });

  it('ends ineffective on fresh evidence of firing, calls people, and says so when it resolves later', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.yaml': verify('1500ms') });
    const { alert } = await test.alert({ alertname: 'Hello' });
    const run = await waitingRun();
    await test.alert({ alertname: 'Hello' });
    expect(await test.ended(run.id)).toMatchObject({ state: 'ineffective' });
    const note = await test.until(async () =>
      (await test.app.store.posts({ platform: 'console', thread: `alert/${alert}/1` })).find(
        post => post.card.mention.length > 0,
      ),
    );
    expect(note.card).toMatchObject({ mention: ['sre'], title: expect.stringContaining('still fires') });
    await test.alert({ alertname: 'Hello' }, { status: 'resolved' });
    await test.until(async () => (await test.app.store.run(run.id))?.because?.startsWith('resolved later'));
    expect((await test.app.store.run(run.id))?.state).toBe('ineffective');
  });

  it('ends unconfirmed without news', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.yaml': verify('300ms') });
    await test.alert({ alertname: 'Hello' });
    const run = await firstRun();
    expect((await test.ended(run.id)).state).toBe('unconfirmed');
  });

  it('a cure that did not hold is amended, and calls people once', async () => {
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.yaml': verify('10m') });
    const { alert } = await test.alert({ alertname: 'Hello' }, { startsAt: '2026-11-20T09:00:00Z' });
    const run = await waitingRun();
    await test.alert({ alertname: 'Hello' }, { status: 'resolved', startsAt: '2026-11-20T09:00:00Z' });
    // Its source has no address to ask at.
    expect(await test.ended(run.id)).toMatchObject({
      state: 'succeeded',
      because: expect.stringContaining('nobody could look'),
    });
    await test.alert({ alertname: 'Hello' }, { startsAt: '2026-11-20T09:10:00Z' });
    await test.until(async () => (await test.app.store.run(run.id))?.state === 'ineffective');
    await test.alert({ alertname: 'Hello' }, { startsAt: '2026-11-20T09:20:00Z' });
    await test.until(async () => (await test.app.store.alert(alert))?.episode === 3);
    const calls = await test.until(async () => {
      const notes = await test.app.store.posts({ platform: 'console', thread: `alert/${alert}/1` });
      const found = notes.filter(post => post.card.title.includes('did not help after all'));
      return found.length > 0 ? found : null;
    });
    expect(calls.map(post => post.card.mention)).toEqual([['sre']]);
    const amended = (await test.app.store.stream(`run/${run.id}`)).filter(({ fact }) => fact.kind === 'run.amended');
    expect(amended).toHaveLength(1);
  });

  it('a new stretch is a new episode with a run and a thread of its own', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook('  - id: fix\n    exec: [echo, fixed]\n'),
    });
    const { alert } = await test.alert({ alertname: 'Hello' }, { startsAt: '2026-11-20T09:00:00Z' });
    await test.ended((await firstRun()).id);
    await test.alert({ alertname: 'Hello' }, { status: 'resolved', startsAt: '2026-11-20T09:00:00Z' });
    await test.alert({ alertname: 'Hello' }, { startsAt: '2026-11-20T10:00:00Z' });
    await test.until(
      async () => (await test.runs()).length === 2 && (await test.runs()).every(run => run.state === 'succeeded'),
    );
    expect((await test.runs()).map(run => run.episode).sort()).toEqual([1, 2]);
    expect(await test.app.store.post('console', `alert/${alert}/2`)).not.toBeNull();
  });

  it('journals a wait once, however often it looks, and goes on looking after a restart', async () => {
    const ledger = join(tmpdir(), `tocsin-looks-${randomUUID()}`);
    const look = `echo look >> ${ledger}; test -e ${ledger}.ok`;
    const files = {
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook(
        `  - id: gone\n    verify: { exec: [sh, -c, "${look}"], every: 200ms, within: 10m }\n`,
      ),
    };
    const looks = async () => (await readFile(ledger, 'utf8').catch(() => '')).split('\n').length - 1;
    test = await startTestApp(files, { keep: true });
    await test.alert({ alertname: 'Hello' });
    await test.until(async () => (await looks()) >= 4);
    const { folder } = test;
    await test.stop();
    const before = await looks();
    test = await startTestApp(files, { folder });
    await test.until(async () => (await looks()) >= before + 3);
    await writeFile(`${ledger}.ok`, '');
    const run = await test.ended((await firstRun()).id);
    expect(run.state).toBe('succeeded');
    const kinds = (await test.app.store.stream(`run/${run.id}`)).map(entry => entry.fact.kind);
    expect(kinds).toEqual([
      'run.created',
      'run.started',
      'step.started',
      'step.waiting',
      'step.finished',
      'run.finished',
    ]);
    await Promise.all([rm(ledger), rm(`${ledger}.ok`)]);
  });

  it('undoes what was done, newest first, when a later step fails', async () => {
    const steps = ['a', 'b']
      .map(id => `  - id: ${id}\n    exec: [echo, ${id}]\n    undo: { exec: [echo, "undo ${id}"] }\n`)
      .join('');
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook(`${steps}  - id: c\n    exec: ["false"]\n`),
    });
    await test.alert({ alertname: 'Hello' });
    const run = await test.ended((await firstRun()).id);
    expect(run.state).toBe('failed');
    expect(run.steps.map(step => [step.id, step.state])).toEqual([
      ['a', 'undone'],
      ['b', 'undone'],
      ['c', 'failed'],
      ['b.undo', 'done'],
      ['a.undo', 'done'],
    ]);
  });

  it('runs another runbook under the same plan, and waits for it', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook('  - id: call\n    runbook: helper\n  - id: after\n    exec: [echo, after]\n'),
      'runbooks/helper.yaml': 'title: Helper\nrisk: low\nsteps:\n  - id: help\n    exec: [echo, helped]\n',
    });
    await test.alert({ alertname: 'Hello' });
    const parent = await test.until(async () => (await test.runs()).find(run => run.runbook === 'fix'));
    expect((await test.ended(parent.id)).state).toBe('succeeded');
    const child = (await test.runs()).find(run => run.runbook === 'helper');
    expect(child).toMatchObject({
      state: 'succeeded',
      parent: { run: parent.id, step: 'call' },
      decision: { rule: `covered by ${parent.id}` },
    });
  });

  it('goes through branches side by side', async () => {
    const steps = `  - id: both\n    parallel:\n      - id: left\n        exec: [echo, left]\n      - id: right\n        exec: [echo, right]\n  - id: after\n    exec: [echo, after]\n`;
    test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.yaml': runbook(steps) });
    await test.alert({ alertname: 'Hello' });
    const run = await test.ended((await firstRun()).id);
    expect(run.state).toBe('succeeded');
    expect(run.steps.every(step => step.state === 'done')).toBe(true);
  });
});
