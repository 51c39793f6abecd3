import { afterEach, expect, test } from 'vitest';
import { createReplay } from '../../src/cli/replay.ts';
import { basicConfig, startTestApp, type TestApp } from '../doubles/app.ts';

let app: TestApp;
afterEach(() => app.stop());

const at = { startsAt: '2026-11-28T10:00:00Z' };

test('replay sees a reopening when its quiet time is over, and asks again only for what was voided', async () => {
  app = await startTestApp({
    'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 300ms }'),
    'policy.yaml': `
rules:
  - { name: asks, when: 'runbook.id == "asked"', decide: approve, by: [sre] }
  - { name: free, decide: auto }
`,
    'runbooks/asked.yaml': runbook('Asked'),
    'runbooks/free.yaml': runbook('Free'),
  });
  await app.alert({ alertname: 'Hello' }, at);
  await app.until(async () => (await app.runs()).some(run => run.state === 'succeeded'));
  await app.until(async () => (await app.app.store.approvals({ state: 'open' })).length === 1);
  await app.alert({ alertname: 'Hello' }, { status: 'resolved', ...at });
  await app.until(async () => (await app.app.store.approvals({ state: 'void' })).length === 1);
  await app.alert({ alertname: 'Hello' }, at);
  await app.until(async () => (await app.app.store.approvals({ state: 'open' })).length === 1);
  const replay = createReplay(app.app.catalogue.current());
  const journal = await app.journal();
  for (const entry of journal) replay.take(entry, true);
  expect(journal.map(entry => entry.fact.kind)).toContain('alert.reopened');
  expect(replay.result()).toEqual({ events: 2, gates: 0, differences: [] });
});

function runbook(title: string): string {
  return `
title: ${title}
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
steps: [{ id: look, exec: ["true"] }]
`;
}
