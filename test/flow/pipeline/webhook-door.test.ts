import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { rawRequest } from '../../http/setup.ts';

/** What a webhook takes at the real door: bytes as senders put them, and what they come to. */

const config = basicConfig.replace(
  'sources:\n',
  `sources:
  plain:
    type: webhook
    auth: { header: { name: X-Api-Key, value: a-key } }
    map: { fingerprint: body.id, state: body.state, title: body.id, at: body.at, by: body.by }
  signed:
    type: webhook
    auth: { hmac: { secret: a-secret, header: X-Sig } }
    map: { fingerprint: body.id, state: '"firing"', title: body.id }
  lines:
    type: webhook
    format: ndjson
    map: { fingerprint: item.id, state: '"firing"', title: item.id, startsAt: item.at }
`,
);

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ 'tocsin.yaml': config, 'policy.yaml': 'rules: [{ name: all, decide: auto }]\n' });
});
afterAll(() => test.stop());

const bomb = readFileSync(new URL('../../fixtures/payloads/hostile/bomb-100MB.json.gz', import.meta.url));

async function post(source: string, body: Buffer | string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${test.app.url}/events/${source}`, {
    method: 'POST',
    headers: { 'x-api-key': 'a-key', ...headers },
    body: body as never,
  });
  const json = (await answer.json()) as {
    accepted?: { event: string; alert: string | null }[];
    error?: { code: string; allowed?: unknown };
  };
  return { status: answer.status, accepted: json.accepted ?? [], error: json.error };
}

const alertOf = (id: string | null | undefined) => test.app.store.alert(id ?? '');
const firing = (id: string) => JSON.stringify({ id, state: 'firing', at: null });

describe('what a webhook is sent', () => {
  it.each<[string, Buffer | string, Record<string, string>]>([
    ['a type of another format', firing('a'), { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a type that is none', firing('b'), { 'content-type': 'json' }],
    ['a type without a word', firing('b2'), { 'content-type': '' }],
    ['gzip', gzipSync(firing('c')), { 'content-encoding': 'gzip', 'content-type': 'application/json' }],
    ['a charset', Buffer.from(firing('ö'), 'utf16le'), { 'content-type': 'application/json; charset=utf-16le' }],
  ])('%s is taken', async (_name, body, headers) => {
    const { status, accepted } = await post('plain', body, headers);
    expect(status).toBe(202);
    expect(await alertOf(accepted[0]?.alert)).toMatchObject({ state: 'firing', trusted: true });
  });

  it('no type at all is read as JSON', async () => {
    const body = firing('untyped');
    const port = Number(new URL(test.app.url).port);
    const answer = await rawRequest(
      port,
      `POST /events/plain HTTP/1.1\r\nHost: x\r\nX-API-KEY: a-key\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  });

  it.each<[string, Buffer | string, Record<string, string>, number, string]>([
    ['a bomb', bomb, { 'content-encoding': 'gzip' }, 413, 'body-too-large'],
    ['another encoding', firing('x'), { 'content-encoding': 'br' }, 415, 'wrong-content-type'],
    ['two encodings', gzipSync(gzipSync('{}')), { 'content-encoding': 'gzip, gzip' }, 415, 'wrong-content-type'],
    ['an unknown charset', '{}', { 'content-type': 'application/json; charset=klingon' }, 415, 'wrong-content-type'],
    ['bytes that are not UTF-8', Buffer.from('{"id":"\xf6"}', 'latin1'), {}, 422, 'bad-body'],
    ['a wrong token', firing('x'), { 'x-api-key': 'another' }, 401, 'bad-signature'],
  ])('%s is refused', async (_name, body, headers, status, code) => {
    expect(await post('plain', body, headers)).toMatchObject({ status, error: { code } });
  });

  it('a token in the address is not taken', async () => {
    const none = { 'x-api-key': '' };
    for (const query of ['?x-api-key=a-key', '?token=a-key', '?value=a-key']) {
      expect((await post(`plain${query}`, firing('x'), none)).status).toBe(401);
    }
  });

  it('a signature covers the bytes as they were sent', async () => {
    const body = gzipSync('{"id":"packed"}');
    const sign = (bytes: Buffer | string) => createHmac('sha256', 'a-secret').update(bytes).digest('hex');
    const gzip = { 'content-encoding': 'gzip' };
    expect((await post('signed', body, { ...gzip, 'x-sig': sign(body) })).status).toBe(202);
    expect((await post('signed', body, { ...gzip, 'x-sig': sign('{"id":"packed"}') })).status).toBe(401);
    // Who proves nothing has nothing unpacked.
    expect((await post('signed', bomb, { ...gzip, 'x-sig': sign('x') })).status).toBe(401);
  });

  it("orders news by the sender's clock, and says who acknowledged", async () => {
    const send = async (state: string, at: number, by = '') =>
      (await post('plain', JSON.stringify({ id: 'order', state, at, by }))).accepted[0]?.alert;
    const began = Math.floor(Date.now() / 1000) - 100;
    const id = await send('PROBLEM', began + 2);
    await send('ACKNOWLEDGEMENT', began + 3, 'alice');
    expect(await alertOf(id)).toMatchObject({ state: 'firing', acknowledgedBy: 'alice', startsAt: (began + 2) * 1000 });
    await send('RECOVERY', began);
    expect(await alertOf(id)).toMatchObject({ state: 'firing' });
    await send('unacknowledged', began + 4);
    expect(await alertOf(id)).toMatchObject({ acknowledgedBy: null });
    await send('RECOVERY', began + 5);
    expect(await alertOf(id)).toMatchObject({ state: 'resolved', resolvedAt: (began + 5) * 1000 });
  });

  it('a bad element is journalled as a notice, a start that cannot be read stands on the alert', async () => {
    const body = ['{"id":"l1","at":"soon"}', 'no JSON', '{"id":"l2"}', '{"id":"l3","at":null}'].join('\n');
    const { status, accepted } = await post('lines', body, { 'content-type': 'application/x-ndjson' });
    expect(status).toBe(202);
    expect(accepted.map(one => one.alert !== null)).toEqual([true, true, false]);
    expect(await alertOf(accepted[0]?.alert)).toMatchObject({
      title: 'l1',
      labels: { tocsin_note: expect.stringContaining('the arrival stands for it') },
    });
    const facts = (await test.journal()).map(entry => entry.fact);
    expect(facts).toContainEqual(
      expect.objectContaining({
        kind: 'event.accepted',
        event: expect.objectContaining({
          body: expect.objectContaining({
            kind: 'notice',
            title: '2 of 4 elements could not be taken: line 2, map.startsAt of line 3',
          }),
        }),
      }),
    );
  });
});
