import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';
import { auto } from '../files.ts';

let test: TestApp;
const gate = join(tmpdir(), `tocsin-later-${randomUUID()}`);
afterEach(async () => {
  await test.stop();
  await rm(gate, { force: true });
});

it('the run of a later episode begins with the end of the one that it waits for, before any sweep', async () => {
  const files = {
    'policy.yaml': auto,
    'runbooks/fix.yaml': `
title: Fix it
risk: low
on: [{ source: alertmanager, match: { alertname: Hello } }]
target: '"web-1"'
steps:
  - { id: hold, exec: [sh, -c, "until [ -e ${gate} ]; do sleep 0.05; done"] }
`,
  };
  // The sweeper sleeps by this clock, which stands still from here on.
  const clock = createClock();
  test = await startTestApp(files, { clock });
  const at = (seconds: number) => new Date(clock.now() - seconds * 1000).toISOString();
  const run = async (episode: number) => (await test.runs()).find(one => one.episode === episode);
  await test.alert({ alertname: 'Hello' }, { startsAt: at(60) });
  await test.until(async () => (await run(1))?.startedAt != null);
  await test.alert({ alertname: 'Hello' }, { startsAt: at(30) });
  await test.until(async () => (await run(2)) !== undefined);
  expect(await run(2)).toMatchObject({ state: 'queued', startedAt: null, after: (await run(1))?.id });
  await writeFile(gate, '');
  await test.until(async () => (await run(2))?.state === 'succeeded');
});
