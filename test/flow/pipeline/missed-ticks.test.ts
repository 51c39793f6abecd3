import { rm } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { createIntake, type Intake } from '../../../src/flow/pipeline/intake.ts';
import { createRefusedSources } from '../../../src/flow/pipeline/refused-sources.ts';
import { startTickers } from '../../../src/flow/pipeline/tick.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { createIds } from '../../../src/kernel/ids.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const files = {
  'tocsin.yaml': basicConfig.replace(
    'sources:',
    `sources:
  schedule:
    jobs:
      kept: { cron: "0 3 * * *", missed: once }
      left: { cron: "0 3 * * *" }`,
  ),
  'policy.yaml': auto,
  'runbooks/report.yaml': `
title: Report
risk: none
on: [{ source: schedule, match: { schedule: kept } }]
steps: [{ id: say, exec: [echo, report] }]
`,
};

/** The time of day goes on from another day: as a machine that was off for so long. */
function clockAt(time: string): Clock {
  const offset = Date.parse(time) - Date.now();
  return { ...systemClock, now: () => systemClock.now() + offset };
}

let folder: string | undefined;
let running: TestApp | undefined;
afterEach(async () => {
  await running?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function start(time: string): Promise<TestApp> {
  await running?.stop();
  running = await startTestApp(files, {
    clock: clockAt(time),
    keep: true,
    ...(folder === undefined ? {} : { folder }),
  });
  folder = running.folder;
  return running;
}

/** The ticks in the journal: which schedule, for when, and for how many that were missed. */
async function ticks(app: TestApp): Promise<string[]> {
  return (await app.journal()).flatMap(({ fact }) => {
    if (fact.kind !== 'event.accepted' || fact.event.body.kind !== 'tick') return [];
    const { schedule, at, labels } = fact.event.body;
    return [`${schedule} ${new Date(at).toISOString().slice(0, 16)} ${labels['missed'] ?? '-'}`];
  });
}

const onlyRun = (app: TestApp, count: number) =>
  app.until(async () => {
    const runs = await app.runs();
    return runs.length === count && runs.every(run => run.state === 'succeeded') ? runs : null;
  });

test('one run is made for the nights that no process saw, and a second restart makes none', async () => {
  await start('2026-11-10T10:00:00Z');
  const after = await start('2026-11-13T11:30:00Z');
  await onlyRun(after, 1);
  expect(await ticks(after)).toEqual(['kept 2026-11-13T03:00 3']);
  const again = await start('2026-11-13T11:45:00Z');
  // What comes after the second start goes through the same journal: by then a second tick would be there.
  await again.alert({ alertname: 'Unrelated' });
  await again.until(async () =>
    (await again.journal()).some(({ fact }) => fact.kind === 'event.accepted' && fact.event.source === 'alertmanager'),
  );
  expect(await ticks(again)).toEqual(['kept 2026-11-13T03:00 3']);
  expect(await again.runs()).toHaveLength(1);
  // What comes next is counted from the tick that was made, and not from the first start.
  const later = await start('2026-11-15T11:30:00Z');
  await onlyRun(later, 2);
  expect((await ticks(later)).slice(1)).toEqual(['kept 2026-11-15T03:00 2']);
});

test('several nodes that start at once on one store make it once', async () => {
  const { app } = await start('2026-11-10T10:00:00Z');
  const clock = clockAt('2026-11-12T11:30:00Z');
  const nodes = await Promise.all(
    ['a', 'b', 'c'].map(async () => {
      const { store, catalogue } = app;
      const feed = createFeed({ store, log: silentLog, sleep: clock.sleep });
      const common = { clock, log: silentLog, store, catalogue, feed };
      const { metrics } = createMetrics();
      const intake = createIntake({ ...common, ids: createIds(clock), metrics });
      const refused = createRefusedSources(common);
      const answers: boolean[] = [];
      const emit: Intake['emit'] = async (...given) => {
        const first = await intake.emit(...given);
        answers.push(first);
        return first;
      };
      const refuse = () => Promise.reject(new Error('a schedule takes no records'));
      const records = { take: refuse, lost: refuse };
      return {
        feed,
        answers,
        tickers: await startTickers({ ...common, metrics, refused, records, intake: { ...intake, emit } }, () => true),
      };
    }),
  );
  // A node that stops has made what it had begun to make.
  await running?.until(async () => nodes.some(({ answers }) => answers.includes(true)));
  for (const { tickers, feed } of nodes) {
    await tickers.stop();
    await feed.close();
  }
  expect(nodes.flatMap(({ answers }) => answers).filter(first => first)).toEqual([true]);
  expect(running === undefined ? [] : await ticks(running)).toEqual(['kept 2026-11-12T03:00 2']);
});

test('what was due in a halt is made when somebody resumes', async () => {
  const before = await start('2026-11-10T10:00:00Z');
  expect((await before.call('PUT', '/api/v1/halt', { body: { reason: 'a freeze' } })).status).toBe(200);
  const during = await start('2026-11-12T11:00:00Z');
  expect(await ticks(during)).toEqual([]);
  expect((await during.call('DELETE', '/api/v1/halt', { body: { reason: 'it is over' } })).status).toBe(200);
  await onlyRun(during, 1);
  expect(await ticks(during)).toEqual(['kept 2026-11-12T03:00 2']);
});
