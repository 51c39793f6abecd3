import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { type Alert, foldAlert } from '../../../src/model/alert.ts';
import type { Sight } from '../../../src/model/look.ts';
import type { CheckTools } from '../../../src/ports/check.ts';
import source from '../../../src/sources/grafana/index.ts';
import { fingerprintOfLabels } from '../../doubles/alertmanager.ts';
import { type GrafanaDouble, startGrafanaDouble } from '../../doubles/grafana.ts';
import { alertsOf, normalise } from '../helpers.ts';

const now = Date.UTC(2026, 10, 20, 12);
const labels = { alertname: 'DiskFull', grafana_folder: 'SRE', severity: 'critical' };
/** As its API has them, with the private one. */
const own = { ...labels, __alert_rule_uid__: 'u1' };

let grafana: GrafanaDouble;
beforeEach(async () => {
  grafana = await startGrafanaDouble(() => now);
});
afterEach(() => grafana.close());

const held = (facts: object = {}) => ({
  labels: own,
  annotations: { summary: 'The disk is full', __values__: '{"A":93}', __orgId__: '1' },
  startsAt: now - 600_000,
  endsAt: now + 240_000,
  ...facts,
});
const options = (more: object = {}) =>
  source.options.parse({ url: `${grafana.url}/`, apiToken: 'glsa_double', ...more });
const tools = () => ({ fetch, signal: AbortSignal.timeout(20_000), clock: systemClock });
const list = async (more: object = {}) => await source.listFiring?.(options(more), tools());

/** The alert as a webhook opened it. */
function known(): Alert {
  const fingerprint = fingerprintOfLabels(own);
  const startsAt = new Date(now - 600_000).toISOString();
  const body = { alerts: [{ status: 'firing', labels, annotations: {}, startsAt, fingerprint }] };
  const [fired] = alertsOf(normalise(source, JSON.stringify(body)).events);
  if (fired === undefined) throw new Error('it fires');
  const event = { id: 'evt_1', source: 'grafana', receivedAt: now, raw: null, trusted: true, body: fired };
  return foldAlert(null, event, 'opened', 'alt_1');
}

describe('the list of Grafana', () => {
  test('has each alert as the webhook brings it, its contact points and silences', async () => {
    grafana.alerts = [held({ silencedBy: ['s1'] })];
    grafana.silences.set('s1', { createdBy: 'alice', comment: 'known', endsAt: now + 60_000 });
    expect(await list()).toMatchObject({
      ok: true,
      at: now,
      alerts: [
        {
          event: {
            fingerprint: known().fingerprint,
            labels,
            stretch: 'startsAt',
            annotations: { summary: 'The disk is full', grafana_values: 'A=93', grafana_rule_uid: 'u1' },
          },
          silenced: { by: 'alice: known', until: now + 60_000 },
          endsAt: now + 240_000,
          receivers: ['tocsin'],
        },
      ],
      receivers: ['tocsin', 'chat', 'mail'],
    });
  });

  test('is empty when nothing fires, by the rules neither', async () => {
    grafana.rules = [
      { labels, state: 'Normal (MissingSeries)' },
      { labels: { alertname: 'B' }, state: 'Pending' },
    ];
    expect(await list()).toMatchObject({ ok: true, alerts: [] });
  });

  test.each(['Alerting', 'Alerting (NoData)', 'Recovering'])(
    'proves nothing while a rule that it lacks is %s, as after a restart',
    async state => {
      grafana.rules = [{ labels, state }];
      expect(await list()).toMatchObject({ ok: false, because: expect.stringContaining('started a moment ago') });
      grafana.alerts = [held()];
      expect(await list()).toMatchObject({ ok: true, alerts: [{}] });
    },
  );

  test('has no label without a value, which the state of a rule has', async () => {
    grafana.rules = [{ labels: { ...labels, team: '' }, state: 'Alerting' }];
    grafana.alerts = [held()];
    expect(await list()).toMatchObject({ ok: true, alerts: [{}] });
  });

  test.each([
    ['NoData', 'DatasourceNoData'],
    ['Error', 'DatasourceError'],
  ])('has a rule in the state %s as %s', async (state, alertname) => {
    grafana.rules = [{ labels, state }];
    grafana.alerts = [held()];
    expect(await list()).toMatchObject({ ok: false });
    grafana.alerts = [held({ labels: { ...own, alertname, rulename: 'DiskFull' } })];
    expect(await list()).toMatchObject({ ok: true });
  });

  test('is not had without the token, and not from what is no Grafana', async () => {
    await expect(list({ apiToken: 'other' })).rejects.toThrow('Grafana answered 401');
    grafana.list = 'html';
    await expect(list()).rejects.toThrow();
  });
});

describe('one alert', () => {
  const look = async (): Promise<Sight | undefined> => await source.look?.(known(), options(), tools());

  test('fires while it is listed, until when it says', async () => {
    grafana.alerts = [held()];
    expect(await look()).toEqual({ state: 'firing', at: now, endsAt: now + 240_000 });
  });

  test('is gone when neither list nor rule has it; another that fires says nothing', async () => {
    grafana.rules = [{ labels: { ...labels, host: 'other' }, state: 'Alerting' }];
    expect(await look()).toMatchObject({ state: 'gone' });
  });

  test('is in doubt while its rule fires', async () => {
    grafana.rules = [{ labels, state: 'Alerting' }];
    expect(await look()).toMatchObject({ state: 'unknown' });
  });
});

describe('what tocsin doctor says', () => {
  const check = async (more: object = {}) => await source.check?.(options(more), tools() as CheckTools);

  test('that all is well', async () => {
    expect(await check({ secret: 's', timestampHeader: 'X-Time' })).toEqual([
      { what: 'the API of Grafana', state: 'ok' },
    ]);
  });

  test('that deliveries can be sent again, that the token is wrong, that nobody can ask', async () => {
    expect(await check({ secret: 's', apiToken: 'other' })).toMatchObject([
      { what: 'the signature of Grafana', state: 'warning' },
      { state: 'bad', because: expect.stringContaining('401'), page: `${grafana.url}/org/serviceaccounts` },
    ]);
    expect(await check({ url: undefined, apiToken: undefined })).toMatchObject([{ state: 'warning' }]);
    const plain = await check({ url: 'http://grafana.invalid', insecure: true });
    expect(plain?.[0]).toMatchObject({ what: 'the way to Grafana', state: 'warning' });
  });
});
