import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto } from '../files.ts';

const config = basicConfig.replace('sources:', 'sources:\n  pagerduty: { secret: pd-secret }');
const runbook = `
title: Fix it
risk: low
on: [{ source: pagerduty }]
steps:
  - id: fix
    exec: [echo, fixed]
`;
const payload = (name: string) =>
  readFileSync(new URL(`../../fixtures/payloads/pagerduty/incident.${name}.json`, import.meta.url));

let test: TestApp;
afterEach(() => test.stop());

async function deliver(body: Buffer, secret = 'pd-secret') {
  const signature = `v1=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const answer = await fetch(`${test.app.url}/events/pagerduty`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-pagerduty-signature': signature },
    body: new Uint8Array(body),
  });
  const taken = (await answer.json()) as { accepted: { event: string; alert: string; duplicate: boolean }[] };
  return { status: answer.status, body: taken };
}

describe('a delivery with a signed id', () => {
  const files = { 'tocsin.yaml': config, 'policy.yaml': auto, 'runbooks/fix.yaml': runbook };

  it('that was seen before neither opens nor reopens, is not journalled, and is answered with the first event', async () => {
    test = await startTestApp(files, { keep: true });
    const first = await deliver(payload('triggered'));
    const { event = '', alert = '' } = first.body.accepted[0] ?? {};
    expect(first).toEqual({ status: 202, body: { accepted: [{ event, alert, duplicate: false }] } });
    const run = await test.until(async () => (await test.runs())[0]);
    await test.ended(run.id);
    await deliver(payload('resolved'));
    const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(payload('triggered'))));
    for (const answer of answers)
      expect(answer).toEqual({ status: 202, body: { accepted: [{ event, alert, duplicate: true }] } });
    // Remembered in the store, not in the process.
    const { folder } = test;
    await test.stop();
    test = await startTestApp(files, { folder });
    expect((await deliver(payload('triggered'))).body).toEqual({ accepted: [{ event, alert, duplicate: true }] });
    expect(await test.app.store.alert(alert)).toMatchObject({ state: 'resolved', episode: 1, count: 1 });
    expect(await test.runs()).toHaveLength(1);
    const accepted = (await test.journal()).filter(entry => entry.fact.kind === 'event.accepted');
    expect(accepted).toHaveLength(2);
  });

  it('that is signed with another secret leaves nothing', async () => {
    test = await startTestApp(files);
    expect(await deliver(payload('triggered'), 'guessed')).toMatchObject({ status: 401 });
    expect(await test.app.store.alerts({})).toEqual([]);
    expect((await test.journal()).map(entry => entry.fact.kind)).not.toContain('event.accepted');
  });
});
