import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';

/** What CI runs, run as CI runs it, against the real app. */
const action = new URL('../../deploy/github-action/', import.meta.url).pathname;
const snippet = new URL('../../deploy/gitlab/tocsin-gate.yml', import.meta.url).pathname;
const sha = '3484a3fb816e0859fd6e1cea078d76385ff50625';

let app: TestApp;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-ci-'));
  app = await startTestApp({
    'gates.yaml': 'gates: { deploy: { ask: [ci], needs: [environment, sha] } }',
    'policy.yaml': `
rules:
  - { name: free, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: never, when: 'gate.subject.environment == "legacy"', decide: deny }
  - { name: quick, when: 'runbook.risk == "none"', decide: auto }
  - { name: ask, decide: approve, by: sre, expires: 10m }
`,
    'runbooks/hello.yaml': 'title: Hello\nrisk: none\nsteps: [{ id: say, exec: [echo, hello], idempotent: true }]\n',
  });
});
afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

async function play(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [file], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  let out = '';
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  child.stderr.on('data', chunk => {
    out += chunk;
  });
  const code = await new Promise<number | null>(resolve => child.on('close', resolve));
  return { code, out };
}

async function act(inputs: Record<string, string>) {
  const output = join(folder, `output-${Math.random()}`);
  await writeFile(output, '');
  const given = {
    url: app.app.url,
    token: tokens['CI'] ?? '',
    mode: 'gate',
    gate: 'deploy',
    sha,
    actor: 'bob',
    ...inputs,
  };
  const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  const github = {
    GITHUB_OUTPUT: output,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/checkout',
    GITHUB_RUN_ID: '42',
  };
  const { code, out } = await play(join(action, 'tocsin.mjs'), { ...env, ...github });
  const text = await readFile(output, 'utf8');
  const outputs = Object.fromEntries(
    [...text.matchAll(/^([a-z]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, name = '', , value = '']) => [name, value]),
  );
  return { code, out, outputs };
}

/** Approves the first question that waits. */
async function approve() {
  const gate = await app.until(async () => (await app.app.store.documents('gate', { state: 'pending', limit: 1 }))[0]);
  await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
}

describe('the GitHub Action', () => {
  it('names the inputs that its script reads, and the script', async () => {
    const { inputs, runs } = parse(await readFile(join(action, 'action.yml'), 'utf8'));
    const script = await readFile(join(action, runs.main), 'utf8');
    const read = [...script.matchAll(/input\('([a-z-]+)'\)/g)].map(([, name]) => name);
    expect(read.filter(name => !(name ?? '' in inputs))).toEqual([]);
  });

  it('goes on with what policy allows, and stops at what it denies', async () => {
    const free = await act({ environment: 'staging' });
    expect(free).toMatchObject({ code: 0, outputs: { verdict: 'allow' } });
    expect(free.out).toContain('::add-mask::token-of-ci');
    expect(free.outputs['thread']).toContain('/gate/');
    expect(await act({ environment: 'legacy' })).toMatchObject({ code: 1, outputs: { verdict: 'deny' } });
  });

  it('waits for people, and no longer than it may', async () => {
    const waiting = act({ environment: 'production', wait: '1' });
    await approve();
    expect(await waiting).toMatchObject({ code: 0, outputs: { verdict: 'allow', because: 'approved by alice' } });
    const short = await act({ environment: 'production', sha: 'e'.repeat(40), wait: '0.02' });
    expect(short).toMatchObject({ code: 2, outputs: { verdict: 'pending' } });
  });

  it('fails closed when nobody answers, unless it is told otherwise; a wrong token is a denial', async () => {
    const away = { url: 'http://127.0.0.1:9', environment: 'staging', wait: '0.01' };
    expect((await act(away)).code).toBe(3);
    expect((await act({ ...away, 'fail-open': 'true' })).code).toBe(0);
    expect((await act({ environment: 'staging', token: 'of-nobody', 'fail-open': 'true' })).code).toBe(1);
  });

  it('starts a runbook and waits for its end', async () => {
    expect(await act({ mode: 'run', runbook: 'hello' })).toMatchObject({ code: 0, outputs: { verdict: 'succeeded' } });
    expect((await act({ mode: 'run', runbook: 'nothing' })).code).toBe(1);
  });
});

describe('the GitLab snippet', () => {
  it('asks with the variables of GitLab', async () => {
    const { '.tocsin-gate': job } = parse(await readFile(snippet, 'utf8'));
    const file = join(folder, 'tocsin-gate.mjs');
    await writeFile(file, /<<'END'\n([\s\S]*)\nEND/.exec(job.script[0])?.[1] ?? '');
    const env = (environment: string) => ({
      ...{ TOCSIN_URL: app.app.url, TOCSIN_TOKEN: tokens['CI'] ?? '', TOCSIN_GATE: 'deploy', TOCSIN_WAIT_MINUTES: '1' },
      ...{
        CI_ENVIRONMENT_NAME: environment,
        CI_PROJECT_PATH: 'acme/shop',
        CI_COMMIT_SHA: sha,
        GITLAB_USER_LOGIN: 'bob',
      },
    });
    expect(await play(file, env('staging'))).toMatchObject({ code: 0 });
    expect(await play(file, env('legacy'))).toMatchObject({ code: 1 });
  });
});
