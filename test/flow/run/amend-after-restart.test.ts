import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

// After a restart the pipeline considers entries again that it considered before.
let test: TestApp;
/** The system's clock, which the tests set forward: what was told so long before an end did not come in the same moment. */
let ahead = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
const forward = () => {
  ahead += 2500;
};
const gate = join(tmpdir(), `tocsin-amend-${randomUUID()}`);
afterEach(async () => {
  await test.stop();
  await rm(gate, { force: true });
});
const labels = { alertname: 'Hello' };
const files = (steps: string) => ({
  'policy.yaml': auto,
  'runbooks/witness.yaml': `
title: Seen
risk: none
on: [{ source: alertmanager, match: { alertname: Witness } }]
steps:
  - { id: one, wait: 0s }`,
  'runbooks/fix.yaml': `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
target: '"web-1"'
steps:
${steps}`,
});
const held = `exec: [sh, -c, "until [ -e ${gate} ]; do sleep 0.05; done"]`;
const fixes = async () => (await test.runs()).filter(run => run.runbook === 'fix');
// One that has begun: the run of an episode that is over is cancelled when it has not.
const first = () => test.until(async () => (await fixes()).find(run => run.episode === 1 && run.startedAt !== null));
const entries = async (run: string) =>
  (await test.app.store.stream(`run/${run}`)).filter(({ fact }) => fact.kind === 'run.amended');

let witnesses = 0;
/**
 * Waits until the pipeline has considered all that was accepted so far. It works through batches in order, and what is in one batch at the
 * same time: so the batch of the first witness is done when something came of the second, which was sent after the first was seen.
 */
async function considered(): Promise<void> {
  for (let count = 0; count < 2; count++) {
    const { alert } = await test.alert({ alertname: 'Witness' }, { fingerprint: `witness-${++witnesses}` });
    await test.until(async () => (await test.runs()).some(run => run.alert === alert));
  }
}

/** Restarts, and waits until the pipeline has considered everything again. */
async function restart(given: Record<string, string>): Promise<void> {
  const { folder } = test;
  await test.stop();
  test = await startTestApp(given, { folder, clock });
  await considered();
}

describe('news that a run knew when it ended', () => {
  it('of a newer episode does not amend its success', async () => {
    const given = files(`  - { id: hold, ${held} }\n  - { id: well, verify: { exec: ["true"], within: 1m } }\n`);
    test = await startTestApp(given, { keep: true, clock });
    await test.alert(labels, { startsAt: new Date(Date.now() - 60_000).toISOString() });
    const run = await first();
    await test.alert(labels, { startsAt: new Date(Date.now() - 30_000).toISOString() });
    await test.until(async () => (await fixes()).length === 2);
    await considered();
    forward();
    await writeFile(gate, '');
    expect((await test.ended(run.id)).state).toBe('succeeded');
    await restart(given);
    expect(await entries(run.id)).toEqual([]);
  });

  it('of a resolve that was taken back does not make it one that came later', async () => {
    const given = files(`  - { id: hold, ${held} }\n  - { id: gone, verify: { resolved: true, within: 1s } }\n`);
    test = await startTestApp(given, { keep: true, clock });
    const start = { startsAt: new Date(Date.now() - 60_000).toISOString() };
    await test.alert(labels, start);
    const run = await first();
    await test.until(async () => (await test.app.store.run(run.id))?.startedAt != null);
    await test.alert(labels, { status: 'resolved', ...start });
    await test.alert(labels, start);
    await considered();
    forward();
    await writeFile(gate, '');
    await test.until(async () => (await test.app.store.run(run.id))?.steps.some(step => step.state === 'waiting'));
    await test.alert(labels, start);
    expect((await test.ended(run.id)).state).toBe('ineffective');
    await restart(given);
    expect(await entries(run.id)).toEqual([]);
  });
});
