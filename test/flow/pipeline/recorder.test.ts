import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeenDelivery } from '../../../src/flow/pipeline/delivery-log.ts';
import { createRecorder, type Recorder } from '../../../src/flow/pipeline/recorder.ts';
import { cleanDelivery, mostRecorded } from '../../../src/flow/pipeline/redact-delivery.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { compileSecrets } from '../../../src/kernel/redact/redact.ts';
import { keptAfterEnd, type Recording } from '../../../src/model/recording.ts';
import type { ConfiguredSource } from '../../../src/ports/catalogue.ts';
import type { Delivery } from '../../../src/ports/source.ts';
import github from '../../../src/sources/github/index.ts';
import { createPlace, type FlowPlace } from '../place.ts';

const source: ConfiguredSource = {
  name: 'github',
  driver: github as ConfiguredSource['driver'],
  options: github.options.parse({ secret: 'the-secret' }),
};
const secrets = compileSecrets(['the-secret', 'another value']);
const delivery = (body: string | Buffer, headers: Record<string, string> = {}): Delivery => ({
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(body),
  at: 1_000_000,
});

describe('a delivery without its secrets', () => {
  const clean = (body: string | Buffer, headers: Record<string, string> = {}) =>
    cleanDelivery(delivery(body, headers), source, secrets);

  it('loses the headers of every proof, of proxies and of the connection, and keeps those of its sender', () => {
    const made = clean('{}', {
      'x-hub-signature-256': 'sha256=aa',
      'x-hub-signature': 'sha1=aa',
      authorization: 'Bearer x',
      'x-gitlab-token': 'x',
      cookie: 'a=b',
      'dd-api-key': 'x',
      host: 'here',
      'content-length': '2',
      'x-forwarded-for': '192.0.2.1',
      'x-real-ip': '192.0.2.1',
      'tocsin-removed': 'nothing',
      'x-github-event': 'push',
      'x-about': 'it is another value, and Bearer abcdefghijklmnop',
    });
    expect(made?.headers).toEqual({
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-about': 'it is [redacted], and Bearer [redacted]',
    });
    expect(made?.removed).toEqual([
      'header x-hub-signature-256',
      'header x-hub-signature',
      'header authorization',
      'header x-gitlab-token',
      'header cookie',
      'header dd-api-key',
      'a value in header x-about',
    ]);
  });

  it.each<[string, string | Buffer, string | Buffer]>([
    [
      'bytes that are no text',
      Buffer.from([0, 255, 254, 13, 10, 13, 10, 128]),
      Buffer.from([0, 255, 254, 13, 10, 13, 10, 128]),
    ],
    ['spaces and ends of lines', '{ "a" : 1 }\r\n\n', '{ "a" : 1 }\r\n\n'],
    ['a secret in base64', `{"a":"${Buffer.from('the-secret').toString('base64')}"}`, '{"a":"[redacted]"}'],
    ['a secret in a form', 'a=1&b=another%20value&c=2', 'a=1&b=[redacted]&c=2'],
    [
      'no text in the place of a secret',
      '{"token":null,"secret": 12345 ,"b":[1]}',
      '{"token":"[redacted]","secret": "[redacted]" ,"b":[1]}',
    ],
    ['a token by its shape', `{"a":"xoxb-${'1'.repeat(12)}-abc"}`, '{"a":"[redacted]"}'],
  ])('keeps all other bytes: %s', (_, body, expected) => {
    expect(clean(body)?.body).toEqual(Buffer.from(expected));
  });

  it('is nothing where nobody can look into it, or where it is too large', () => {
    expect(clean('not packed', { 'content-encoding': 'gzip' })).toBeNull();
    expect(clean('x', { 'content-encoding': 'br' })).toBeNull();
    expect(clean(Buffer.alloc(mostRecorded + 1))).toBeNull();
  });
});

describe('the recorder', () => {
  let place: FlowPlace;
  beforeEach(async () => {
    place = await createPlace();
  });
  afterEach(() => place.close());

  const seen: SeenDelivery = {
    source: 'github',
    address: null,
    bytes: 2,
    proven: true,
    outcome: { what: 'accepted', events: [], total: 0, echo: null, test: false },
  };
  const recording = (over: Partial<Recording> = {}): Recording => {
    const at = place.clock.now();
    return { id: 'rec_1', source: 'github', by: 'a', at, until: at + 60_000, most: 3, unproven: false, ...over };
  };
  const make = (of = source): Recorder =>
    createRecorder({
      ...place.another(),
      log: silentLog,
      catalogue: { current: () => ({ sources: new Map([['github', of]]) }) as never },
      hidden: () => secrets,
    });

  it('keeps as many as were asked for, each once, whichever node it came to', async () => {
    await place.store.commit({ rows: [{ table: 'recording', doc: recording() }] });
    const nodes = [make(), make()];
    for (let n = 0; n < 10; n++) for (const node of nodes) node.offer(seen, delivery(`{"n":${n}}`));
    await Promise.all(nodes.map(node => node.settled()));
    const kept = await place.store.recorded('rec_1');
    expect(kept.map(one => one.number)).toEqual([1, 2, 3]);
    expect(new Set(kept.map(one => `${Buffer.from(one.body)}`)).size).toBeGreaterThan(1);
  });

  it('keeps nothing of other sources, of strangers unless asked, and nothing after the end', async () => {
    const rows = [recording(), recording({ id: 'rec_2', unproven: true }), recording({ id: 'rec_3', until: 0 })];
    await place.store.commit({ rows: rows.map(doc => ({ table: 'recording', doc })) });
    const node = make();
    node.offer({ ...seen, source: 'other' }, delivery('{}'));
    node.offer({ ...seen, proven: false }, delivery('{"stranger":1}'));
    await node.settled();
    const counts = await Promise.all(rows.map(async one => (await place.store.recorded(one.id)).length));
    expect(counts).toEqual([0, 1, 0]);
  });

  it.each([{ keepsRaw: false }, { records: () => null }])('keeps nothing that is kept nowhere else: %o', async more => {
    const secret: ConfiguredSource = { ...source, driver: { ...source.driver, ...more } as ConfiguredSource['driver'] };
    await place.store.commit({ rows: [{ table: 'recording', doc: recording() }] });
    const node = make(secret);
    node.offer(seen, delivery('{}'));
    await node.settled();
    expect(await place.store.recorded('rec_1')).toEqual([]);
  });

  it('notices a recording of another node, and deletes what is over with all that it kept', async () => {
    const node = make();
    node.offer(seen, delivery('{}'));
    await node.settled();
    await place.store.commit({ rows: [{ table: 'recording', doc: recording() }] });
    await place.clock.advance(1000);
    node.offer(seen, delivery('{}'));
    await node.settled();
    expect(await place.store.recorded('rec_1')).toHaveLength(1);
    await node.sweep();
    expect(await place.store.recordings()).toHaveLength(1);
    await place.clock.advance(60_000 + keptAfterEnd);
    await node.sweep();
    expect([await place.store.recordings(), await place.store.recorded('rec_1')]).toEqual([[], []]);
  });
});
