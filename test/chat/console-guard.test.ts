import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { scripts, sheets } from '../../src/chat/console/assets.ts';
import console from '../../src/chat/console/index.ts';
import { createHostDouble, type HostDouble, type HostDoubleOptions, localKey } from '../doubles/chat-host.ts';
import { createClock } from '../doubles/clock.ts';
import { cookieOf, csrfOf, enterByKey } from '../journey/console-page.ts';

let open: HostDouble[] = [];

afterEach(async () => {
  for (const double of open) await double.close();
  open = [];
});

async function start(options: HostDoubleOptions = {}): Promise<{ double: HostDouble; at: string }> {
  const double = await createHostDouble(options);
  open.push(double);
  await console.open(console.options.parse({}), double.host);
  return { double, at: await double.listen() };
}

function press(at: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(`${at}/console/act`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { origin: at, 'sec-fetch-site': 'same-origin', ...headers },
    redirect: 'manual',
  });
}

const halt = JSON.stringify({ kind: 'halt', reason: 'test' });

/** fetch does not let a caller choose Host, so this speaks HTTP by itself. */
async function getAs(at: string, host: string, path = '/'): Promise<number> {
  const { request } = await import('node:http');
  const { port } = new URL(at);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host } }, response => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('the local page', () => {
  it('reads without a key and refuses every change with the way in', async () => {
    const { double, at } = await start();
    const page = await fetch(`${at}/`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Reading only');
    const refused = await press(at, { act: halt, csrf: '' });
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('?key=');
    expect(double.acts).toEqual([]);
  });

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])(
    'shows nothing without a sign-in to what a proxy passes on (%s), which looks as if it came from here',
    async name => {
      const { at } = await start();
      const headers = { [name]: '198.51.100.7' };
      for (const path of [
        '/',
        '/journal',
        '/console/details?subject=run&id=run_1',
        '/console/stream?page=/&after=0',
        '/runs/run_1/output',
      ]) {
        const answer = await fetch(at + path, { headers, redirect: 'manual' });
        expect([303, 401], path).toContain(answer.status);
        await answer.body?.cancel();
      }
      const { cookie } = await enterByKey(at, localKey);
      expect((await fetch(`${at}/`, { headers: { ...headers, cookie } })).status).toBe(200);
    },
  );

  it('takes the key from the link, makes it a strict cookie and cleans the address', async () => {
    const { double, at } = await start();
    const entered = await fetch(`${at}/?key=${localKey}`, { redirect: 'manual' });
    expect(entered.status).toBe(303);
    expect(entered.headers.get('location')).toBe('/');
    const cookie = entered.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain(localKey);
    const csrf = await csrfOf(at, cookieOf(entered));
    const pressed = await press(at, { act: halt, csrf }, { cookie: cookieOf(entered) });
    expect(pressed.status).toBe(200);
    expect(double.acts).toEqual([
      {
        who: { kind: 'person', id: 'you', via: 'console', account: 'console:you' },
        act: { kind: 'halt', reason: 'test' },
      },
    ]);
  });

  it('goes on by the page itself when another site led here, because a strict cookie would not come along', async () => {
    const { at } = await start();
    const entered = await fetch(`${at}/?key=${localKey}`, {
      redirect: 'manual',
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(entered.status).toBe(200);
    expect(await entered.text()).toContain('http-equiv="refresh" content="0;url=/"');
  });

  it('refuses a wrong key, and after ten tries any key for a minute', async () => {
    const clock = createClock();
    const { at } = await start({ clock });
    for (let i = 0; i < 10; i++) expect((await fetch(`${at}/?key=wrong${i}`)).status).toBe(403);
    const limited = await fetch(`${at}/?key=${localKey}`, { redirect: 'manual' });
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    await clock.advance(60_000);
    expect((await fetch(`${at}/?key=${localKey}`, { redirect: 'manual' })).status).toBe(303);
  });

  it('refuses a change without the session token of the form, from another origin, or from another site', async () => {
    const { double, at } = await start();
    const { cookie, csrf } = await enterByKey(at, localKey);
    const { csrf: other } = await enterByKey(at, localKey);
    const tries: [string, Record<string, string>, Record<string, string>][] = [
      ['no token', { act: halt }, { cookie }],
      ['the token of another session', { act: halt, csrf: other }, { cookie }],
      ['no cookie', { act: halt, csrf }, {}],
      ['a foreign origin', { act: halt, csrf }, { cookie, origin: 'http://evil.example' }],
      ['another port', { act: halt, csrf }, { cookie, origin: 'http://127.0.0.1:1' }],
      ['a null origin', { act: halt, csrf }, { cookie, origin: 'null' }],
      ['a cross-site fetch', { act: halt, csrf }, { cookie, 'sec-fetch-site': 'cross-site' }],
      ['a same-site fetch', { act: halt, csrf }, { cookie, 'sec-fetch-site': 'same-site' }],
    ];
    for (const [name, form, headers] of tries) expect((await press(at, form, headers)).status, name).toBe(403);
    const bare = await fetch(`${at}/console/act`, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ act: halt, csrf }),
    });
    expect(bare.status, 'neither Origin nor Sec-Fetch-Site').toBe(403);
    expect(double.acts).toEqual([]);
  });

  it('answers under loopback names and the configured one only', async () => {
    const { at } = await start({ config: { url: 'https://tocsin.example', people: { you: {}, sam: {} } } });
    const { port } = new URL(at);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, 'tocsin.example']) {
      expect(await getAs(at, host), host).toBe(200);
    }
    for (const host of [
      `rebound.example:${port}`,
      '10.0.0.1',
      'tocsin.example.evil.example',
      '127.0.0.1.nip.io',
      'localhost.evil',
      'a@b',
    ]) {
      expect(await getAs(at, host), host).toBe(421);
      expect(await getAs(at, host, '/console/stream?page=/&after=0'), host).toBe(421);
    }
  });

  it('changes nothing by GET', async () => {
    const { double, at } = await start();
    const { cookie } = await enterByKey(at, localKey);
    for (const path of ['act', 'command', 'run', 'sample', 'act-as']) {
      expect((await fetch(`${at}/console/${path}?act=${halt}`, { headers: { cookie } })).status).toBe(404);
    }
    expect(double.acts).toEqual([]);
  });

  it('acts as the second sample person when told, and says so', async () => {
    const { double, at } = await start();
    const { cookie, csrf } = await enterByKey(at, localKey);
    const actAs = (person: string) =>
      fetch(`${at}/console/act-as`, {
        method: 'POST',
        body: new URLSearchParams({ csrf, person }),
        headers: { cookie, origin: at },
        redirect: 'manual',
      });
    expect((await actAs('mallory')).status).toBe(403);
    expect((await actAs('__proto__')).status).toBe(403);
    const asSam = await actAs('sam');
    expect(asSam.status).toBe(303);
    const acting = cookieOf(asSam);
    const page = await (await fetch(`${at}/`, { headers: { cookie: acting } })).text();
    expect(page).toContain('Acting as sam (sample second person)');
    // Forms of other tabs still carry the token they had.
    await press(at, { act: halt, csrf }, { cookie: acting });
    expect(double.acts[0]?.who).toEqual({ kind: 'person', id: 'sam', via: 'console', account: 'console:sam' });
  });

  it('sends the strict headers with every answer', async () => {
    const { at } = await start();
    for (const path of ['/', '/console/static/console.js', '/nothing', '/console/stream?page=/&after=0']) {
      const stop = new AbortController();
      const { headers } = await fetch(`${at}${path}`, { signal: stop.signal });
      stop.abort();
      if (path === '/nothing') continue;
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('same-origin');
    }
  });

  it('serves every script and style sheet that there is', async () => {
    const own = join(import.meta.dirname, '../../src/chat/console/static');
    const names = async (folder: string) => (await readdir(join(own, folder))).map(name => name.replace(/\.\w+$/, ''));
    expect([...scripts].sort()).toEqual((await names('js')).sort());
    expect([...sheets].sort()).toEqual((await names('css')).sort());
  });

  it('serves the named static files and nothing else', async () => {
    const { at } = await start();
    for (const file of ['htmx.js', 'console.js', 'console.css', 'icon.svg']) {
      expect((await fetch(`${at}/console/static/${file}`)).status).toBe(200);
    }
    for (const file of ['index.ts', '..%2findex.ts', '%2e%2e/routes.ts', 'constructor']) {
      expect((await fetch(`${at}/console/static/${file}`)).status).toBe(404);
    }
  });
});

describe('the page with tokens', () => {
  const alice = { kind: 'person', id: 'alice', via: 'token', account: null } as const;

  async function startWithTokens(options: HostDoubleOptions = {}) {
    const started = await start({ localKey: null, ...options });
    started.double.tokens.set('secret-token', alice);
    return started;
  }

  function signIn(at: string, token: string, headers: Record<string, string> = {}, to = '/runs') {
    return fetch(`${at}/login`, {
      method: 'POST',
      body: new URLSearchParams({ token, to }),
      headers: { origin: at, ...headers },
      redirect: 'manual',
    });
  }

  it('shows nothing without a session', async () => {
    const { at } = await startWithTokens();
    for (const path of ['/', '/runs', '/journal', '/runs/x/output', '/alerts/x']) {
      const answer = await fetch(`${at}${path}`, { redirect: 'manual' });
      expect(answer.status, path).toBe(303);
      expect(answer.headers.get('location')).toMatch(/^\/login\?to=/);
    }
    expect((await fetch(`${at}/console/stream?page=/&after=0`)).status).toBe(401);
    expect((await fetch(`${at}/console/details?subject=run&id=x`)).status).toBe(401);
  });

  it('exchanges a token for a session, acts as its person, and ends with sign out', async () => {
    const { double, at } = await startWithTokens();
    const signed = await signIn(at, 'secret-token');
    expect(signed.status).toBe(303);
    expect(signed.headers.get('location')).toBe('/runs');
    const cookie = cookieOf(signed);
    expect(cookie).not.toContain('secret');
    const csrf = await csrfOf(at, cookie);
    expect((await press(at, { act: halt, csrf }, { cookie })).status).toBe(200);
    expect(double.acts[0]?.who).toEqual(alice);
    const out = await fetch(`${at}/logout`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { cookie, origin: at },
      redirect: 'manual',
    });
    expect(out.status).toBe(303);
    expect(out.headers.get('set-cookie')).toMatch(/=; Max-Age=0/);
    expect((await press(at, { act: halt, csrf }, { cookie })).status).toBe(403);
    expect(double.acts).toHaveLength(1);
    expect((await fetch(`${at}/`, { headers: { cookie }, redirect: 'manual' })).status).toBe(303);
  });

  it('refuses a wrong token, a foreign form and too many tries, and offers no second person', async () => {
    const { at } = await startWithTokens();
    expect((await signIn(at, 'wrong')).status).toBe(403);
    expect((await signIn(at, 'secret-token', { origin: 'http://evil.example' })).status).toBe(403);
    const cookie = cookieOf(await signIn(at, 'secret-token'));
    expect(await (await fetch(`${at}/`, { headers: { cookie } })).text()).not.toContain('sample second person');
    for (let i = 0; i < 10; i++) await signIn(at, 'wrong');
    expect((await signIn(at, 'secret-token')).status).toBe(429);
  });

  it('ends a session when its token is withdrawn, and after twelve hours', async () => {
    const clock = createClock();
    const { double, at } = await startWithTokens({ clock });
    const cookie = cookieOf(await signIn(at, 'secret-token'));
    const status = async () => (await fetch(`${at}/`, { headers: { cookie }, redirect: 'manual' })).status;
    expect(await status()).toBe(200);
    double.tokens.clear();
    expect(await status()).toBe(303);
    double.tokens.set('secret-token', alice);
    expect(await status()).toBe(200);
    await clock.advance(12 * 3_600_000);
    expect(await status()).toBe(303);
  });

  it('marks the cookie Secure and host-bound where the page is reached by https', async () => {
    const { at } = await startWithTokens({ config: { url: 'https://tocsin.example' } });
    const set = (await signIn(at, 'secret-token')).headers.get('set-cookie') ?? '';
    expect(set).toMatch(/^__Host-tocsin_[0-9a-f]{8}=/);
    expect(set).toMatch(/Secure/);
  });

  it('does not lead to another site after signing in', async () => {
    const { at } = await startWithTokens();
    expect((await signIn(at, 'secret-token', {}, '//evil.example')).headers.get('location')).toBe('/');
  });
});
