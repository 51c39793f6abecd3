import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { basicConfig, startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { freePort } from '../real/free-port.ts';

/** The bundled runbooks for real: their own files, with a sandbox and a port of this test. */
const folder = resolve(import.meta.dirname, '../../runbooks');
const name = `tocsin-sandbox-test-${randomBytes(6).toString('hex')}`;
const sandbox = join('/tmp', `${name}-${process.getuid?.() ?? 0}`);
let app: TestApp;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  const files = readdirSync(folder).filter(file => !file.endsWith('.test.yaml'));
  const change = (text: string) => text.replaceAll('tocsin-sandbox', name).replaceAll('18599', String(port));
  app = await startTestApp({
    'tocsin.yaml': `${basicConfig}egress: { private: ["127.0.0.1:${port}"] }\n`,
    'policy.yaml': 'rules: [{ name: everything, decide: auto }]\n',
    ...Object.fromEntries(files.map(file => [`runbooks/${file}`, change(readFileSync(join(folder, file), 'utf8'))])),
  });
});

afterAll(async () => {
  await app.stop();
  // The sample service ends when its folder is gone.
  await rm(sandbox, { recursive: true, force: true });
});

async function start(runbook: string, params: object): Promise<Run> {
  const { status, body } = await app.call('POST', '/api/v1/runs', { body: { runbook, params, reason: 'a test' } });
  expect(status).toBe(202);
  return app.ended(body.id);
}

const statesOf = (run: Run) => run.steps.map(step => `${step.id} ${step.state}`);
async function outputOf(run: Run): Promise<string> {
  const headers = { authorization: `Bearer ${tokens['ALICE']}` };
  return (await fetch(`${app.app.url}/api/v1/runs/${run.id}/output`, { headers })).text();
}

/** Lets the alert resolve once the run waits for that. */
async function resolveAfterSteps(labels: Record<string, string>, fingerprint: string): Promise<Run> {
  await app.alert(labels, { fingerprint });
  const waiting = await app.until(async () => {
    const found = (await app.runs()).find(run => run.alert !== null && run.trigger === 'event' && !done.has(run.id));
    return found?.steps.some(step => step.id === 'gone' && step.state === 'waiting') ? found : null;
  });
  done.add(waiting.id);
  await app.alert(labels, { fingerprint, status: 'resolved' });
  return app.ended(waiting.id);
}
const done = new Set<string>();

it('disk-usage removes what is old in the sandbox, and nothing else', async () => {
  const run = await resolveAfterSteps({ alertname: 'DiskFilling', mountpoint: '/' }, 'aaaaaaaaaaaaaaa1');
  expect(run).toMatchObject({ state: 'succeeded', params: { folder: '/', days: 7 } });
  expect(statesOf(run)).toEqual(['before done', 'sandbox done', 'clean done', 'after done', 'gone done']);
  expect(readdirSync(join(sandbox, 'cache')).sort()).toEqual(['downloads.new', 'reports.new', 'thumbnails.new']);
});

it('service-health starts a service that outlives its step, leaves it alone while it answers, and replaces it when asked', async () => {
  const run = await resolveAfterSteps({ alertname: 'ServiceDown', service: 'shop' }, 'aaaaaaaaaaaaaaa2');
  expect(run.state).toBe('succeeded');
  expect(statesOf(run)).toEqual(['look done', 'restart done', 'healthy done', 'gone done']);
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).json() as Promise<{ pid: number }>;
  const first = await ask();
  expect(first).toMatchObject({ service: 'shop', ok: true });
  expect(statesOf(await start('service-health', {}))).toContain('restart skipped');
  expect(await ask()).toMatchObject({ pid: first.pid });
  expect(statesOf(await start('service-health', { always: true }))).toContain('restart done');
  const second = await app.until(async () => {
    const now = await ask().catch(() => null);
    return now !== null && now.pid !== first.pid ? now : null;
  });
  expect(second).toMatchObject({ service: 'shop', ok: true });
  await rm(sandbox, { recursive: true });
  await app.until(() =>
    ask().then(
      () => false,
      () => true,
    ),
  );
});

it('top-processes shows this very process', async () => {
  const run = await start('top-processes', { count: 100 });
  expect(run.state).toBe('succeeded');
  expect(await outputOf(run)).toMatch(/memory .* free of [\s\S]*By memory[\s\S]*By time on the processor/);
});

it('certificate-expiry says why a server cannot be asked', async () => {
  const run = await start('certificate-expiry', { host: '127.0.0.1', port: await freePort() });
  expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('ECONNREFUSED') });
});

it('restart-with-approval asks in the middle, and does nothing before somebody says yes', async () => {
  const state = () =>
    existsSync(join(sandbox, 'api.state')) ? readFileSync(join(sandbox, 'api.state'), 'utf8') : null;
  const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'restart-with-approval', params: {} } });
  const approval = await app.until(async () => {
    const open = (await app.call('GET', '/api/v1/approvals?state=open')).body;
    return open.find((one: { run: string }) => one.run === body.id);
  });
  expect(state()).toBeNull();
  const vote = { vote: 'approve', reason: 'go on' };
  expect((await app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { as: 'BOB', body: vote })).status).toBe(
    200,
  );
  expect(await app.ended(body.id)).toMatchObject({ state: 'succeeded' });
  expect(state()).toBe('2 active\n');
});
