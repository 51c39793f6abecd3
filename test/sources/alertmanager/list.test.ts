import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { incomingEvent } from '../../../src/model/event.ts';
import type { Listing } from '../../../src/ports/source.ts';
import source from '../../../src/sources/alertmanager/index.ts';
import {
  type AlertmanagerDouble,
  fingerprintOfLabels,
  type HeldAlert,
  startAlertmanagerDouble,
} from '../../doubles/alertmanager.ts';
import { normalise } from '../helpers.ts';

const now = Date.UTC(2026, 10, 20, 12);
const labels = { alertname: 'DiskFull', instance: 'db-1', severity: 'critical' };

let double: AlertmanagerDouble;
beforeEach(async () => {
  double = await startAlertmanagerDouble(() => now);
});
afterEach(() => double.close());

function held(facts: Partial<HeldAlert> = {}): HeldAlert {
  const annotations = { summary: 'The disk is full', runbook_url: 'https://runbooks.example/disk' };
  return { labels, annotations, startsAt: now - 600_000, endsAt: now + 240_000, ...facts };
}

async function list(options: object = {}): Promise<Listing> {
  const given = source.options.parse({ url: `${double.url}/`, ...options });
  const tools = { fetch, signal: AbortSignal.timeout(20_000), clock: systemClock };
  const listing = await source.listFiring?.(given, tools);
  if (listing === undefined) throw new Error('it has no list');
  return listing;
}
const alertsOf = (listing: Listing) => (listing.ok ? listing.alerts : []);

describe('what it lists', () => {
  test('each alert as the webhook brings it, but for the link that only the webhook has', async () => {
    double.alerts = [held()];
    const listing = await list();
    const alert = { ...held(), startsAt: new Date(now - 600_000).toISOString(), endsAt: '0001-01-01T00:00:00Z' };
    const facts = {
      status: 'firing',
      fingerprint: fingerprintOfLabels(labels),
      generatorURL: 'http://127.0.0.1:9090/graph',
    };
    const [delivered] = normalise(source, JSON.stringify({ alerts: [{ ...alert, ...facts }] }), {}, now).events;
    expect(listing).toEqual({
      ok: true,
      at: now,
      alerts: [
        {
          event: { ...delivered, stretch: 'startsAt' },
          silenced: null,
          endsAt: now + 240_000,
          receivers: ['tocsin'],
        },
      ],
      receivers: ['tocsin', 'chat', 'mail'],
    });
    expect(alertsOf(listing).map(({ event }) => incomingEvent.parse(event))).toHaveLength(1);
  });

  test('it asks for all alerts, silenced and inhibited ones too', async () => {
    await list();
    const [path = ''] = double.asked;
    expect(path).toBe('/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true');
  });

  test('not those that ended by its clock', async () => {
    double.alerts = [held({ endsAt: now - 1000 })];
    expect(await list()).toMatchObject({ ok: true, alerts: [] });
  });

  test('all receivers, where they can be read', async () => {
    expect(await list()).toMatchObject({ receivers: ['tocsin', 'chat', 'mail'] });
    double.receivers = null;
    expect(await list()).toMatchObject({ ok: true, receivers: undefined });
  });

  test('the receivers of each', async () => {
    double.alerts = [held({ receivers: ['mail', 'tocsin'] })];
    expect(alertsOf(await list())[0]?.receivers).toEqual(['mail', 'tocsin']);
  });

  test('5,000 alerts, without a stop of the loop for all of them', async () => {
    double.alerts = Array.from({ length: 5000 }, (_, n) => held({ labels: { ...labels, instance: `db-${n}` } }));
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    count();
    const listing = await list();
    over = true;
    expect(alertsOf(listing)).toHaveLength(5000);
    expect(new Set(alertsOf(listing).map(({ event }) => event.fingerprint)).size).toBe(5000);
    expect(turns).toBeGreaterThan(50);
  });
});

describe('what keeps an alert quiet', () => {
  const silencedOf = async () => alertsOf(await list())[0]?.silenced;

  test('a silence, by whom, why and until when', async () => {
    double.silences.set('5f1e', { createdBy: 'alice', comment: 'planned work', endsAt: now + 3_600_000 });
    double.alerts = [held({ silencedBy: ['5f1e'] })];
    expect(await silencedOf()).toEqual({ by: 'alice: planned work', until: now + 3_600_000 });
  });

  test('several: it is over with the last of them', async () => {
    double.silences.set('a', { createdBy: 'alice', comment: '', endsAt: now + 1000 });
    double.silences.set('b', { createdBy: 'bob', comment: '', endsAt: now + 2000 });
    double.alerts = [held({ silencedBy: ['b', 'a'] })];
    expect(await silencedOf()).toEqual({ by: 'bob, alice', until: now + 2000 });
  });

  test('one that cannot be read is a silence', async () => {
    double.alerts = [held({ silencedBy: ['gone'] })];
    expect(await silencedOf()).toEqual({ by: 'a silence', until: null });
  });

  test('each silence is asked for once', async () => {
    double.silences.set('5f1e', { createdBy: 'alice', comment: '', endsAt: now + 3_600_000 });
    double.alerts = ['a', 'b', 'c'].map(instance => held({ labels: { ...labels, instance }, silencedBy: ['5f1e'] }));
    await list();
    expect(double.asked.filter(path => path.includes('/silence/'))).toEqual(['/api/v2/silence/5f1e']);
  });

  test('another alert, by its name', async () => {
    const down = { alertname: 'DatacentreDown' };
    double.alerts = [held({ inhibitedBy: [fingerprintOfLabels(down)] }), held({ labels: down })];
    expect(await silencedOf()).toEqual({ by: 'the alert DatacentreDown', until: null });
  });

  test('a time interval, as newer releases tell', async () => {
    double.alerts = [held({ mutedBy: ['weekends'] })];
    expect(await silencedOf()).toEqual({ by: 'the time interval weekends', until: null });
  });
});

describe('nothing may be closed', () => {
  beforeEach(() => {
    double.alerts = [held(), held({ labels: { ...labels, instance: 'db-2' } })];
  });

  test('after an Alertmanager that is young, until it has settled', async () => {
    double.since = now - 60_000;
    expect(await list()).toEqual({ ok: false, because: 'Alertmanager started a moment ago' });
    expect(await list({ settle: '30s' })).toMatchObject({ ok: true });
  });

  test('while its cluster settles', async () => {
    double.cluster = 'settling';
    expect(await list()).toEqual({ ok: false, because: 'the cluster of Alertmanager is settling' });
  });

  test.each(['cut', 'error', 'closed', 'html'] as const)('after a list that is %s: it rejects', async how => {
    double.list = how;
    await expect(list()).rejects.toThrow();
  });

  test('after a list that is too large', async () => {
    const annotations = { summary: 'x', description: 'y'.repeat(1024 * 1024) };
    double.alerts = Array.from({ length: 17 }, (_, n) => held({ labels: { n: `${n}` }, annotations }));
    await expect(list()).rejects.toThrow('more than 16777216 bytes');
  });

  test('after an alert that is not as documented', async () => {
    double.alerts = [{ ...held(), labels: { n: 1 as unknown as string } }];
    await expect(list()).rejects.toThrow();
  });
});

describe('the way to it', () => {
  const parse = (given: object) => source.options.safeParse(given);

  test.each(['https://alerts.example', 'http://127.0.0.1:9093', 'http://localhost:9093', 'http://[::1]:9093'])(
    '%s is safe',
    url => {
      expect(parse({ url }).success).toBe(true);
    },
  );

  test.each(['http://alertmanager:9093', 'http://10.0.0.1', 'HTTP://127.0.0.1.example', 'http://localhost.example'])(
    '%s is refused, with the option that allows it',
    url => {
      const refused = parse({ url });
      expect(refused.error?.issues).toEqual([
        expect.objectContaining({ path: ['url'], message: expect.stringContaining('insecure: true') }),
      ]);
      expect(parse({ url, insecure: true }).success).toBe(true);
    },
  );

  test('insecure is said or left out, never denied', () => {
    expect(parse({ insecure: false }).success).toBe(false);
  });
});

test('the receivers of its option', () => {
  const receivers = (given: object) => source.receivers?.(source.options.parse(given));
  expect(receivers({})).toEqual([]);
  expect(receivers({ receiver: 'tocsin' })).toEqual(['tocsin']);
  expect(receivers({ receiver: ['a', 'b'] })).toEqual(['a', 'b']);
});
