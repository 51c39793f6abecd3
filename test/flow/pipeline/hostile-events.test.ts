import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { sha256 } from '../../../src/kernel/canonical.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

let test: TestApp;
afterEach(() => test.stop());

const file = (name: string) =>
  readFileSync(new URL(`../../fixtures/payloads/hostile/${name}`, import.meta.url)) as Uint8Array<ArrayBuffer>;
const firing = readFileSync(new URL('../../fixtures/payloads/alertmanager/firing.json', import.meta.url), 'utf8');

interface Sent {
  body: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

const hostile: [string, Sent, number, string][] = [
  ['a guessed token', { body: firing, headers: { authorization: 'Bearer guessed' } }, 401, 'bad-signature'],
  ['another type', { body: firing, headers: { 'content-type': 'text/xml' } }, 415, 'wrong-content-type'],
  ['no JSON', { body: '{"alerts": [' }, 422, 'bad-body'],
  ['a key twice', { body: firing.replace('{', '{"version":"4",') }, 422, 'bad-body'],
  ['nested without end', { body: file('deep-nesting.json') }, 422, 'bad-body'],
  [
    'packed a hundred times',
    { body: file('bomb-100MB.json.gz'), headers: { 'content-encoding': 'gzip' } },
    415,
    'wrong-content-type',
  ],
  [
    'more than a source takes',
    { body: JSON.stringify({ alerts: [], pad: 'x'.repeat(32 * 1024 * 1024) }) },
    413,
    'body-too-large',
  ],
  [
    'more around its alerts than is read as a whole',
    { body: JSON.stringify({ alerts: [], pad: 'x'.repeat(12 * 1024 * 1024) }) },
    422,
    'bad-body',
  ],
  ['no text', { body: new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]) }, 422, 'bad-body'],
  ['not what Alertmanager sends', { body: '{"alerts": "all"}' }, 422, 'bad-body'],
];

it('a delivery that is refused has its status and a code, is counted, and leaves nothing but a note of it', async () => {
  test = await startTestApp({ 'policy.yaml': 'rules: [{ name: all, decide: auto }]\n' });
  const { url, store } = test.app;
  const before = await store.head();
  const told: [string, number, string][] = [];
  for (const [name, { body, headers }] of hostile) {
    const answer = await fetch(`${url}/events/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer alert-secret', ...headers },
      body,
    });
    const text = await answer.text();
    expect(text, name).not.toContain('alertname');
    told.push([name, answer.status, JSON.parse(text).error?.code ?? JSON.parse(text).code]);
  }
  expect(told).toEqual(hostile.map(([name, , status, code]) => [name, status, code]));
  // One for both types, one for any line and column, and none has a word of a body.
  const left = await test.until(async () => {
    const entries = await store.journal({ after: before.seq, limit: 100 });
    return entries.length < 6 ? null : entries;
  });
  expect(left.map(({ fact }) => (fact.kind === 'source.refused' ? [fact.code, fact.at] : fact.kind))).toEqual([
    ['wrong-content-type', null],
    ['bad-body', 'the end'],
    ['bad-body', 'line 67, column 3'],
    ['body-too-large', 'maxBody'],
    ['bad-body', null],
    ['bad-body', 'alerts'],
  ]);
  expect(await store.alerts({})).toEqual([]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const code of new Set(hostile.map(([, , , one]) => one))) {
    const count = hostile.filter(([, , , one]) => one === code).length;
    expect(metrics).toContain(`tocsin_events_refused_total{source="alertmanager",code="${code}"} ${count}`);
  }
  for (const [name, { body }] of hostile) expect(await store.blob(sha256(body)), name).toBeNull();
  // And the door is as open as before.
  expect(await test.alert({ alertname: 'Hello' })).toMatchObject({ alert: expect.any(String) });
});

it('keys of the prototype are keys like others, from the door to the page', async () => {
  test = await startTestApp({ 'policy.yaml': 'rules: [{ name: all, decide: auto }]\n' });
  const answer = await fetch(`${test.app.url}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer alert-secret' },
    body: file('prototype-pollution.json'),
  });
  expect(answer.status).toBe(202);
  const { accepted } = (await answer.json()) as { accepted: { alert: string }[] };
  const { body } = await test.call('GET', `/api/v1/alerts/${accepted[0]?.alert}`);
  expect(body.fingerprint).toBe('__proto__');
  expect(Object.entries(body.labels)).toEqual(
    expect.arrayContaining([
      ['alertname', 'a'],
      ['toString', 'y'],
      ['hasOwnProperty', 'z'],
    ]),
  );
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  const post = await test.until(() => test.app.store.post('console', `alert/${accepted[0]?.alert}/1`));
  expect(JSON.stringify(post.card)).toContain('hasOwnProperty');
});
