import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { delivery, endAll, ready, root, type Started, start, until } from './process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-start-'));
});
afterEach(async () => {
  endAll();
  await rm(folder, { recursive: true, force: true });
});

/** An empty configuration: the defaults, from a file so that the one of the project is not used. */
async function writeConfig(text = 'timezone: UTC\n'): Promise<void> {
  await writeFile(join(folder, 'tocsin.yaml'), text);
}

describe('the process', () => {
  test('prints a link whose key acts as you, and stops in order on SIGTERM', async () => {
    await writeConfig();
    const tocsin = start(folder);
    const { url, key } = await ready(tocsin);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${url}/api/v1/journal`)).status).toBe(200);
    expect((await fetch(`${url}/api/v1/halt`, { method: 'PUT' })).status).toBe(401);
    expect(key.length).toBeGreaterThanOrEqual(32);
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
    expect(tocsin.err()).toContain('"msg":"stopped"');
    expect(tocsin.out()).not.toContain('msg');
  });

  test('what was accepted is there after kill -9, and two starts do not share a key', async () => {
    await writeConfig('sources:\n  alertmanager: {}\n');
    const first = start(folder);
    const before = await ready(first);
    const sent = await fetch(`${before.url}/events/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: delivery,
    });
    expect(sent.status).toBe(202);
    const { accepted } = (await sent.json()) as { accepted: { alert: string }[] };
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start(folder);
    const after = await ready(second);
    expect(after.key).not.toBe(before.key);
    expect((await fetch(`${after.url}/api/v1/alerts/${accepted[0]?.alert}`)).status).toBe(200);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  test('with tokens there is no local person: no link with a key, and reading needs a token too', async () => {
    await writeConfig('people: { alice: {} }\ntokens: [{ env: ALICE_TOKEN, person: alice }]\n');
    const tocsin = start(folder, { env: { ALICE_TOKEN: 'alice-token-0123456789' } });
    const { url, key } = await ready(tocsin);
    expect(key).toBe('');
    expect((await fetch(`${url}/api/v1/alerts`)).status).toBe(401);
    const headers = { authorization: 'Bearer alice-token-0123456789' };
    expect((await fetch(`${url}/api/v1/alerts`, { headers })).status).toBe(200);
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
  });

  test('npm start becomes the process itself, so that signals reach it', async () => {
    await writeConfig();
    const tocsin = start(folder, { command: ['sh', join(root, 'scripts/start.sh')] });
    await ready(tocsin);
    const line = await readFile(`/proc/${tocsin.child.pid}/cmdline`, 'utf8');
    expect(line).not.toContain('start.sh');
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
  });

  test('a second process on the same data folder is refused, and the first goes on', async () => {
    await writeConfig();
    const first = start(folder);
    const { url } = await ready(first);
    const second = start(folder);
    expect(await second.ended).toBe(1);
    expect(second.err()).toContain('store-locked');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    first.child.kill('SIGTERM');
    await first.ended;
  });
});

describe('told to stop while a step runs', () => {
  async function withRunningStep(grace: string): Promise<{ tocsin: Started; url: string; key: string; run: string }> {
    await writeConfig(`run: { grace: ${grace} }\nsources: { alertmanager: {} }\n`);
    await mkdir(join(folder, 'runbooks'));
    await writeFile(join(folder, 'policy.yaml'), 'rules:\n  - { name: all, decide: auto }\n');
    await writeFile(
      join(folder, 'runbooks/slow.yaml'),
      'title: Slow\nrisk: none\nsteps:\n  - { id: slow, exec: [sleep, "45"] }\n',
    );
    const tocsin = start(folder);
    const { url, key } = await ready(tocsin);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const asked = await fetch(`${url}/api/v1/runs`, { method: 'POST', headers, body: '{"runbook":"slow"}' });
    expect(asked.status).toBe(202);
    const { id } = (await asked.json()) as { id: string };
    await until(async () => (await stepOf(url, id)) === 'running');
    return { tocsin, url, key, run: id };
  }

  async function stepOf(url: string, run: string): Promise<string | undefined> {
    const doc = (await (await fetch(`${url}/api/v1/runs/${run}`)).json()) as { steps: { state: string }[] };
    return doc.steps[0]?.state;
  }

  test('intake answers 503, the step is recorded as interrupted, the exit is 0, and the next start asks what to do', async () => {
    const { tocsin, url, run } = await withRunningStep('2s');
    tocsin.child.kill('SIGTERM');
    await tocsin.prints('stopping');
    const headers = { 'content-type': 'application/json' };
    const late = await fetch(`${url}/events/alertmanager`, { method: 'POST', headers, body: delivery });
    expect(late.status).toBe(503);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(await tocsin.ended).toBe(0);
    const again = start(folder);
    const { url: second } = await ready(again);
    await until(async () => (await stepOf(second, run)) === 'unknown');
    const doc = (await (await fetch(`${second}/api/v1/runs/${run}`)).json()) as { state: string };
    expect(doc.state).toBe('asking');
    again.child.kill('SIGTERM');
    expect(await again.ended).toBe(0);
  });

  test('one Ctrl-C that arrives twice, as below npm, stops in order', async () => {
    const { tocsin } = await withRunningStep('2s');
    tocsin.child.kill('SIGINT');
    await tocsin.prints('stopping');
    tocsin.child.kill('SIGINT');
    expect(await tocsin.ended).toBe(0);
    expect(tocsin.err()).toContain('"msg":"stopped"');
  });

  test('a later signal ends the process at once', async () => {
    const { tocsin } = await withRunningStep('10m');
    tocsin.child.kill('SIGTERM');
    await tocsin.prints('stopping');
    const again = setInterval(() => tocsin.child.kill('SIGTERM'), 100);
    expect(await tocsin.ended.finally(() => clearInterval(again))).toBe(130);
  });
});

describe('start refuses, and says why without a stack', () => {
  async function refusal(env: Record<string, string>, config?: string): Promise<string> {
    await writeConfig(config);
    const tocsin = start(folder, { env });
    expect(await tocsin.ended).toBe(1);
    expect(tocsin.err()).not.toMatch(/\n\s+at .*\.ts/);
    expect(tocsin.out()).toBe('');
    return tocsin.err();
  }

  test('an address that others reach, without tokens', async () => {
    expect(await refusal({ TOCSIN_LISTEN: '0.0.0.0:0' })).toContain('tokens-missing');
  });

  test('an address that is taken or is not ours', async () => {
    await writeConfig();
    const first = start(folder);
    const { url } = await ready(first);
    const text = await refusal({ TOCSIN_LISTEN: new URL(url).host, TOCSIN_DATA: join(folder, 'other') });
    expect(text).toContain('listen-failed');
    expect(text).toContain('EADDRINUSE');
    first.child.kill('SIGTERM');
    await first.ended;
  });

  test('an environment variable that does not parse', async () => {
    expect(await refusal({ TOCSIN_LISTEN: 'everywhere' })).toMatch(
      /environment-invalid[\s\S]*TOCSIN_LISTEN[\s\S]*everywhere/,
    );
  });

  test('files with mistakes, all of them at once with their positions', async () => {
    const text = await refusal({}, 'timezon: UTC\ngroups: 3\n');
    expect(text).toMatch(/tocsin\.yaml:1:1/);
    expect(text).toMatch(/tocsin\.yaml:2:\d+/);
  });

  test('a configuration that was named and is not there', async () => {
    const tocsin = start(folder, { env: { TOCSIN_CONFIG: join(folder, 'nothing.yaml') } });
    expect(await tocsin.ended).toBe(1);
    expect(tocsin.err()).toContain('nothing.yaml');
  });
});
