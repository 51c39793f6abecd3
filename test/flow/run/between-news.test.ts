import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

const auto = 'rules: [{ name: all, decide: auto }]\n';
const verify = `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
steps:
  - { id: fix, exec: ["true"] }
  - { id: gone, verify: { resolved: true, within: 10m } }
`;
const quick = basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 1s }');
const labels = { alertname: 'Hello' };
let test: TestApp;
afterEach(() => test.stop());

const open = async () => {
  test = await startTestApp({ 'tocsin.yaml': quick, 'policy.yaml': auto, 'runbooks/fix.yaml': verify });
};
const waitingRun = () =>
  test.until(async () => (await test.runs()).find(run => run.steps.some(step => step.state === 'waiting')));

describe('an end and a new start between two news', () => {
  it('is no cure, when the new start is after the last step', async () => {
    await open();
    await test.alert(labels, { startsAt: new Date(Date.now() - 60_000).toISOString() });
    const run = await waitingRun();
    // Alertmanager notifies a group once in a group_interval. An end and a new start between two are told by the end of the new one alone.
    await test.alert(labels, { status: 'resolved', startsAt: new Date(Date.now() + 1000).toISOString() });
    expect((await test.ended(run.id)).state).toBe('ineffective');
  });

  it('before the last step is over with it', async () => {
    await open();
    const { alert } = await test.alert(labels, { startsAt: new Date(Date.now() - 60_000).toISOString() });
    const run = await waitingRun();
    await test.alert(labels, { status: 'resolved', startsAt: new Date(Date.now() - 30_000).toISOString() });
    expect((await test.ended(run.id)).state).toBe('succeeded');
    expect(await test.app.store.alert(alert)).toMatchObject({ episode: 1, state: 'resolved', end: { how: 'untold' } });
  });
});
