import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { createClock } from '../doubles/clock.ts';
import { countRounds } from '../flow/origin/rounds.ts';
import { eventually, findPrograms, freePort } from './programs.ts';
import { type Alertmanager, makeFolder, startAlertmanager, startPrometheus, startTarget } from './real.ts';

const { programs, missing } = findPrograms();
const token = 'a token for tests';
const minute = 60_000;

const iso = (at: number) => new Date(at).toISOString();

/** The clock of Tocsin is moved by hand, so that its rounds need no waiting; that of Alertmanager is real. */
describe.skipIf(missing !== null)('what a real Alertmanager lists, and what is live here', { timeout: 180_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  const rounds = countRounds(createClock(Date.now()));
  let app: TestApp;
  let alertmanager: Alertmanager;
  let folder: string;
  let start: () => Promise<Alertmanager>;

  beforeAll(async () => {
    const made = await makeFolder();
    folder = made.folder;
    cleanUp.defer(made.remove);
    const port = await freePort();
    const source = `{ token: ${token}, url: "http://127.0.0.1:${port}", settle: 1ms }`;
    app = await startTestApp(
      {
        'tocsin.yaml': `sources: { alertmanager: ${source} }\ntokens: [{ env: ALICE, person: alice }]\npeople: { alice: {} }\n`,
      },
      { clock: rounds.clock, wrapStore: rounds.wrapStore },
    );
    cleanUp.defer(() => app.stop());
    const webhook = { url: `${app.app.url}/events/alertmanager`, token };
    const more = {
      // Its webhook would come in an hour.
      routes: [{ receiver: 'tocsin', matchers: ['alertname="Late"'], group_by: ['...'], group_wait: '1h' }],
      inhibit_rules: [{ source_matchers: ['alertname="SiteDown"'], target_matchers: ['alertname="Inhibited"'] }],
    };
    start = async () => {
      const started = await startAlertmanager(programs?.alertmanager ?? '', folder, webhook, port, more);
      await eventually('it is not young any more', async () => {
        const answer = await fetch(`${started.url}/api/v2/status`);
        const { uptime } = (await answer.json()) as { uptime: string };
        // The clock of an answer has whole seconds, so it is behind for a moment.
        return Date.parse(answer.headers.get('date') ?? '') > Date.parse(uptime) ? true : null;
      });
      return started;
    };
    alertmanager = await start();
  });
  afterAll(async () => {
    await alertmanager?.program.stop();
    await cleanUp.disposeAsync();
  });

  async function find(name: string): Promise<Alert | undefined> {
    return (await app.app.store.alerts({})).find(alert => alert.labels['alertname'] === name);
  }
  const until = (name: string, state: Alert['state']) =>
    eventually(`${name} is ${state}`, async () => {
      const alert = await find(name);
      return alert?.state === state ? alert : null;
    });
  async function round(count: number): Promise<void> {
    for (let n = 0; n < count; n++) await rounds.next(app.until);
  }
  /** Posts it as Prometheus does, begun five minutes ago. */
  const post = (alertname: string, endsAt = Date.now() + 60 * minute) =>
    alertmanager.post([{ labels: { alertname }, startsAt: iso(Date.now() - 5 * minute), endsAt: iso(endsAt) }]);

  async function silence(alertname: string): Promise<void> {
    const matchers = [{ name: 'alertname', value: alertname, isRegex: false }];
    const times = { startsAt: iso(Date.now()), endsAt: iso(Date.now() + 30 * minute) };
    const body = JSON.stringify({ matchers, ...times, createdBy: 'alice', comment: 'planned work' });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${alertmanager.url}/api/v2/silences`, { method: 'POST', headers, body });
    expect(answer.status).toBe(200);
  }

  test('an alert whose webhook does not come is opened, once its receiver is known', async () => {
    await post('Late');
    await round(3);
    expect(await find('Late')).toBeUndefined();
    await post('Known');
    await until('Known', 'firing');
    await round(3);
    const late = await until('Late', 'firing');
    expect(late).toMatchObject({ trusted: true, count: 1, startsAt: expect.any(Number) });
  });

  test('a silence is shown; an end in it, whose resolve never comes, closes the alert', async () => {
    await post('Silenced');
    await until('Silenced', 'firing');
    await silence('Silenced');
    await round(2);
    const silenced = await until('Silenced', 'silenced');
    expect(silenced.silencedAtOrigin).toEqual({ by: 'alice: planned work', until: expect.any(Number) });
    await post('Silenced', Date.now());
    await round(3);
    const closed = await until('Silenced', 'resolved');
    expect(closed).toMatchObject({ end: { how: 'gone', because: null }, silencedAtOrigin: null });
  });

  test('an inhibition is shown, with the alert that inhibits, and is over with it', async () => {
    await post('Inhibited');
    await until('Inhibited', 'firing');
    await post('SiteDown');
    await until('SiteDown', 'firing');
    await round(2);
    const inhibited = await until('Inhibited', 'silenced');
    expect(inhibited.silencedAtOrigin).toEqual({ by: 'the alert SiteDown', until: null });
    await post('SiteDown', Date.now());
    await until('SiteDown', 'resolved');
    await round(2);
    expect(await until('Inhibited', 'firing')).toMatchObject({ silencedAtOrigin: null });
  });

  async function kill(): Promise<void> {
    process.kill(alertmanager.program.pid, 'SIGKILL');
    await alertmanager.program.ended;
  }

  test('what Alertmanager forgot when it was killed is closed', async () => {
    await post('Forgotten');
    await until('Forgotten', 'firing');
    await round(2);
    await kill();
    await round(2);
    expect(await find('Forgotten')).toMatchObject({ state: 'firing' });
    alertmanager = await start();
    await round(3);
    expect(await until('Forgotten', 'resolved')).toMatchObject({ end: { how: 'gone', because: null } });
  });

  test('a resolve of Prometheus that Alertmanager does not pass on, because it was killed, is made up for', async () => {
    const target = await startTarget(folder);
    cleanUp.defer(async () => void (await target.program.stop()));
    const prometheus = await startPrometheus(programs?.prometheus ?? '', folder, {
      alertmanager: alertmanager.url,
      targets: [{ job: 'sample', address: target.address }],
      rules: [{ alert: 'TargetDown', expr: 'up == 0' }],
    });
    cleanUp.defer(async () => void (await prometheus.stop()));
    await until('TargetDown', 'firing');
    await round(2);
    await kill();
    await writeFile(target.file, '');
    alertmanager = await start();
    await eventually('nothing fires there', async () => {
      const answer = await fetch(`${alertmanager.url}/api/v2/alerts?filter=alertname=TargetDown`);
      return ((await answer.json()) as unknown[]).length === 0 ? true : null;
    });
    await round(3);
    const closed = await until('TargetDown', 'resolved');
    expect(closed).toMatchObject({ episode: 1, end: { how: 'gone' } });
    // The webhook told only that it fires: what closed it has no delivery.
    const news = (await app.app.store.stream(`alert/${closed.id}`)).flatMap(({ fact }) =>
      fact.kind === 'event.accepted' ? [[fact.effect, fact.event.raw !== null]] : [],
    );
    expect(news).toEqual([
      ['opened', true],
      ['resolved', false],
    ]);
  });
});
