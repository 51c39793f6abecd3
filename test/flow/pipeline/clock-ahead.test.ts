import { afterEach, expect, test } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

let app: TestApp;
afterEach(() => app.stop());

test('a sender whose clock was ahead, and is set right, does not have its later news taken for old', async () => {
  const webhook = `sources:
  checks:
    type: webhook
    auth: { bearer: a-secret-of-checks }
    map: { fingerprint: body.check, state: body.state, title: body.check, at: body.at }`;
  app = await startTestApp({ 'tocsin.yaml': basicConfig.replace('sources:', webhook) });
  const deliver = (state: string, at: number) =>
    app.call('POST', '/events/checks', {
      as: null,
      headers: { authorization: 'Bearer a-secret-of-checks' },
      body: { check: 'disk', state, at: new Date(at).toISOString() },
    });
  expect((await deliver('firing', Date.now() + 2 * 3_600_000)).status).toBe(202);
  expect((await deliver('resolved', Date.now())).status).toBe(202);
  expect(await app.app.store.alertOf('checks', 'disk')).toMatchObject({ state: 'resolved' });
});
