import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countedKinds, foldEntry } from '../../../src/flow/statistics/fold.ts';
import { createWorkingSet } from '../../../src/flow/statistics/working-set.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import type { Entry } from '../../../src/model/journal.ts';
import type { StatisticsReport } from '../../../src/model/statistics/report.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { startTestApp, type TestApp, tokens } from '../../doubles/app.ts';
import { openSession, plainText } from '../../journey/console-page.ts';

const config = `
timezone: Europe/London
sources:
  probe:
    type: webhook
    auth: { bearer: secret }
    map: { fingerprint: body.name, state: body.state, title: body.name, startsAt: body.began, labels: { service: "'shop'" } }
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens: [{ env: ALICE, person: alice }, { env: BOB, person: bob }]
`;

const runbook = (name: string, within: string) => `
title: ${name}
risk: low
on: [{ source: probe, where: event.title == "${name}" }]
steps:
  - { id: do, exec: ["true"], idempotent: true }
  - { id: gone, verify: { resolved: true, within: ${within} } }
`;

const files = {
  'tocsin.yaml': config,
  'runbooks/alone.yaml': runbook('alone', '1h'),
  'runbooks/asked.yaml': runbook('asked', '1h'),
  'runbooks/futile.yaml': runbook('futile', '1s'),
  'policy.yaml': `
rules:
  - { name: people decide, when: runbook.id == "asked", decide: approve, by: sre, expires: 30m }
  - { name: by itself, decide: auto }
`,
};

const minute = 60_000;
/** Wednesday 23:30 in London, which is in UTC in November. */
const start = Date.UTC(2026, 10, 25, 23, 30);
let offset = 0;
let app: TestApp;
let folder = '';
/** It runs like the real one, and can be moved on. */
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offset };

beforeEach(async () => {
  offset = start - systemClock.now();
  folder = await mkdtemp(join(tmpdir(), 'tocsin-statistics-'));
  app = await startTestApp(files, { clock, folder, keep: true });
});
afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

async function deliver(name: string, state: 'firing' | 'resolved'): Promise<string> {
  const headers = { authorization: 'Bearer secret' };
  const answer = await app.call('POST', '/events/probe', {
    as: null,
    headers,
    body: { name, state, began: new Date(start).toISOString() },
  });
  expect(answer.status).toBe(202);
  return answer.body.accepted[0].alert;
}
const fire = (name: string) => deliver(name, 'firing');
const resolve = (name: string) => deliver(name, 'resolved');
const runOf = (alert: string) =>
  app.until(
    async () => (await app.app.store.runs({ alert })).find(run => run.steps.at(-1)?.state === 'waiting') ?? null,
  );

async function report(): Promise<StatisticsReport> {
  return (await app.call('GET', '/api/v1/statistics')).body;
}

/** Statistics follow a little behind. */
const reportWhen = (holds: (report: StatisticsReport) => boolean) =>
  app.until(async () => {
    const found = await report();
    return holds(found) ? found : null;
  });

/** One alert that a runbook ends alone, one after a vote, one without a runbook, and one that the runbook does not end. */
async function live(): Promise<void> {
  const alone = await fire('alone');
  const asked = await fire('asked');
  const none = await fire('none');
  const futile = await fire('futile');
  await runOf(alone);
  const approval = await app.until(async () => (await app.app.store.approvals({ state: 'open' }))[0] ?? null);
  await runOf(futile);
  await fire('futile');
  offset += 10 * minute;
  await app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { as: 'BOB', body: { vote: 'approve' } });
  await app.call('POST', `/api/v1/alerts/${none}/acknowledge`, { body: {} });
  await runOf(asked);
  offset += 30 * minute;
  for (const name of ['alone', 'asked', 'none']) await resolve(name);
  await app.until(async () => (await app.runs()).every(run => run.finishedAt !== null));
}

const near = (minutes: number) => (value: number | null) =>
  value !== null && Math.abs(value - minutes * minute) < minute;

test('times, shares, hours, who is asked and what is noisy are counted from the journal', async () => {
  await live();
  const { total, runbooks, rules, services, hours, noisiest, asked, voters, weeks } = await reportWhen(
    one => one.total.runs.ran === 3,
  );
  expect(total).toMatchObject({ opened: 4, approved: 1, denied: 0, expired: 0, void: 0, endedUntold: 0 });
  expect(total.timeToAcknowledge).toMatchObject({ count: 1, mean: expect.toSatisfy(near(10)) });
  expect(total.timeToDecision).toMatchObject({ count: 1, mean: expect.toSatisfy(near(10)) });
  expect(total.timeToRestoreWithRunbook).toMatchObject({ count: 2, mean: expect.toSatisfy(near(40)) });
  expect(total.timeToRestoreWithoutRunbook).toMatchObject({ count: 1, mean: expect.toSatisfy(near(40)) });
  expect(total.runs).toMatchObject({
    succeeded: 2,
    ineffective: 1,
    remediated: 2,
    withoutPeople: 1,
    withoutPeopleShare: 0.5,
    ineffectiveShare: 1 / 3,
  });
  expect(
    Object.fromEntries(runbooks.map(one => [one.name, [one.ran, one.ineffectiveShare, one.withoutPeople]])),
  ).toEqual({
    alone: [1, 0, 1],
    asked: [1, 0, 0],
    futile: [1, 1, 0],
  });
  expect(Object.fromEntries(rules.map(one => [one.name, one.ran]))).toEqual({ 'by itself': 2, 'people decide': 1 });
  expect(services).toMatchObject([{ name: 'shop', ran: 3, ineffective: 1 }]);
  expect(hours.find(one => one.opened > 0)).toMatchObject({ weekday: 3, hour: 23, opened: 4, asked: 1 });
  expect(noisiest[0]).toEqual({ name: 'futile', source: 'probe', opened: 1, delivered: 2 });
  expect(asked).toEqual([{ name: 'sre', asked: 1, atNight: 1 }]);
  expect(voters).toMatchObject([{ name: 'bob', approved: 1, denied: 0, atNight: 1 }]);
  expect(weeks).toMatchObject([{ from: Date.UTC(2026, 10, 23), until: Date.UTC(2026, 10, 30), zone: 'Europe/London' }]);
});

test('a stop loses nothing and counts nothing twice, and a resolve that was none is taken back', async () => {
  await live();
  const before = await reportWhen(one => one.total.runs.ran === 3);
  await app.stop();
  app = await startTestApp(files, { clock, folder, keep: true });
  expect(await report()).toEqual(before);
  await fire('none');
  await reportWhen(one => one.total.timeToRestore.count === 2);
  await resolve('none');
  const ended = await reportWhen(one => one.total.timeToRestore.count === 3);
  expect(ended.total).toMatchObject({ opened: 4, timeToRestoreWithoutRunbook: { count: 1 } });
});

test('a new build counts what the journal held before, in pieces of any size and over any stop', async () => {
  await live();
  await reportWhen(one => one.total.runs.ran === 3);
  const entries = await app.app.store.journal({ after: 0, limit: 1000, kinds: countedKinds });
  for (const size of [1, 2, 7, 1000]) expect(await countAnew(entries, size)).toEqual(await weeksOf(app.app.store));
});

test('the page and its files tell the same to who is signed in, and nothing to others', async () => {
  await live();
  await reportWhen(one => one.total.runs.ran === 3);
  const { at, cookie } = await openSession(app.app.url, tokens['ALICE'] ?? '');
  const read = async (path: string) => await (await fetch(at + path, { headers: { cookie } })).text();
  const page = plainText(await read('/statistics?weeks=1'));
  expect(page).toContain('2, without people 1 (50 %)');
  expect(page).toContain('1 of 3 runs (33 %)');
  expect(await read('/console/statistics.csv?weeks=1')).toContain(',share without people,0.5\r\n');
  expect(JSON.parse(await read('/console/statistics.json'))).toEqual(await report());
  for (const path of ['/statistics', '/console/statistics.csv']) {
    const stranger = await fetch(at + path, { redirect: 'manual' });
    expect([stranger.status, stranger.headers.get('location')]).toEqual([303, '/login?to=%2Fstatistics']);
  }
});

type Documents = Pick<TestApp['app']['store'], 'documents'>;

async function weeksOf(store: Documents) {
  return (await store.documents('week', {})).map(({ version: _, ...week }) => week);
}

/** Counts the entries into an empty store, so many in one commit, with nothing remembered between commits. */
async function countAnew(entries: readonly Entry[], size: number) {
  const place = await mkdtemp(join(tmpdir(), 'tocsin-statistics-'));
  const store = await sqlite.open({ folder: place, url: null, now: clock.now });
  try {
    for (let from = 0; from < entries.length; from += size) {
      const set = createWorkingSet(store, 'Europe/London');
      for (const entry of entries.slice(from, from + size)) await foldEntry(entry, set, app.app.store);
      await store.commit({ rows: set.rows(clock.now()) });
    }
    return await weeksOf(store);
  } finally {
    await store.close();
    await rm(place, { recursive: true, force: true });
  }
}
