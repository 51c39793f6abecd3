import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { auto } from '../flow/files.ts';
import { endServers, has, isAlive, path, pidsWith, read, type Sshd, startSshd } from '../steps/stopped/programs.ts';

/** Runs whose steps are stopped while a real ssh works elsewhere: what people are told, and what runs beside it. */
const hasSsh = has('ssh', 'sshd', 'ssh-keygen');
const folder = mkdtempSync(join(tmpdir(), 'tocsin-stopped-run-'));
let sshd: Sshd;
let test: TestApp | null = null;

beforeAll(async () => {
  if (hasSsh) sshd = await startSshd(join(folder, 'ssh'));
});
afterEach(async () => {
  await test?.stop();
  test = null;
  for (const pid of pidsWith(`sleep ${oddTime}`)) process.kill(pid, 'SIGKILL');
});
afterAll(async () => {
  await endServers();
  rmSync(folder, { recursive: true, force: true });
});

/** A time to sleep that no other process has. */
const oddTime = `8${process.pid}.5`;
const place = 'may go on at 127.0.0.1 (ssh)';
const files = (step: object) => ({
  'policy.yaml': auto,
  'runbooks/fix.yaml': JSON.stringify({ title: 'Fix it', risk: 'low', steps: [{ id: 'clean', ...step }] }),
});
const remote = () => [...sshd.ssh, `echo ready; sleep ${oddTime}`];

async function open(given: Record<string, string>, options: { folder?: string } = {}): Promise<TestApp> {
  test = await startTestApp(given, options);
  return test;
}

async function begin(app: TestApp): Promise<string> {
  const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
  return body.id;
}

const isPrinted = (app: TestApp, run: string) =>
  app.until(async () =>
    (await app.app.store.output({ run, after: 0, limit: 10 })).some(one => one.text.includes('ready')),
  );

async function factsOf(app: TestApp, run: string) {
  return (await app.app.store.stream(`run/${run}`)).map(entry => entry.fact);
}

describe.runIf(hasSsh)('a step with ssh', () => {
  it('that takes too long says where it may go on, and asks instead of a retry', async () => {
    const step = { exec: remote(), timeout: '4s', retry: { times: 3, wait: '1s' } };
    const app = await open(files(step));
    const run = await begin(app);
    await app.until(async () => (await app.app.store.run(run))?.state === 'asking');
    const [clean] = (await app.app.store.run(run))?.steps ?? [];
    expect(clean).toMatchObject({ state: 'unknown', attempts: 1 });
    expect(clean?.because).toBe(`it took longer than its timeout of 4s and was stopped; stopped here; ${place}`);
    const asking = (await factsOf(app, run)).find(fact => fact.kind === 'run.asking');
    expect(asking).toMatchObject({ because: expect.stringContaining(place) });
  });

  it('that may run twice is tried again, after people are told what it may run beside', async () => {
    const step = { exec: remote(), idempotent: true, timeout: '3s', retry: { times: 1, wait: '1s' } };
    const app = await open(files(step));
    const run = await begin(app);
    await app.until(async () => (await factsOf(app, run)).filter(fact => fact.kind === 'step.started').length === 2);
    const kinds = (await factsOf(app, run)).map(fact => fact.kind);
    expect(kinds.slice(kinds.indexOf('step.started'))).toEqual([
      'step.started',
      'step.retrying',
      'step.said',
      'step.started',
    ]);
    const said = (await factsOf(app, run)).find(fact => fact.kind === 'step.said');
    expect(said).toMatchObject({
      text: `"clean" runs again. Its last attempt was stopped here; ${place}.`,
      tone: 'warning',
    });
    await app.call('POST', `/api/v1/runs/${run}/cancel`, { body: { reason: 'enough' } });
    await app.ended(run);
  });

  it('that is cancelled says it on the card, and keeps its output', async () => {
    const app = await open(files({ exec: ['timeout', '600', ...remote()] }));
    const run = await begin(app);
    await isPrinted(app, run);
    await app.call('POST', `/api/v1/runs/${run}/cancel`, { body: { reason: 'wrong host' } });
    expect(await app.ended(run)).toMatchObject({
      state: 'cancelled',
      steps: [{ state: 'failed', because: `cancelled; stopped here; ${place}` }],
    });
    expect(pidsWith(`sleep ${oddTime}`).length).toBeGreaterThan(0);
    const [log] = (await factsOf(app, run)).flatMap(fact => (fact.kind === 'step.finished' ? [fact.log] : []));
    expect(Buffer.from((await app.app.store.blob(log ?? '')) ?? '').toString()).toContain('ready');
  });
});

describe.runIf(hasSsh && has('nginx'))('a Tocsin that is killed by KILL', () => {
  it('leaves nginx, which is ended before anybody is asked, and says what may go on elsewhere', async () => {
    const data = mkdtempSync(join(tmpdir(), 'tocsin-killed-run-'));
    const nginx = `pid ${data}/pid; error_log ${data}/log; events {} http { access_log off; server { listen unix:${data}/socket; } }`;
    writeFileSync(join(data, 'nginx.conf'), nginx);
    const code = [
      `${process.getuid?.() === 0 ? 'nginx -g "user root;"' : 'nginx'} -p ${data} -c ${data}/nginx.conf`,
      `until test -s ${data}/pid; do sleep 0.05; done`,
      ...[
        remote()
          .map(word => `'${word}'`)
          .join(' '),
      ],
    ].join('\n');
    const runbook = files({ script: code });
    const host = join(folder, 'host.ts');
    const doubles = new URL('../doubles/app.ts', import.meta.url).href;
    writeFileSync(
      host,
      `import { startTestApp } from '${doubles}';
       const test = await startTestApp(${JSON.stringify(runbook)}, { folder: '${data}', keep: true });
       const { body } = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
       await test.until(async () =>
         (await test.app.store.output({ run: body.id, after: 0, limit: 10 })).some(one => one.text.includes('ready')));
       console.log('run=' + body.id);`,
    );
    const env = { ...process.env, PATH: path };
    const killed = spawn(process.execPath, [host], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [text] = await Promise.race([
      once(killed.stdout, 'data'),
      once(killed, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`))),
    ]);
    const run = /run=(\S+)/.exec(String(text))?.[1] ?? '';
    const gone = once(killed, 'exit');
    killed.kill('SIGKILL');
    await gone;
    const master = Number(read(join(data, 'pid')));
    expect(isAlive(master)).toBe(true);
    const app = await open(runbook, { folder: data });
    await app.until(async () => (await app.app.store.run(run))?.state === 'asking');
    expect(isAlive(master)).toBe(false);
    expect((await app.app.store.run(run))?.steps[0]).toMatchObject({
      state: 'unknown',
      because: expect.stringContaining(`stopped here; ${place}`),
    });
  });
});
