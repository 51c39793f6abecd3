import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { cli } from './terminal.ts';

let test: TestApp;
afterEach(() => test.stop());

const runbook =
  'title: Restart\nrisk: none\nparams: { service: { type: string } }\nsteps: [{ id: one, exec: [true] }]\n';

it.each([
  ['run', 'restrt'],
  ['run', 'restart', 'servce=api'],
  ['lst'],
  ['list', 'aprovals'],
  ['approve', '--yess', 'x'],
])('one mistyped word is answered with one suggestion: %s', async (...words) => {
  test = await startTestApp({ 'runbooks/restart.yaml': runbook });
  const env = { TOCSIN_URL: test.app.url, TOCSIN_TOKEN: tokens['ALICE'] ?? '' };
  const { code, err } = await cli(words.filter(Boolean), { env });
  expect(code).not.toBe(0);
  expect(err.match(/did you mean/gi), err).toHaveLength(1);
});

it('the API says it once too', async () => {
  test = await startTestApp({ 'runbooks/restart.yaml': runbook });
  const { status, body } = await test.call('POST', '/api/v1/runs', { body: { runbook: 'restrt', params: {} } });
  expect(status).toBe(404);
  expect(body.error).toMatchObject({ message: 'There is no runbook "restrt".', allowed: 'restart', given: 'restrt' });
  expect(JSON.stringify(body).match(/did you mean/gi)).toHaveLength(1);
});
