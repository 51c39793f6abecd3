import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

// After a restart the pipeline considers entries again that it considered before.
let test: TestApp;
const gate = join(tmpdir(), `tocsin-amend-${randomUUID()}`);
afterEach(async () => {
  await test.stop();
  await rm(gate, { force: true });
});
const labels = { alertname: 'Hello' };
const files = (steps: string) => ({
  'policy.yaml': auto,
  'runbooks/fix.yaml': `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
target: '"web-1"'
steps:
${steps}`,
});
const held = `exec: [sh, -c, "until [ -e ${gate} ]; do sleep 0.05; done"]`;
const first = () => test.until(async () => (await test.runs()).find(run => run.episode === 1));
const entries = async (run: string) =>
  (await test.app.store.stream(`run/${run}`)).filter(({ fact }) => fact.kind === 'run.amended');

/** Restarts, and waits until the pipeline has considered everything again. */
async function restart(given: Record<string, string>): Promise<void> {
  const { folder } = test;
  await test.stop();
  test = await startTestApp(given, { folder });
  const { alert } = await test.alert({ alertname: 'Other' }, { fingerprint: 'the-last' });
  await test.alert({ alertname: 'Other' }, { fingerprint: 'the-last', status: 'resolved' });
  await test.until(async () => (await test.app.store.alert(alert))?.state === 'resolved');
  await new Promise(resolve => setTimeout(resolve, 1000));
}

describe('news that a run knew when it ended', () => {
  it('of a newer episode does not amend its success', async () => {
    const given = files(`  - { id: hold, ${held} }\n  - { id: well, verify: { exec: ["true"], within: 1m } }\n`);
    test = await startTestApp(given, { keep: true });
    await test.alert(labels, { startsAt: new Date(Date.now() - 60_000).toISOString() });
    const run = await first();
    await test.alert(labels, { startsAt: new Date(Date.now() - 30_000).toISOString() });
    await test.until(async () => (await test.runs()).length === 2);
    await new Promise(resolve => setTimeout(resolve, 2500));
    await writeFile(gate, '');
    expect((await test.ended(run.id)).state).toBe('succeeded');
    await restart(given);
    expect(await entries(run.id)).toEqual([]);
  });

  it('of a resolve that was taken back does not make it one that came later', async () => {
    const given = files(`  - { id: hold, ${held} }\n  - { id: gone, verify: { resolved: true, within: 1s } }\n`);
    test = await startTestApp(given, { keep: true });
    const start = { startsAt: new Date(Date.now() - 60_000).toISOString() };
    await test.alert(labels, start);
    const run = await first();
    await test.until(async () => (await test.app.store.run(run.id))?.startedAt != null);
    await test.alert(labels, { status: 'resolved', ...start });
    await test.alert(labels, start);
    await new Promise(resolve => setTimeout(resolve, 2500));
    await writeFile(gate, '');
    await test.until(async () => (await test.app.store.run(run.id))?.steps.some(step => step.state === 'waiting'));
    await test.alert(labels, start);
    expect((await test.ended(run.id)).state).toBe('ineffective');
    await restart(given);
    expect(await entries(run.id)).toEqual([]);
  });
});
