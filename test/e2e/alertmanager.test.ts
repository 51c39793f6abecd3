import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { parseStrictJson } from '../../src/kernel/strict-json.ts';
import { type Alert, effectOf, foldAlert } from '../../src/model/alert.ts';
import type { IncomingAlert } from '../../src/model/event.ts';
import type { Delivery } from '../../src/ports/source.ts';
import source from '../../src/sources/alertmanager/index.ts';
import { eventually, findPrograms, freePort } from './programs.ts';
import { type Alertmanager, makeFolder, startAlertmanager } from './real.ts';

const { programs, missing } = findPrograms();
const token = 'a token for tests';

/** A webhook that keeps what Alertmanager posts. */
async function startReceiver() {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    deliveries.push({ headers: request.headers as Delivery['headers'], body: await readAll(request), at: Date.now() });
    response.writeHead(202).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, deliveries, close: () => new Promise<void>(resolve => server.close(() => resolve())) };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.skipIf(missing !== null)('the source alertmanager with a real Alertmanager', () => {
  const cleanUp = new AsyncDisposableStack();
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let alertmanager: Alertmanager;
  const options = () => source.options.parse({ token, url: alertmanager.url, settle: '1ms' });

  beforeAll(async () => {
    const { folder, remove } = await makeFolder();
    cleanUp.defer(remove);
    receiver = await startReceiver();
    cleanUp.defer(() => receiver.close());
    const webhook = { url: receiver.url, token };
    alertmanager = await startAlertmanager(programs?.alertmanager ?? '', folder, webhook, await freePort());
    cleanUp.defer(async () => void (await alertmanager.program.stop()));
  });
  afterAll(() => cleanUp.disposeAsync());

  /** The alerts of all deliveries about this alertname, in order. */
  function alertsNamed(alertname: string): { alert: IncomingAlert; delivery: Delivery }[] {
    return receiver.deliveries.flatMap(delivery => {
      expect(source.verify(delivery, options())).toEqual({ ok: true, by: 'bearer' });
      const { events } = source.normalise(parseStrictJson(delivery.body), delivery, options());
      const alerts = events.filter(event => event.kind === 'alert' && event.labels['alertname'] === alertname);
      return alerts.map(alert => ({ alert: alert as IncomingAlert, delivery }));
    });
  }
  const nth = (name: string, count: number) =>
    eventually(`delivery ${count} of ${name}`, async () => alertsNamed(name)[count - 1] ?? null);

  function known(news: IncomingAlert): Alert {
    const event = { id: 'evt_1', source: 'alertmanager', receivedAt: Date.now(), raw: null, trusted: true, body: news };
    return foldAlert(null, event, 'opened', 'alt_1');
  }
  const asks = async (alert: IncomingAlert) =>
    (await source.look?.(known(alert), options(), { fetch, signal: AbortSignal.timeout(10_000), clock: systemClock }))
      ?.state;

  test('its webhook is taken, and it is asked at once whether the alert fires', async () => {
    const labels = { alertname: 'Asked', instance: 'a"b\\c', severity: 'critical', odd: 'ä 🔥' };
    await alertmanager.post([{ labels, annotations: { summary: 'It is asked' }, startsAt: new Date().toISOString() }]);
    const { alert } = await nth('Asked', 1);
    expect(alert).toMatchObject({ state: 'firing', title: 'It is asked', severity: 'critical', labels, endsAt: null });
    expect(await asks(alert)).toBe('firing');
    await alertmanager.post([
      { labels, startsAt: new Date(alert.startsAt).toISOString(), endsAt: new Date().toISOString() },
    ]);
    expect(await eventually('it is resolved', async () => ((await asks(alert)) === 'gone' ? 'gone' : null))).toBe(
      'gone',
    );
    const { alert: resolved } = await nth('Asked', 2);
    expect(resolved).toMatchObject({ state: 'resolved', fingerprint: alert.fingerprint, startsAt: alert.startsAt });
    expect(resolved.endsAt).toBeGreaterThanOrEqual(alert.startsAt);
  });

  test('a young Alertmanager that lists nothing proves nothing', async () => {
    const labels = { alertname: 'Nobody', instance: 'x' };
    await alertmanager.post([{ labels, startsAt: new Date().toISOString() }]);
    const { alert } = await nth('Nobody', 1);
    const tools = { fetch, signal: AbortSignal.timeout(10_000), clock: systemClock };
    const settling = source.options.parse({ url: alertmanager.url, settle: '1h' });
    expect(
      await source.look?.(known({ ...alert, fingerprint: 'none', labels: { alertname: 'None' } }), settling, tools),
    ).toMatchObject({ state: 'unknown' });
    expect(await source.look?.(known(alert), settling, tools)).toMatchObject({ state: 'firing' });
  });

  test('an alert that is live again comes with the same bytes, and reopens its episode', async () => {
    const labels = { alertname: 'Again', instance: 'x' };
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    const soon = () => new Date(Date.now() + 600_000).toISOString();
    await alertmanager.post([{ labels, startsAt, endsAt: soon() }]);
    const first = await nth('Again', 1);
    await alertmanager.post([{ labels, startsAt, endsAt: new Date().toISOString() }]);
    const second = await nth('Again', 2);
    await alertmanager.post([{ labels, startsAt, endsAt: soon() }]);
    const third = await nth('Again', 3);
    expect(second.alert.state).toBe('resolved');
    expect(third.delivery.body.equals(first.delivery.body)).toBe(true);

    const opened = known(first.alert);
    const event = {
      id: 'evt_2',
      source: 'alertmanager',
      receivedAt: second.delivery.at,
      raw: null,
      trusted: true,
      body: second.alert,
    };
    const resolved = foldAlert(opened, event, effectOf(opened, second.alert), opened.id);
    expect(resolved.state).toBe('resolved');
    expect(effectOf(resolved, third.alert)).toBe('reopened');
  });
});
