import { afterEach, describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Store } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

let test: TestApp;
afterEach(() => test.stop());

/** One webhook of Alertmanager with ordinary alerts: 11 labels, 3 annotations, and so many further bytes in each description. */
function group(count: number, more = 0): string {
  const alert = (n: number) => ({
    status: 'firing',
    labels: {
      alertname: 'KubePodNotReady',
      namespace: 'shop',
      pod: `web-${n}`,
      container: 'app',
      node: `node-${n % 40}`,
      cluster: 'eu-1',
      job: 'kube-state-metrics',
      instance: '10.0.0.1:8080',
      prometheus: 'monitoring/k8s',
      severity: 'warning',
      team: 'shop',
    },
    annotations: {
      summary: 'Pod is not ready',
      description: `Not ready for longer than 15 minutes.${'x'.repeat(more)}`,
      runbook_url: 'https://example.com/runbooks/kubepodnotready',
    },
    startsAt: '2026-11-28T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prom:9090/graph?g0.expr=up',
    fingerprint: `b${String(n).padStart(15, '0')}`,
  });
  return JSON.stringify({
    version: '4',
    status: 'firing',
    receiver: 'tocsin',
    groupKey: '{}:{alertname="KubePodNotReady"}',
    truncatedAlerts: 0,
    groupLabels: { alertname: 'KubePodNotReady' },
    externalURL: 'http://am:9093',
    alerts: Array.from({ length: count }, (_, n) => alert(n)),
  });
}

async function send(body: string): Promise<{ status: number; accepted: { event: string; alert: string }[] }> {
  const answer = await fetch(`${test.app.url}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer alert-secret' },
    body,
  });
  return { status: answer.status, ...((await answer.json()) as { accepted: { event: string; alert: string }[] }) };
}

async function alertCount(): Promise<number> {
  let count = 0;
  for (let after = ''; ; ) {
    const page = await test.app.store.alerts({ limit: 1000, ...(after !== '' && { after }) });
    count += page.length;
    after = page.at(-1)?.id ?? '';
    if (page.length < 1000) return count;
  }
}

describe('a large group of Alertmanager', () => {
  it.each([
    [500, 0],
    [300, 4000],
    [2000, 0],
  ])('of %i alerts with %i further bytes each is taken whole', async (count, more) => {
    test = await startTestApp({});
    const { status, accepted } = await send(group(count, more));
    expect(status).toBe(202);
    expect(new Set(accepted.map(one => one.alert)).size).toBe(count);
    expect(await alertCount()).toBe(count);
  });

  it('with a text of 70 KiB is taken, and the text says what was cut', async () => {
    test = await startTestApp({});
    const { status, accepted } = await send(group(2, 70 * 1024));
    expect(status).toBe(202);
    const alert = await test.app.store.alert(accepted[0]?.alert ?? '');
    expect(alert?.annotations['description']).toMatch(/x… [\d,]+ more characters$/);
    expect(alert?.annotations['description']?.length).toBeLessThanOrEqual(4096);
  });

  it('with nulls for what may be left out, and with one alert that cannot be taken, brings in all others', async () => {
    test = await startTestApp({});
    const start = '2026-11-28T10:00:00Z';
    const nothing = { annotations: null, endsAt: null, generatorURL: null, fingerprint: null };
    const alerts = ['a-1', null, 'a-2'].map(instance => ({
      status: 'firing',
      labels: instance === null ? null : { alertname: 'Nulls', instance },
      startsAt: start,
      ...nothing,
    }));
    const body = JSON.stringify({ version: '4', groupLabels: null, truncatedAlerts: null, externalURL: '', alerts });
    const { status, accepted } = await send(body);
    expect(status).toBe(202);
    expect(accepted.map(one => one.alert === null)).toEqual([false, false, true]);
    const notices = (await test.journal()).flatMap(({ fact }) =>
      fact.kind === 'event.accepted' && fact.event.body.kind === 'notice' ? [fact.event.body.title] : [],
    );
    expect(notices).toEqual([expect.stringContaining('alerts.1.labels')]);
  });

  it('of a sender that proves nothing has 1 MiB; more is refused which the log says', async () => {
    const refused: object[] = [];
    const log = { ...silentLog, warn: (facts: object) => void refused.push(facts) };
    test = await startTestApp({ 'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{}') }, { log });
    expect((await send(group(300, 4000))).status).toBe(413);
    expect(refused).toContainEqual(expect.objectContaining({ code: 'body-too-large' }));
    expect((await send(group(420))).status).toBe(202);
    expect(await alertCount()).toBe(420);
  });

  it('names as raw bytes of each event a body that can be sent again', async () => {
    test = await startTestApp({});
    const body = group(150);
    await send(body);
    const entries = (await test.journal()).filter(entry => entry.fact.kind === 'event.accepted');
    const digests = new Set(
      entries.map(entry => (entry.fact.kind === 'event.accepted' ? entry.fact.event.raw : '') ?? ''),
    );
    expect(digests.size).toBe(3);
    const parts = await Promise.all(
      [...digests].map(async digest => JSON.parse(Buffer.from((await test.app.store.blob(digest)) ?? '').toString())),
    );
    expect(parts.flatMap(part => part.alerts)).toEqual(JSON.parse(body).alerts);
    for (const part of parts) expect({ ...part, alerts: [] }).toEqual({ ...JSON.parse(body), alerts: [] });
  });

  it('is answered after its last part: a store that fails in between is a 503, and the same body again brings all in once', async () => {
    let failing = true;
    let commits = 0;
    const wrapStore = (store: Store): Store => ({
      ...store,
      async commit(change) {
        const takes = change.entries?.some(entry => entry.fact.kind === 'event.accepted') ?? false;
        if (takes && failing && ++commits === 3) throw new TocsinError('store-failed');
        return await store.commit(change);
      },
    });
    test = await startTestApp({}, { wrapStore });
    const body = group(400);
    expect((await send(body)).status).toBe(503);
    expect(await alertCount()).toBe(128);
    failing = false;
    const { status, accepted } = await send(body);
    expect(status).toBe(202);
    expect(accepted).toHaveLength(400);
    expect(await alertCount()).toBe(400);
    expect(commits).toBe(3);
  });

  it('that is broken at its end leaves nothing, and the place is that in the whole body', async () => {
    test = await startTestApp({});
    const body = `${group(400).slice(0, -2).replaceAll('},{', '},\n{')},{"status" 1}]}`;
    const at = `line 400, column ${body.lastIndexOf('1}') - body.lastIndexOf('\n')}`;
    expect(await send(body)).toMatchObject({ status: 422, error: { code: 'bad-body', at } });
    expect(await alertCount()).toBe(0);
  });
});
