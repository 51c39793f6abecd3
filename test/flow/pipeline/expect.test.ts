import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { startExpectations } from '../../../src/flow/pipeline/expect.ts';
import { createIntake } from '../../../src/flow/pipeline/intake.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { createIds } from '../../../src/kernel/ids.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { system } from '../../../src/model/actor.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { paceOf } from '../../../src/model/expectation.ts';
import { streamOf } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';
import { auto } from '../files.ts';

const minutes = 60_000;
/** No other part of the process sleeps for a tenth of this, so that a test sees when the watch has done its work. */
const every = 7 * minutes;
const pace = paceOf(every);
/** The first looks after a restart are closer together. */
const paces = [pace, pace / 2, pace / 4, pace / 8];
const one = expecting('{ match: { alertname: Watchdog }, every: 7m }');
const restart = `
title: Restart Prometheus
risk: low
on: [{ source: expect, match: { expect: Watchdog } }]
steps:
  - id: restart
    exec: [echo, restarted]
`;

function expecting(text: string, config = basicConfig): string {
  return `${config}expect: ${text}\n`;
}

/** A clock that tells when the watch sleeps again: then all that it had to do is done. */
function createWatchClock() {
  const clock = createClock();
  let suspended = 0;
  let waiting = Promise.withResolvers<void>();
  return {
    ...clock,
    monotonic: () => clock.monotonic() + suspended,
    /** As after SIGSTOP and SIGCONT: time went by, and nothing ran. */
    suspend(ms: number) {
      suspended += ms;
    },
    sleep(ms: number, signal?: AbortSignal) {
      const slept = clock.sleep(ms, signal);
      if (paces.includes(ms)) waiting.resolve();
      return slept;
    },
    next() {
      waiting = Promise.withResolvers<void>();
      return waiting.promise;
    },
  };
}

let clock: ReturnType<typeof createWatchClock>;
let app: TestApp;
afterEach(() => app.stop());

async function start(
  config: string,
  options: {
    folder?: string;
    clock?: typeof clock;
    files?: Record<string, string>;
    wrapStore?: (s: Store) => Store;
  } = {},
): Promise<void> {
  clock = options.clock ?? createWatchClock();
  const { folder, wrapStore } = options;
  const sleeps = clock.next();
  app = await startTestApp(
    { 'tocsin.yaml': config, ...options.files },
    { clock, keep: true, ...(folder && { folder }), ...(wrapStore && { wrapStore }) },
  );
  await sleeps;
}

/** Lets time pass, as the process sees it when it is not suspended. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += pace) await lookAfter(pace);
}

async function lookAfter(ms: number, of = clock): Promise<void> {
  const sleeps = of.next();
  await of.advance(ms);
  await sleeps;
}

/** Ends the process and begins another after so many milliseconds. */
async function restartAfter(ms: number, config = one): Promise<void> {
  const { folder } = app;
  await app.stop();
  await clock.advance(ms);
  await start(config, { folder, clock });
  for (const part of paces.slice(1).reverse()) await lookAfter(part);
}

/** Another process that watches on the same store and files, by a clock of its own. */
async function watch(clock: ReturnType<typeof createWatchClock>) {
  const { store, catalogue } = app.app;
  const feed = createFeed({ store, log: silentLog, sleep: clock.sleep });
  const common = { clock, log: silentLog, store, catalogue, feed, metrics: createMetrics().metrics };
  const sleeps = clock.next();
  const intake = createIntake({ ...common, ids: createIds(clock) });
  const watching = await startExpectations({ ...common, intake, listening: () => true });
  await sleeps;
  return watching;
}

async function edit(config: string): Promise<void> {
  await writeFile(join(app.folder, 'tocsin.yaml'), config);
  const sleeps = clock.next();
  await app.app.catalogue.reload();
  await sleeps;
}

/** Delivers the watchdog, by name of its source. */
async function beat(facts: { source?: string; secret?: string | null; status?: string; of?: string } = {}) {
  const { source = 'alertmanager', secret = 'alert-secret', status = 'firing', of = 'a' } = facts;
  const { status: code } = await app.call('POST', `/events/${source}`, {
    as: null,
    ...(secret !== null && { headers: { authorization: `Bearer ${secret}` } }),
    body: {
      ...{ receiver: 'tocsin', status, groupLabels: {}, commonLabels: {}, commonAnnotations: {} },
      ...{ externalURL: 'http://127.0.0.1', version: '4', groupKey: '{}', truncatedAlerts: 0 },
      alerts: [
        {
          ...{ status, labels: { alertname: 'Watchdog', severity: 'none', cluster: of }, annotations: {} },
          ...{ startsAt: '2025-12-01T00:00:00Z', generatorURL: '', fingerprint: `watchdog-${of}` },
          endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2025-12-02T00:00:00Z',
        },
      ],
    },
  });
  expect(code).toBe(202);
}

async function told(): Promise<Alert[]> {
  return (await app.app.store.alerts({})).filter(alert => alert.source === 'expect');
}
const states = async () => (await told()).map(alert => `${alert.state} ${alert.episode}`);

describe('an alert that must keep coming', () => {
  test('and is never heard opens an alert after the time, not before, and starts a runbook', async () => {
    await start(one, { files: { 'policy.yaml': auto, 'runbooks/restart.yaml': restart } });
    const begun = clock.now();
    await pass(every - pace);
    expect(await told()).toEqual([]);
    await pass(pace);
    expect(await told()).toMatchObject([
      {
        state: 'firing',
        severity: 'critical',
        trusted: true,
        title: 'Watchdog has not been heard of for 7m',
        labels: { expect: 'Watchdog' },
        startsAt: begun + every,
      },
    ]);
    expect((await told())[0]?.annotations['description']).toContain('never been heard');
    const run = await app.until(async () => (await app.runs())[0]);
    expect(await app.ended(run.id)).toMatchObject({ state: 'succeeded', runbook: 'restart' });
    const { status, body } = await app.call('GET', `/api/v1/explain/${(await told())[0]?.id}`);
    expect({ status, holds: body.runbooks[0].holds }).toEqual({ status: 200, holds: true });
  });

  test('resolves when it is heard, and opens anew when it stays away again', async () => {
    await start(one);
    await pass(every);
    expect(await states()).toEqual(['firing 1']);
    await beat();
    const heard = clock.now();
    await app.until(async () => (await states())[0] === 'resolved 1');
    expect(await told()).toMatchObject([{ resolvedAt: heard, end: { how: 'told' }, startsAt: heard }]);
    await pass(every - pace);
    expect(await states()).toEqual(['resolved 1']);
    await pass(pace);
    expect(await states()).toEqual(['firing 2']);
    expect((await told())[0]?.annotations['description']).toContain(new Date(heard).toISOString());
  });

  test('is missing no sooner than the time after it was heard, wherever between two looks', async () => {
    await start(one);
    await clock.advance(pace - 1000);
    await beat();
    const sleeps = clock.next();
    await clock.advance(10_000);
    await sleeps;
    await pass(every - pace);
    expect(await told()).toEqual([]);
    await pass(pace);
    expect(await states()).toEqual(['firing 1']);
  });

  test('is not heard by a test of its source, which blames nobody for the lack of a proof', async () => {
    await start(expecting('{ match: { tocsin_test: "true" }, every: 7m }'));
    await pass(every - pace);
    expect(await app.call('POST', '/api/v1/sources/alertmanager/test')).toMatchObject({ status: 200 });
    await pass(2 * pace);
    const text = (await told())[0]?.annotations['description'];
    expect(text).toContain('never been heard');
    expect(text).not.toContain('without proof');
  });

  test('is told again while it stays away, which opens nothing more', async () => {
    await start(one);
    await pass(every);
    await pass(every);
    expect(await told()).toMatchObject([{ episode: 1, count: 2 }]);
  });

  test('is not told again after an operator closed it, until it was heard once more', async () => {
    await start(one);
    await pass(every);
    const [alert] = await told();
    if (alert === undefined) throw new Error('it is missing');
    const closed = { state: 'resolved', resolvedAt: clock.now(), end: { how: 'closed', because: null } } as const;
    await app.app.store.commit({
      entries: [
        {
          stream: streamOf.alert(alert.id),
          actor: system,
          at: clock.now(),
          fact: { kind: 'alert.noted', alert: alert.id, text: 'closed' },
        },
      ],
      rows: [{ table: 'alert', doc: { ...alert, ...closed, version: alert.version + 1 } }],
    });
    await pass(2 * every);
    await restartAfter(60 * minutes);
    await pass(2 * every);
    expect(await states()).toEqual(['resolved 1']);
    await beat();
    await pass(every + pace);
    expect(await states()).toEqual(['firing 2']);
  });

  test('is there as long as any that matches comes', async () => {
    await start(one);
    for (const of of ['a', 'b', 'b', 'b']) {
      await beat({ of });
      await pass(every / 2);
    }
    expect(await told()).toEqual([]);
  });

  test('may be a notice, such as that of a job that is done', async () => {
    const config = basicConfig.replace(
      'sources:',
      `sources:
  jobs:
    type: webhook
    auth: { bearer: t }
    map: { fingerprint: body.job, state: '"notice"', title: body.job, labels: { job: body.job } }`,
    );
    await start(expecting('{ name: backup, match: { job: nightly }, every: 7m }', config));
    const done = (job: string) =>
      app.call('POST', '/events/jobs', { as: null, headers: { authorization: 'Bearer t' }, body: { job } });
    await pass(every - pace);
    expect((await done('nightly')).status).toBe(202);
    await pass(every - pace);
    expect(await told()).toEqual([]);
    expect((await done('weekly')).status).toBe(202);
    await pass(2 * pace);
    expect(await states()).toEqual(['firing 1']);
  });

  test('is not heard in a resolve, in a delivery that anybody could have sent, or from another source', async () => {
    const config = basicConfig.replace(
      'sources:',
      'sources:\n  open: { type: alertmanager }\n  other: { type: alertmanager, token: t }',
    );
    await start(
      expecting(
        '[{ match: { alertname: Watchdog }, every: 7m, source: alertmanager }, { name: any, match: { cluster: a }, every: 7m }]',
        config,
      ),
    );
    await beat();
    await pass(pace);
    await beat({ status: 'resolved' });
    await beat({ source: 'open', secret: null });
    await pass(every - 2 * pace);
    await beat({ source: 'other', secret: 't', of: 'b' });
    await pass(2 * pace);
    const found = await told();
    expect(found.map(alert => [alert.labels['expect'], alert.state]).sort()).toEqual([
      ['Watchdog', 'firing'],
      ['any', 'firing'],
    ]);
    const text = found.find(alert => alert.labels['expect'] === 'any')?.annotations['description'];
    expect(text).toContain('open brought it without proof');
  });
});

describe('a start', () => {
  test('after a long time waits the whole time once more, and says then what it heard last', async () => {
    await start(one);
    await beat();
    const heard = clock.now();
    await pass(every - pace);
    await restartAfter(60 * minutes);
    await pass(every - pace);
    expect(await told()).toEqual([]);
    await pass(pace);
    expect((await told())[0]?.annotations['description']).toContain(new Date(heard).toISOString());
  });

  test('again and again, each sooner than the time, does not put it off for ever', async () => {
    await start(one);
    for (let n = 0; n < 4; n++) {
      await pass(4 * pace);
      expect(await told()).toEqual([]);
      await restartAfter(5 * minutes);
    }
    await pass(4 * pace);
    expect(await states()).toEqual(['firing 1']);
  });

  test('again and again, each after less than a look, does not either', async () => {
    await start(one);
    const clock = createWatchClock();
    let lives = 0;
    for (; lives < 200 && (await told()).length === 0; lives++) {
      const watching = await watch(clock);
      await lookAfter(pace / 8, clock);
      await lookAfter(pace / 4, clock);
      await watching.stop();
      await clock.advance(5 * minutes);
    }
    // In all two times the time, in parts of 3/8 of a look.
    expect(lives).toBe(Math.ceil((2 * every) / (pace * (3 / 8))));
  });

  test('that takes a moment begins nothing anew, and reads what was heard before it', async () => {
    await start(one);
    await pass(every - pace);
    await restartAfter(10_000);
    await pass(pace);
    expect(await states()).toEqual(['firing 1']);
    await beat();
    await restartAfter(10_000);
    await app.until(async () => (await states())[0] === 'resolved 1');
    await pass(every - pace);
    expect(await states()).toEqual(['resolved 1']);
  });

  test('keeps an open alert open, and opens no second one', async () => {
    await start(one);
    await pass(every);
    await restartAfter(60 * minutes);
    await pass(pace);
    expect(await told()).toMatchObject([{ state: 'firing', episode: 1 }]);
  });
});

describe('time in which nothing could be accepted', () => {
  test('is not counted against the sender', async () => {
    let down = false;
    const wrapStore = (store: Store): Store => ({
      ...store,
      commit: change =>
        down ? Promise.reject(new TocsinError('store-failed', { message: 'down' })) : store.commit(change),
    });
    await start(one, { wrapStore });
    await pass(every - pace);
    down = true;
    await pass(3 * every);
    down = false;
    await pass(every);
    expect(await told()).toEqual([]);
    await pass(pace);
    expect(await states()).toEqual(['firing 1']);
  });

  test('is also that in which the process was stopped', async () => {
    await start(one);
    await pass(every - pace);
    const sleeps = clock.next();
    clock.suspend(60 * minutes);
    await clock.advance(pace);
    await sleeps;
    expect(await told()).toEqual([]);
  });
});

test('a clock that was set back keeps no alert from opening', async () => {
  await start(one);
  await pass(every);
  await beat();
  await app.until(async () => (await states())[0] === 'resolved 1');
  clock.jump(clock.now() - 24 * 60 * minutes);
  await pass(every + pace);
  expect(await states()).toEqual(['firing 2']);
});

describe('an edit of tocsin.yaml', () => {
  const two = (more: string) => expecting(`[{ match: { alertname: Other }, every: 7m }${more}]`);
  const both = two(', { match: { alertname: Watchdog }, every: 7m }');

  test('ends the alert of what is no longer expected, with a word', async () => {
    await start(both);
    await pass(every);
    expect(await states()).toEqual(['firing 1', 'firing 1']);
    await edit(two(''));
    const ended = (await told()).find(alert => alert.labels['expect'] === 'Watchdog');
    expect(ended?.state).toBe('resolved');
    expect(ended?.annotations['description']).toContain('no longer expected');
    expect((await told()).find(alert => alert.labels['expect'] === 'Other')?.state).toBe('firing');
  });

  test('that was made while no process ran does so too', async () => {
    await start(both);
    await pass(every);
    await restartAfter(10_000, two(''));
    await pass(pace);
    expect((await told()).map(alert => `${alert.labels['expect']} ${alert.state}`).sort()).toEqual([
      'Other firing',
      'Watchdog resolved',
    ]);
  });

  test('lets what it adds, or adds again, be expected from then on', async () => {
    await start(two(''));
    await pass(every - pace);
    await edit(both);
    await pass(pace);
    await edit(two(''));
    await edit(both);
    await pass(every - pace);
    expect((await told()).map(alert => alert.labels['expect'])).toEqual(['Other']);
    await pass(pace);
    expect((await told()).map(alert => alert.labels['expect']).sort()).toEqual(['Other', 'Watchdog']);
  });

  test('that breaks the file changes nothing', async () => {
    await start(one);
    await pass(every);
    await writeFile(join(app.folder, 'tocsin.yaml'), expecting('{ match: {}, every: 7m }'));
    await app.app.catalogue.reload();
    await pass(pace);
    expect(await states()).toEqual(['firing 1']);
  });
});

test('nodes that watch at the same time tell it once', async () => {
  await start(one);
  const clocks = [createWatchClock(), createWatchClock()];
  const watching = await Promise.all(clocks.map(each => watch(each)));
  for (const part of paces.slice(1).reverse()) await Promise.all(clocks.map(each => lookAfter(part, each)));
  for (let passed = 0; passed <= every; passed += pace)
    await Promise.all([clock, ...clocks].map(each => lookAfter(pace, each)));
  await Promise.all(watching.map(one => one.stop()));
  const events = (await app.journal()).filter(({ fact }) => fact.kind === 'event.accepted');
  expect(events).toHaveLength(1);
});
