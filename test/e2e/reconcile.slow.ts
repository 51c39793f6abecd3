import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually, findPrograms, freePort } from './programs.ts';
import { type Alertmanager, makeFolder, startAlertmanager, startTocsin, type Tocsin, writeFiles } from './real.ts';

const { programs, missing } = findPrograms();
const token = 'a token for tests';
const minute = 60_000;
const alerts = z.array(z.object({ state: z.string(), episode: z.int(), labels: z.record(z.string(), z.string()) }));
const iso = (at: number) => new Date(at).toISOString();

/** With the real clocks of both: Prometheus repeats an end for 15 minutes, so a longer silence loses the resolve for ever. */
describe.skipIf(missing !== null)('a silence that outlasts the end of its alert by more than 15 minutes', () => {
  const cleanUp = new AsyncDisposableStack();
  let tocsin: Tocsin;
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    const { folder, remove } = await makeFolder();
    cleanUp.defer(remove);
    const [tocsinPort, port] = [await freePort(), await freePort()];
    await writeFiles(folder, {
      'tocsin.yaml': { sources: { alertmanager: { token, url: `http://127.0.0.1:${port}`, settle: '1s' } } },
    });
    tocsin = await startTocsin(folder, tocsinPort);
    cleanUp.defer(async () => void (await tocsin.program.stop()));
    const webhook = { url: `${tocsin.url}/events/alertmanager`, token };
    alertmanager = await startAlertmanager(programs?.alertmanager ?? '', folder, webhook, port);
    cleanUp.defer(async () => void (await alertmanager.program.stop()));
  });
  afterAll(() => cleanUp.disposeAsync());

  const find = async () => {
    const found = alerts.parse(await tocsin.get('/api/v1/alerts'));
    return found.find(({ labels }) => labels['alertname'] === 'Silenced');
  };
  const until = (state: string) =>
    eventually(
      `it is ${state}`,
      async () => {
        const found = await find();
        return found?.state === state ? found : null;
      },
      4 * minute,
    );

  test(
    'the alert is closed all the same, once and for good',
    async () => {
      const labels = { alertname: 'Silenced' };
      const startsAt = iso(Date.now() - 5 * minute);
      await alertmanager.post([{ labels, startsAt, endsAt: iso(Date.now() + 60 * minute) }]);
      await until('firing');
      const matchers = [{ name: 'alertname', value: 'Silenced', isRegex: false }];
      const times = { startsAt: iso(Date.now()), endsAt: iso(Date.now() + 17 * minute) };
      const answer = await fetch(`${alertmanager.url}/api/v2/silences`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ matchers, ...times, createdBy: 'alice', comment: '' }),
      });
      expect(answer.status).toBe(200);
      await until('silenced');
      await alertmanager.post([{ labels, startsAt, endsAt: iso(Date.now()) }]);
      expect(await until('resolved')).toMatchObject({ episode: 1 });
      // The silence ends, and nothing comes of it: the alert was forgotten there.
      await sleep(18 * minute);
      expect(await find()).toMatchObject({ state: 'resolved', episode: 1 });
    },
    30 * minute,
  );
});
