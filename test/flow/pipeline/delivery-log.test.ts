import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createDeliveryLog, type SeenDelivery } from '../../../src/flow/pipeline/delivery-log.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { DeliveryRecord } from '../../../src/model/delivery.ts';
import type { Change } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';
import { startSnsDouble, topic } from '../../doubles/sns.ts';
import { auto } from '../files.ts';

const hook = `{ auth: { hmac: { header: x-sig, secret: right } }, map: { title: body.name, fingerprint: body.name, state: '"firing"' } }`;
const config = basicConfig.replace('sources:', `sources:\n  hooks: { type: webhook, ${hook.slice(1)}`);
let test: TestApp;
afterEach(() => test?.stop());

const sign = (body: string, secret: string) => createHmac('sha256', secret).update(body).digest('hex');

async function deliver(source: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const all = { 'content-type': 'application/json', ...headers };
  return (await fetch(`${test.app.url}/events/${source}`, { method: 'POST', headers: all, body })).status;
}

const hooks = (body: string, secret = 'right') => deliver('hooks', body, { 'x-sig': sign(body, secret) });

/** The rows, once there are so many deliveries in all. */
async function rowsOf(source: string, count: number): Promise<DeliveryRecord[]> {
  return await test.until(async () => {
    const rows = await test.app.store.deliveries(source);
    return rows.reduce((sum, row) => sum + row.count, 0) >= count ? rows : null;
  });
}

describe('what became of deliveries', () => {
  it('is kept for each source: what was accepted, with its events, and what was refused, with the reason', async () => {
    test = await startTestApp({ 'tocsin.yaml': config, 'policy.yaml': auto }, { keep: true });
    expect(await hooks('{"name":"disk"}')).toBe(202);
    expect(await hooks('{"name":"disk"}', 'guessed')).toBe(401);
    expect(await hooks('{"name":"disk"}', 'guessed')).toBe(401);
    expect(await hooks('{"other":1}')).toBe(422);
    expect(await deliver('nobody', '{}')).toBe(401);
    const rows = await rowsOf('hooks', 4);
    const [alert] = await test.app.store.alerts({});
    const accepted = rows.find(row => row.outcome.what === 'accepted');
    expect(accepted).toMatchObject({ ring: 'proven', count: 1, address: '127.0.0.1', bytes: 15 });
    expect(accepted?.outcome).toMatchObject({
      total: 1,
      test: false,
      echo: null,
      events: [{ kind: 'alert', alert: alert?.id, episode: 1, effect: 'opened', duplicate: false }],
    });
    const refused = rows.filter(row => row.outcome.what === 'refused');
    expect(refused).toHaveLength(2);
    expect(refused.find(row => row.ring === 'stranger')).toMatchObject({
      count: 2,
      outcome: { code: 'bad-signature', at: null, because: 'not what auth asks for' },
    });
    expect(refused.find(row => row.ring === 'proven')).toMatchObject({ count: 1, outcome: { code: 'bad-body' } });
    const counts = await test.app.store.deliveryCounts();
    expect(counts.map(({ source, what, count }) => [source, what, count])).toEqual([
      ['hooks', 'accepted', 1],
      ['hooks', 'events', 1],
      ['hooks', 'refused/bad-body', 1],
      ['hooks', 'refused/bad-signature', 2],
    ]);
    // It is in the database, and a stop loses nothing.
    expect(await hooks('{"name":"disk"}')).toBe(202);
    const { folder } = test;
    await test.stop();
    test = await startTestApp({ 'tocsin.yaml': config, 'policy.yaml': auto }, { folder });
    const again = await test.app.store.deliveries('hooks');
    expect(again.filter(row => row.outcome.what === 'accepted')).toHaveLength(2);
    expect(JSON.stringify(again)).not.toContain('disk');
  });
});

describe('refusals of SNS', () => {
  it('say whether the topic, the certificate or the signature was wrong, to the operators alone', async () => {
    const sns = await startSnsDouble(Date.now);
    const sources = JSON.stringify({ sns: { topics: [topic] } });
    const files = { 'tocsin.yaml': basicConfig.replace(/sources:\n.*\n/, `sources: ${sources}\n`) };
    test = await startTestApp(files, { fetchPublic: sns.fetch });
    const elsewhere = 'https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem';
    const answers: string[] = [];
    for (const facts of [
      {
        TopicArn: `${topic}-of-another`,
        Type: 'SubscriptionConfirmation',
        Token: 'the token',
        SubscribeURL: 'https://x',
      },
      { SigningCertURL: elsewhere },
      { Signature: 'AAAA' },
    ]) {
      const body = JSON.stringify({ ...JSON.parse(sns.message({ Message: 'm' })), ...facts });
      const headers = { 'content-type': 'text/plain' };
      const answer = await fetch(`${test.app.url}/events/sns`, { method: 'POST', headers, body });
      answers.push(`${answer.status} ${await answer.text()}`);
    }
    const rows = await rowsOf('sns', 3);
    const reasons = rows.map(row => (row.outcome.what === 'refused' ? row.outcome.because : 'accepted'));
    expect(reasons.sort()).toEqual([
      'the certificate is not below the host of SNS in the region of the topic',
      'the signature is not of this message',
      'the topic is not in topics',
    ]);
    for (const answer of answers) {
      expect(answer).toMatch(/^401 /);
      for (const reason of reasons) expect(answer).not.toContain(reason);
    }
    for (const text of ['the token', 'evil.example', 'of-another']) expect(JSON.stringify(rows)).not.toContain(text);
    expect((await test.app.store.deliveryCounts('sns')).map(one => [one.what, one.count])).toEqual([
      ['refused/bad-signature', 3],
    ]);
    await sns.close();
  });
});

describe('the delivery log', () => {
  /** The log with a store that only remembers what was to be written. */
  function makeLog() {
    const clock = createClock(1_000_000);
    const changes: Change[] = [];
    const commit = async (change: Change) => {
      changes.push(change);
      return { entries: [] };
    };
    let next = 0;
    const ids = { next: (prefix: string) => `${prefix}_${++next}` };
    return { log: createDeliveryLog({ clock, ids, log: silentLog, feed: { commit } }), changes, clock };
  }
  const refused = (over: Partial<SeenDelivery> = {}): SeenDelivery => ({
    source: 'hooks',
    address: '10.0.0.1',
    bytes: null,
    proven: false,
    outcome: { what: 'refused', code: 'bad-signature', at: null, because: 'no signature' },
    ...over,
  });
  const rows = (changes: readonly Change[], table: string) =>
    changes.flatMap(change => change.rows ?? []).filter(row => row.table === table) as { doc: DeliveryRecord }[];

  it('writes little of a flood: one row for each cause, few new addresses, and one row for all others', async () => {
    const { log, changes } = makeLog();
    for (let n = 0; n < 5000; n++) log.seen(refused({ address: `10.0.${Math.floor(n / 250)}.${n % 250}` }));
    log.seen(refused({ address: '10.0.0.3' }));
    await log.settled();
    const kept = rows(changes, 'delivery').map(row => row.doc);
    expect(kept).toHaveLength(11);
    const others = kept.find(doc => doc.id === 'bad-signature from other addresses');
    expect(others).toMatchObject({ count: 4990, address: null, ring: 'stranger' });
    expect(kept.find(doc => doc.address === '10.0.0.3')).toMatchObject({ count: 2 });
    expect(rows(changes, 'delivery_count').map(row => row.doc)).toMatchObject([
      { what: 'refused/bad-signature', count: 5001 },
    ]);
    expect(changes.length).toBeLessThan(4);
  });

  it('gives one row to a proven sender that makes the same mistake in another element', async () => {
    const { log, changes } = makeLog();
    for (let n = 0; n < 30; n++)
      log.seen(
        refused({
          proven: true,
          outcome: { what: 'refused', code: 'bad-body', at: `alerts.${n}.labels`, because: 'x' },
        }),
      );
    await log.settled();
    expect(rows(changes, 'delivery').map(row => row.doc)).toMatchObject([
      { ring: 'proven', count: 30, outcome: { at: 'alerts.29.labels' } },
    ]);
  });

  it('only counts what says nothing about the delivery', async () => {
    const { log, changes } = makeLog();
    log.seen(refused({ outcome: { what: 'refused', code: 'overloaded', at: null, because: 'busy' } }));
    await log.settled();
    expect(rows(changes, 'delivery')).toEqual([]);
    expect(rows(changes, 'delivery_count').map(row => row.doc)).toMatchObject([
      { what: 'refused/overloaded', count: 1 },
    ]);
  });
});
