import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maskToken, unmaskToken } from '../../../src/chat/console/csrf.ts';
import platform from '../../../src/chat/console/index.ts';
import type { ChatConnection } from '../../../src/ports/chat.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { createHostDouble, type HostDouble, localKey } from '../../doubles/chat-host.ts';
import { cookieOf } from '../../journey/console-page.ts';

let double: HostDouble;
let connection: ChatConnection;
let at: string;
let cookie: string;

beforeEach(async () => {
  double = await createHostDouble();
  connection = await platform.open(platform.options.parse({}), double.host);
  at = await double.listen();
  cookie = cookieOf(await fetch(`${at}/?key=${localKey}`, { redirect: 'manual' }));
});
afterEach(async () => {
  await connection.close();
  await double.close();
});

interface Got {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The bytes as they are on the wire, unlike fetch, which unpacks them. */
function get(path: string, headers: Record<string, string> = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(`${at}${path}`, { headers: { cookie, ...headers } }, answer => {
      const parts: Buffer[] = [];
      answer.on('data', part => parts.push(part));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const browser = { 'accept-encoding': 'gzip, deflate, br, zstd' };

describe('what goes over the wire', () => {
  it('is below 150 KB for the first page of 5,000 alerts, with its style sheet, scripts and icon', async () => {
    const docs = Array.from({ length: 5000 }, (_, n) =>
      sampleAlert({
        id: `alt_${n}`,
        fingerprint: `${n}`,
        title: `Disk ${(n * 7919) % 5000} is full on host ${(n * 104729).toString(36)}`,
        labels: { cluster: `c${n % 40}`, host: `web-${n}` },
        firstSeen: n,
        startsAt: n * 1000,
      }),
    );
    await double.commit({ rows: docs.map(doc => ({ table: 'alert' as const, doc })) });
    const page = await get('/alerts', browser);
    const text = brotliDecompressSync(page.body).toString();
    expect(text).toContain('5,000 alerts');
    expect(text.match(/class="row alert-firing/g)).toHaveLength(100);
    const files = [...text.matchAll(/(?:src|href)="(\/console\/static\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(new Set(files).size).toBeGreaterThanOrEqual(4);
    let total = page.body.length;
    for (const path of new Set(files)) total += (await get(path, browser)).body.length;
    expect(total).toBeLessThan(150_000);
    expect(total).toBeGreaterThan(20_000);
    // As many as one page has at most are still below it.
    const most = await get('/alerts?show=1000', browser);
    expect(
      brotliDecompressSync(most.body)
        .toString()
        .match(/class="row alert-firing/g),
    ).toHaveLength(1000);
    expect(most.body.length).toBeLessThan(150_000);
  });

  it('is packed as the browser takes it, and plain where it takes nothing', async () => {
    for (const path of ['/alerts', '/console/static/console.css', '/console/static/htmx.js']) {
      const [br, gzip, plain, refused] = await Promise.all([
        get(path, browser),
        get(path, { 'accept-encoding': 'gzip' }),
        get(path),
        get(path, { 'accept-encoding': 'br;q=0, gzip;q=0' }),
      ]);
      expect(
        [br, gzip, plain, refused].map(one => one.headers['content-encoding']),
        path,
      ).toEqual(['br', 'gzip', undefined, undefined]);
      expect([br, gzip].map(one => one.headers['vary'])).toEqual(['accept-encoding', 'accept-encoding']);
      const same = (body: Buffer) => body.toString().replace(/name="csrf" value="[^"]*"|data-now="\d+"/g, '');
      expect(same(brotliDecompressSync(br.body))).toBe(same(plain.body));
      expect(same(gunzipSync(gzip.body))).toBe(same(plain.body));
      expect(same(refused.body)).toBe(same(plain.body));
    }
  });

  it('of a file is nothing when the browser has it, in whichever encoding', async () => {
    const first = await get('/console/static/console.css', browser);
    const etag = String(first.headers['etag']);
    const again = await get('/console/static/console.css', { ...browser, 'if-none-match': etag });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it('of a stream is packed nowhere', async () => {
    const stop = new AbortController();
    const stream = await fetch(`${at}/console/stream?page=%2Falerts&after=0`, {
      headers: { cookie, ...browser },
      signal: stop.signal,
    });
    expect([stream.status, stream.headers.get('content-encoding')]).toEqual([200, null]);
    const { value } = (await stream.body?.getReader().read()) ?? {};
    expect(Buffer.from(value ?? []).toString()).toContain('retry:');
    stop.abort();
  });

  it('beside what was typed has no secret that stays the same from answer to answer', async () => {
    const tokens = async () => {
      const page = brotliDecompressSync((await get('/alerts?q=guess', browser)).body).toString();
      return new Set([...page.matchAll(/name="csrf" value="([^"]+)"/g)].map(([, token = '']) => token));
    };
    const [first, second] = [await tokens(), await tokens()];
    expect([first.size, second.size]).toEqual([1, 1]);
    const [one = '', other = ''] = [...first, ...second];
    expect(one).not.toBe(other);
    expect(unmaskToken(one)).toBe(unmaskToken(other));
    // No six characters of one are at the same place of the other, as they would be of a secret with a new end.
    for (let n = 0; n + 6 < one.length; n++) expect(one.slice(n, n + 6)).not.toBe(other.slice(n, n + 6));
    // Both are taken; the bare secret is not.
    const press = (csrf: string) =>
      fetch(`${at}/console/bulk`, {
        method: 'POST',
        headers: { cookie, origin: at, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ csrf, what: 'acknowledge', scope: 'picked', 'pick.alt_1': 'yes' }),
      });
    expect([(await press(one)).status, (await press(other)).status]).toEqual([200, 200]);
    expect([(await press(unmaskToken(one))).status, (await press('')).status]).toEqual([403, 403]);
    expect((await press(`${one.slice(0, -1)}${one.endsWith('A') ? 'B' : 'A'}`)).status).toBe(403);
  });
});

it('a masked token is another each time and stands for the same, and any text unmasks to something', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 16, maxLength: 80, unit: fc.constantFrom(...'abcdef0123456789') }), secret => {
      expect(unmaskToken(maskToken(secret))).toBe(secret);
      expect(maskToken(secret)).not.toBe(maskToken(secret));
    }),
  );
  fc.assert(fc.property(fc.string(), text => void unmaskToken(text)));
});
