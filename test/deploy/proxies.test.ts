import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubLimits } from '../../src/chat/console/hub.ts';
import alertmanager from '../../src/sources/alertmanager/index.ts';
import { tokens } from '../doubles/app.ts';
import { eventually } from '../e2e/programs.ts';
import { missingPrograms, programPath } from '../real/programs.ts';
import {
  type Answer,
  type BehindProxy,
  cookieOf,
  example,
  type OpenAnswer,
  proxies,
  signIn,
  site,
  startBehind,
} from './proxies.ts';

/** The examples of deploy/nginx and deploy/haproxy, run by the real programs in front of a real Tocsin. */
const missing = missingPrograms(...proxies, 'openssl', 'curl');
const payload = (path: string) => readFileSync(new URL(`../fixtures/payloads/${path}`, import.meta.url), 'utf8');
const alice = tokens['ALICE'] ?? '';
const json = { 'content-type': 'application/json' };

/** A delivery of Alertmanager through the proxy, of an alert with this name; the answer. */
function deliver(behind: BehindProxy, alertname: string, padding = ''): Promise<Answer> {
  const alert = {
    status: 'firing',
    fingerprint: createHash('sha256').update(alertname).digest('hex').slice(0, 16),
    labels: { alertname },
    annotations: { summary: alertname },
    startsAt: '2026-11-23T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
  };
  return behind.ask('/events/alertmanager', {
    method: 'POST',
    body: JSON.stringify({ version: '4', status: 'firing', alerts: [alert] }) + padding,
    headers: { ...json, authorization: 'Bearer alert-secret' },
  });
}

/** Tries to guess a token until the tries are used up. */
async function guess(
  behind: BehindProxy,
  from: string,
  headers: (attempt: number) => Record<string, string> = () => ({}),
) {
  let last: Answer | null = null;
  for (let attempt = 0; attempt < 25 && last?.status !== 429; attempt++)
    last = await signIn(behind, `guess-${attempt}`, { from, headers: headers(attempt) });
  return last?.status;
}

describe.skipIf(missing !== null).each(proxies)('behind %s', name => {
  let behind: BehindProxy;
  beforeAll(async () => {
    behind = await startBehind(name);
  });
  afterAll(() => behind?.stop());

  test('the console loads under its name, and http leads to https', async () => {
    const plain = await fetch(`http://127.0.0.1:${behind.plainPort}/runs?state=running`, { redirect: 'manual' });
    expect([plain.status, plain.headers.get('location')]).toEqual([
      301,
      expect.stringMatching(/^https:.*\/runs\?state=running$/),
    ]);
    expect((await behind.ask('/')).headers.location).toBe('/login?to=%2F');
    const entered = await signIn(behind, alice);
    expect([entered.status, entered.headers.location]).toEqual([303, '/']);
    expect(entered.headers['set-cookie']?.[0]).toMatch(/^__Host-tocsin_.*; Secure/);
    const page = await behind.ask('/', { headers: { cookie: cookieOf(entered) } });
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('alice')]);
    const asset = /\/console\/static\/[\w.-]+/.exec(page.text)?.[0] ?? 'none';
    expect((await behind.ask(asset)).status).toBe(200);
  });

  test('another host name and another origin are refused by Tocsin, which sees both', async () => {
    const elsewhere = await behind.ask('/', { headers: { host: 'evil.example' } });
    expect([elsewhere.status, elsewhere.text]).toEqual([421, expect.stringContaining('host name')]);
    expect((await signIn(behind, alice, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    const authorization = `Bearer ${alice}`;
    const halt = (origin: string) =>
      behind.ask('/api/v1/halt', { method: 'DELETE', headers: { authorization, origin } });
    expect((await halt('https://evil.example')).status).toBe(403);
    expect((await halt(`https://${site}`)).status).toBe(200);
  });

  test('a signed delivery arrives as it was signed, and a large one fits', async () => {
    const body = payload('pagerduty/incident.triggered.json');
    const signature = `v1=${createHmac('sha256', 'signing-secret').update(body).digest('hex')}`;
    const send = (proof: string) =>
      behind.ask('/events/pagerduty', { method: 'POST', body, headers: { ...json, 'x-pagerduty-signature': proof } });
    expect((await send(signature)).status).toBe(202);
    expect((await send(signature.replace(/.$/, last => (last === '0' ? '1' : '0')))).status).toBe(401);
    const delivered = await deliver(behind, 'Large', ' '.repeat(3 * 1024 * 1024));
    expect([delivered.status, delivered.text]).toEqual([202, expect.stringContaining('"duplicate":false')]);
  });

  test('a wait for a gate ends with the vote, and not when a buffer is full', async () => {
    const ci = { ...json, authorization: `Bearer ${tokens['CI']}` };
    const body = JSON.stringify({ gate: 'deploy', subject: { service: 'checkout' } });
    const gate = JSON.parse((await behind.ask('/gates', { method: 'POST', headers: ci, body })).text);
    expect(gate).toMatchObject({ verdict: 'pending', thread: expect.stringMatching(`^https://${site}/gate/`) });
    const waiting = behind.ask(`/gates/${gate.id}?wait=45s`, { headers: ci });
    const vote = await behind.ask(`/api/v1/approvals/${gate.approval}/votes`, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${alice}` },
      body: JSON.stringify({ vote: 'approve' }),
    });
    expect([vote.status, vote.text]).toEqual([200, expect.any(String)]);
    expect(JSON.parse((await waiting).text)).toMatchObject({ id: gate.id, verdict: 'allow' });
  });

  test('a stream of events passes each at once', async () => {
    const cookie = cookieOf(await signIn(behind, alice));
    const stream = await behind.open('/console/stream?page=/alerts&after=0', { headers: { cookie } });
    await stream.says(/^retry: 1000$/m);
    for (const title of ['StreamedFirst', 'StreamedSecond']) {
      expect((await deliver(behind, title)).status).toBe(202);
      await stream.says(new RegExp(title));
    }
    expect(stream.ended()).toBe(false);
    stream.close();
  });

  test('the address of a client is its own: one that guesses locks nobody else out, whatever it claims', async () => {
    const claims = (attempt: number) => ({
      'x-forwarded-for': `198.51.100.${attempt}`,
      forwarded: `for=198.51.100.${attempt}`,
    });
    expect(await guess(behind, '127.0.0.2', claims)).toBe(429);
    expect((await signIn(behind, alice, { from: '127.0.0.3' })).status).toBe(303);
  });

  test('what needs no token is not for everybody', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) {
      expect((await fetch(behind.url + path)).status, path).toBe(200);
      expect((await behind.ask(path)).status, path).toBe(403);
      // As Tocsin reads it: a letter may be written as its number.
      const last = path.charCodeAt(path.length - 1).toString(16);
      for (const other of [
        `${path.slice(0, -1)}%${last}`,
        `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`,
        `${path}?x=1`,
      ])
        expect((await behind.ask(other)).status, other).toBe(403);
    }
  });

  test('no proxy refuses a body that Tocsin takes', () => {
    const limit = /client_max_body_size (\d+)m;/.exec(example(name))?.[1];
    // HAProxy has no limit of its own.
    expect(limit).toBe(name === 'nginx' ? `${(alertmanager.maxBody ?? 0) / 1024 / 1024}` : undefined);
  });

  test('HTTP/2 is spoken', () => {
    const to = ['--resolve', `${site}:${behind.port}:127.0.0.1`, '--cacert', behind.certificate];
    const words = ['-sS', '--http2', ...to, '-o', '/dev/null', '-w', '%{http_version} %{http_code}'];
    const ran = spawnSync(
      programPath('curl'),
      [...words, '-H', `Host: ${site}`, `https://${site}:${behind.port}/login`],
      { encoding: 'utf8' },
    );
    expect([ran.stdout, ran.stderr]).toEqual(['2 200', '']);
  });

  test('a silent stream is never cut: the heartbeat comes more than twice within each time-out', () => {
    const limits = [...example(name).matchAll(/(?:proxy_(?:read|send)_timeout|timeout (?:client|server)) +(\d+)s/g)];
    expect(limits).toHaveLength(2);
    for (const [, seconds] of limits) expect(Number(seconds) * 1000).toBeGreaterThan(2 * hubLimits.heartbeat);
  });
});

describe.skipIf(missing !== null)('without what the examples say', { timeout: 120_000 }, () => {
  test.each(proxies)('%s: without proxies in tocsin.yaml one client that guesses locks everybody out', async name => {
    const behind = await startBehind(name, { trusted: false });
    try {
      expect(await guess(behind, '127.0.0.2')).toBe(429);
      expect((await signIn(behind, alice, { from: '127.0.0.3' })).status).toBe(429);
    } finally {
      await behind.stop();
    }
  });

  test('nginx: a large delivery, the name and the stream depend on their lines', async () => {
    const nameless = 'location = /nameless { proxy_set_header Connection ""; proxy_pass http://tocsin/; }';
    const ignoring = 'proxy_ignore_headers X-Accel-Buffering; proxy_read_timeout 75s;';
    const buffered = `location = /buffered { ${ignoring} proxy_pass http://tocsin/console/stream; }`;
    const behind = await startBehind('nginx', {
      change: text =>
        text
          .replace(/^ *client_max_body_size .*\n/m, '')
          .replace('proxy_read_timeout 75s;', 'proxy_read_timeout 1s;')
          .replace('location / {', `${nameless}\n  ${buffered}\n  location / {`),
    });
    try {
      expect((await deliver(behind, 'Large', ' '.repeat(2 * 1024 * 1024))).status).toBe(413);
      expect((await behind.ask('/')).status).toBe(303);
      expect((await behind.ask('/nameless')).status).toBe(421);
      const cookie = cookieOf(await signIn(behind, alice));
      let late: OpenAnswer | null = null;
      const held = behind.open('/buffered?page=/alerts&after=0', { headers: { cookie } });
      held.then(
        answer => {
          late = answer;
        },
        () => {},
      );
      await deliver(behind, 'HeldBack');
      const direct = await fetch(`${behind.url}/console/stream?page=/alerts&after=0`, { headers: { cookie } });
      for await (const chunk of direct.body ?? []) if (Buffer.from(chunk).includes('HeldBack')) break;
      expect((late as OpenAnswer | null)?.text() ?? '', 'nginx keeps it until a buffer is full').toBe('');
      const stream = await behind.open('/console/stream?page=/alerts&after=0', { headers: { cookie } });
      await stream.says(/retry/);
      await expect(stream.says(/still here/), 'the time-out is shorter than the heartbeat').rejects.toThrow('ended');
    } finally {
      await behind.stop();
    }
  });

  test('haproxy: a stream depends on its time-out, and requests on the health of the node', async () => {
    const behind = await startBehind('haproxy', {
      change: text => text.replaceAll(/timeout (client|server) 75s/g, 'timeout $1 1s'),
    });
    try {
      const cookie = cookieOf(await signIn(behind, alice));
      const stream = await behind.open('/console/stream?page=/alerts&after=0', { headers: { cookie } });
      await stream.says(/retry/);
      await expect(stream.says(/still here/)).rejects.toThrow('ended');
    } finally {
      await behind.stop();
    }
    const sick = await startBehind('haproxy', {
      change: text => text.replace('/readyz ver', '/no-such-check ver').replace('inter 2s', 'inter 100ms'),
    });
    try {
      await eventually('the node counts as down', async () =>
        (await sick.ask('/login')).status === 503 ? true : null,
      );
    } finally {
      await sick.stop();
    }
  });
});
