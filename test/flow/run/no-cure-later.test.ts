import { afterEach, expect, test } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

let app: TestApp;
afterEach(() => app.stop());
const labels = { alertname: 'Hello' };

test('an end that may be an expiry is no good news for a run that ended before', async () => {
  app = await startTestApp({
    // Nobody answers there, so whether the resolve is an expiry is not known.
    'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, url: "http://127.0.0.1:9" }'),
    'policy.yaml': auto,
    'runbooks/fix.yaml': `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
steps:
  - { id: fix, exec: ["true"] }
  - { id: gone, verify: { resolved: true, within: 1s } }
`,
  });
  const { alert } = await app.alert(labels);
  const run = await app.until(async () => (await app.runs()).find(one => one.steps[1]?.state === 'waiting'));
  await app.alert(labels);
  expect((await app.ended(run.id)).state).toBe('ineffective');
  await app.alert(labels, { status: 'resolved' });
  expect(await app.app.store.alert(alert)).toMatchObject({ state: 'resolved', end: { how: 'unwatched' } });
  // The pipeline has considered the resolve when it begins what came after it.
  const next = new Date(Date.now() - 1000).toISOString();
  await app.alert(labels, { startsAt: next });
  await app.until(async () => (await app.runs()).find(one => one.episode === 2));
  expect((await app.app.store.stream(`run/${run.id}`)).map(({ fact }) => fact.kind)).not.toContain('run.amended');
});
