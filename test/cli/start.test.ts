import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const node = join(root, 'node_modules/.bin/node');

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-start-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  child: ChildProcess;
  out(): string;
  err(): string;
  /** Resolves to what the process has printed so far when it holds the text; rejects when the process ends before. */
  prints(text: string): Promise<string>;
  ended: Promise<number | null>;
}

function start(options: { command?: string[]; env?: Record<string, string> } = {}): Started {
  const [program = '', ...args] = options.command ?? [node, join(root, 'src/main.ts')];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: '127.0.0.1:0',
    ...options.env,
  };
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let out = '';
  let err = '';
  const waiting: { text: string; resolve: (all: string) => void }[] = [];
  const tell = () => {
    for (const one of waiting) if ((out + err).includes(one.text)) one.resolve(out + err);
  };
  child.stdout?.on('data', chunk => {
    out += chunk;
    tell();
  });
  child.stderr?.on('data', chunk => {
    err += chunk;
    tell();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    out: () => out,
    err: () => err,
    prints: text =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve });
        tell();
        void ended.then(code => reject(new Error(`ended with ${code} before it printed ${text}: ${out}${err}`)));
      }),
    ended,
  };
}

/** An empty configuration: the defaults, from a file so that the one of the project is not used. */
async function writeConfig(text = 'timezone: UTC\n'): Promise<void> {
  await writeFile(join(folder, 'tocsin.yaml'), text);
}

async function ready(process: Started): Promise<{ url: string; key: string }> {
  const text = await process.prints('Tocsin is ready: ');
  const link = /Tocsin is ready: (\S+)/.exec(text)?.[1] ?? '';
  const { origin, searchParams } = new URL(link);
  return { url: origin, key: searchParams.get('key') ?? '' };
}

describe('the process', () => {
  test('prints a link whose key acts as you, and stops in order on SIGTERM', async () => {
    await writeConfig();
    const tocsin = start();
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
    const first = start();
    const before = await ready(first);
    const body = await readFile(join(root, 'test/fixtures/alertmanager/firing.json'), 'utf8').catch(() => delivery);
    const sent = await fetch(`${before.url}/events/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(sent.status).toBe(202);
    const { accepted } = (await sent.json()) as { accepted: { alert: string }[] };
    first.child.kill('SIGKILL');
    await first.ended;
    const second = start();
    const after = await ready(second);
    expect(after.key).not.toBe(before.key);
    expect((await fetch(`${after.url}/api/v1/alerts/${accepted[0]?.alert}`)).status).toBe(200);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });

  test('npm start becomes the process itself, so that signals reach it', async () => {
    await writeConfig();
    const tocsin = start({ command: ['sh', join(root, 'scripts/start.sh')] });
    await ready(tocsin);
    const line = await readFile(`/proc/${tocsin.child.pid}/cmdline`, 'utf8');
    expect(line).not.toContain('start.sh');
    tocsin.child.kill('SIGTERM');
    expect(await tocsin.ended).toBe(0);
  });

  test('a second process on the same data folder is refused, and the first goes on', async () => {
    await writeConfig();
    const first = start();
    const { url } = await ready(first);
    const second = start();
    expect(await second.ended).toBe(1);
    expect(second.err()).toContain('store-locked');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    first.child.kill('SIGTERM');
    await first.ended;
  });
});

describe('start refuses, and says why without a stack', () => {
  async function refusal(env: Record<string, string>, config?: string): Promise<string> {
    await writeConfig(config);
    const tocsin = start({ env });
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
    const first = start();
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
    const tocsin = start({ env: { TOCSIN_CONFIG: join(folder, 'nothing.yaml') } });
    expect(await tocsin.ended).toBe(1);
    expect(tocsin.err()).toContain('nothing.yaml');
  });
});

const delivery = JSON.stringify({
  version: '4',
  receiver: 'tocsin',
  status: 'firing',
  groupKey: '{}',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'Test' },
      annotations: {},
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint: 'f1',
    },
  ],
});
