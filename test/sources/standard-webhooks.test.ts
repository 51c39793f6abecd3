import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { streamOf } from '../../src/model/journal.ts';
import cloudevents from '../../src/sources/cloudevents/index.ts';
import source from '../../src/sources/webhook/index.ts';
import { basicConfig, startTestApp } from '../doubles/app.ts';
import { delivery, now, refusal, take } from './helpers.ts';

/** What the package standardwebhooks signs, through the proof of that name. */

const secretOf = (text: string) => `whsec_${Buffer.from(text.padEnd(24, '.')).toString('base64')}`;
const [first, second, strange] = ['first', 'second', 'strange'].map(secretOf) as [string, string, string];
const body = '{"type":"check.failed","data":{"check":"größe <b>","host":"db-1"}}';
const map = {
  fingerprint: 'body.data.host',
  state: 'body.type == "check.failed" ? "firing" : "resolved"',
  title: 'body.data.check',
};
const optionsOf = (secret: unknown = first, more: object = {}) => ({
  auth: { standardWebhooks: { secret, ...more } },
  map,
});

/** As the sender of that package would send it, with one signature per secret. */
function signed(text: string, { id = 'msg_1', at = now, secrets = [first] } = {}): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': secrets.map(secret => new Webhook(secret).sign(id, new Date(at), text)).join(' '),
  };
}

const answer = (headers: Record<string, string>, options: object = optionsOf(), text = body) =>
  source.verify(delivery(text, headers), source.options.parse(options));
const holds = (...given: Parameters<typeof answer>) => answer(...given).ok;

test('what the package signs is proven, and nothing else than what it signed', () => {
  const right = signed(body);
  expect(answer(right)).toEqual({ ok: true, by: 'hmac' });
  expect(holds(right, optionsOf(), `${body} `)).toBe(false);
  expect(holds({ ...right, 'webhook-id': 'msg_2' })).toBe(false);
  expect(holds({ ...right, 'webhook-timestamp': String(now / 1000 + 1) })).toBe(false);
  expect(holds({ ...right, 'webhook-signature': right['webhook-signature']?.replace('v1,', 'v1a,') ?? '' })).toBe(
    false,
  );
  expect(holds(signed(body, { secrets: [strange] }))).toBe(false);
  for (const name of Object.keys(right)) {
    const { [name]: _left, ...rest } = right;
    expect(holds(rest), `without ${name}`).toBe(false);
    expect(holds({ ...right, [name]: '' }), `${name} is empty`).toBe(false);
  }
});

test('one of several signatures, of any version, and any of several secrets is enough', () => {
  const two = signed(body, { secrets: [strange, first] });
  expect(holds(two)).toBe(true);
  expect(holds({ ...two, 'webhook-signature': `v1a,AAAA v2,BBBB ${two['webhook-signature']}` })).toBe(true);
  for (const secret of [first, second]) {
    expect(holds(signed(body, { secrets: [secret] }), optionsOf([second, first]))).toBe(true);
  }
  expect(holds(signed(body, { secrets: [strange] }), optionsOf([second, first]))).toBe(false);
  expect(holds(signed(body), optionsOf(first.slice('whsec_'.length)))).toBe(true);
});

test.each([
  [0, true],
  [300, true],
  [-300, true],
  [301, false],
  [-301, false],
])('signed %i seconds from now: %j', (away, expected) => {
  expect(holds(signed(body, { at: now + away * 1000 }))).toBe(expected);
  expect(holds(signed(body, { at: now + away * 1000 }), optionsOf(first, { tolerance: '10m' }))).toBe(true);
});

test('an id with a full stop proves nothing, because it could hold the time', () => {
  expect(holds(signed(body, { id: `msg_1.${now / 1000}` }))).toBe(false);
  // The same signed bytes, read otherwise: an id, a time, and a body that begins with another time.
  const moved = signed(`${now / 1000}.${body}`);
  expect(holds(moved, optionsOf(), `${now / 1000}.${body}`)).toBe(true);
  expect(holds({ ...moved, 'webhook-id': `msg_1.${now / 1000}` })).toBe(false);
});

test('without a signature the body is not read', () => {
  const options = source.options.parse(optionsOf());
  const { 'webhook-signature': _none, ...rest } = signed(body);
  expect(source.verifyHeaders?.(rest, options)).toMatchObject({ ok: false });
  expect(source.verifyHeaders?.(signed(body), options)).toBe(null);
});

test('what the source signs itself, the package takes', () => {
  const options = source.options.parse(optionsOf([first, second]));
  const at = Date.now();
  const headers = source.prove?.(delivery(body, {}, at), options) ?? {};
  expect(new Webhook(first).verify(body, headers)).toEqual(JSON.parse(body));
});

test.each([
  ['whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'whsec_'],
  ['not base64, though it is long enough', 'base64'],
  [`whsec_${Buffer.from('a'.repeat(15)).toString('base64')}`, '16 bytes'],
  [[first, 'whsec_short'], '16 bytes'],
])('the secret %j is refused', (secret, word) => {
  const parsed = source.options.safeParse(optionsOf(secret));
  expect(parsed.error?.issues.map(issue => issue.message).join()).toContain(word);
});

test('the signed id is the delivery id, unless another is chosen', () => {
  const idOf = (headers: Record<string, string>, options: object) =>
    take(source, delivery(body, headers), options).deliveryId;
  expect(idOf(signed(body), optionsOf())).toBe('msg_1');
  expect(idOf(signed(body), { ...optionsOf(), deliveryId: 'body.data.host' })).toBe('db-1');
  expect(idOf({ 'webhook-id': 'x' }, { auth: { bearer: 't' }, map })).toBe(null);
});

test('CloudEvents with attributes in headers are refused, since the signature does not cover them', () => {
  const binary = delivery('{}', { 'ce-id': '1', 'ce-source': '/a', 'ce-type': 'b', 'ce-specversion': '1.0' });
  const { auth } = optionsOf();
  expect(refusal(() => take(cloudevents, binary, { auth })).code).toBe('wrong-content-type');
  expect(take(cloudevents, binary, { auth: { bearer: 't' } }).events).toHaveLength(1);
});

test('over HTTP: one alert however often it is sent again, signed anew each time', async () => {
  await using app = new AsyncDisposableStack();
  const sources = { checks: { type: 'webhook', ...optionsOf() } };
  const tocsin = await startTestApp({ 'tocsin.yaml': stringify({ ...parse(basicConfig), sources }) });
  app.defer(tocsin.stop);
  const send = async (text: string, headers: Record<string, string>) => {
    const sent = await fetch(`${tocsin.app.url}/events/checks`, { method: 'POST', headers, body: text });
    return sent.status;
  };
  const at = Date.now();
  const ends = body.replace('failed', 'passed');
  expect(await send(body, signed(body, { at, secrets: [strange] }))).toBe(401);
  expect(await send(body, signed(body, { at }))).toBe(202);
  expect(await send(body, signed(body, { at: at - 5000 }))).toBeOneOf([200, 202]);
  expect(await send(ends, signed(ends, { id: 'msg_2', at }))).toBe(202);
  // A late try of the first opens nothing.
  expect(await send(body, signed(body, { at: at + 5000 }))).toBeOneOf([200, 202]);
  const { store } = tocsin.app;
  const alerts = await store.alerts({ limit: 10 });
  expect(alerts).toMatchObject([
    { fingerprint: 'db-1', title: 'größe <b>', state: 'resolved', episode: 1, trusted: true },
  ]);
  const entries = await store.stream(streamOf.alert(alerts[0]?.id ?? ''));
  const effects = entries.flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [fact.effect] : []));
  expect(effects).toEqual(['opened', 'resolved']);
});
