import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

let test: TestApp;
afterEach(() => test.stop());
const labels = { alertname: 'Hello' };

describe('a called runbook', () => {
  it('is about the episode of its caller, also when a newer one began before it was called', async () => {
    const gate = join(tmpdir(), `tocsin-child-${randomUUID()}`);
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/parent.yaml': `
title: Parent
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
steps:
  - { id: hold, exec: [sh, -c, "until [ -e ${gate} ]; do sleep 0.05; done"] }
  - { id: call, runbook: child }
`,
      'runbooks/child.yaml': `
title: Child
risk: low
on: [{ source: alertmanager, match: { alertname: Another } }]
steps:
  - { id: gone, verify: { resolved: true, within: 10m } }
`,
    });
    const { alert } = await test.alert(labels, { startsAt: '2026-11-28T10:00:00Z' });
    await test.until(async () => (await test.runs()).find(run => run.state === 'running'));
    await test.alert(labels, { startsAt: '2026-11-28T11:00:00Z' });
    await test.until(async () => (await test.app.store.alert(alert))?.episode === 2);
    await writeFile(gate, '');
    const child = await test.until(async () => (await test.runs()).find(run => run.runbook === 'child'));
    expect(child.episode).toBe(1);
    expect((await test.ended(child.id)).state).toBe('ineffective');
    await rm(gate);
  });
});
