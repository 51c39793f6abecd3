import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { createIntake } from '../../../src/flow/pipeline/intake.ts';
import { createRecords } from '../../../src/flow/records/records.ts';
import { createRecordsWatch } from '../../../src/flow/records/watch.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { sha256 } from '../../../src/kernel/canonical.ts';
import { createIds } from '../../../src/kernel/ids.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { compileSecrets } from '../../../src/kernel/redact/redact.ts';
import { bucketOf, keyText } from '../../../src/model/records/records.ts';
import type { Catalogue, ConfiguredSource } from '../../../src/ports/catalogue.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import records from '../../../src/sources/records/index.ts';
import { createHarness, type Harness, type Place } from '../../contracts/place.ts';

const minute = 60_000;
const token = 'a-token-of-the-sender';

type Node = ReturnType<typeof nodeOver>;

/** One process over a store. */
function nodeOver(store: Store, harness: Harness, sources: Map<string, ConfiguredSource>) {
  const { clock } = harness;
  const catalogue = { current: () => ({ sources }) } as unknown as Catalogue;
  const feed = createFeed({ store, log: silentLog, sleep: clock.sleep });
  const { metrics, registry } = createMetrics({ process: false });
  const common = { clock, store, feed, catalogue, metrics, log: silentLog, ids: createIds(clock) };
  const intake = createIntake(common);
  const taken = createRecords({ ...common, intake, hidden: () => compileSecrets([token]) });
  return {
    store,
    registry,
    records: taken,
    send: (lines: readonly object[], once: string | null = null, from = 'a test') =>
      taken.take('logs', { pieces: [Buffer.from(lines.map(one => `${JSON.stringify(one)}\n`).join(''))], from, once }),
    watch: () => createRecordsWatch({ ...common, intake }),
  };
}

/** What holds of windows whatever store they are in, and however many nodes and restarts there are. */
export function windowsContract(makePlace: () => Promise<Place>, severalNodes: boolean): void {
  let harness: Harness;
  let sources: Map<string, ConfiguredSource>;
  let node: Node;

  beforeEach(async () => {
    harness = await createHarness(makePlace);
    sources = new Map();
    node = nodeOver(await harness.open(), harness, sources);
  });
  afterEach(() => harness.close());

  function rules(detect: readonly object[], more: object = {}): void {
    const options = records.options.parse({ token, time: 'at', detect, ...more });
    sources.set('logs', { name: 'logs', driver: records, options });
  }
  const failed = {
    name: 'failed',
    where: 'record.ok == false',
    by: ['record.user'],
    count: { atLeast: 3, within: '5m' },
  };
  const login = (user: string, ago = 0) => ({ ok: false, user, at: new Date(harness.clock.now() - ago).toISOString() });
  const alertOf = (print: string, of = node) => of.store.alertOf('logs', print);
  const another = async () => nodeOver(severalNodes ? await harness.open() : node.store, harness, sources);

  test('batches on several nodes are counted together, and each alert fires once', async () => {
    rules([failed]);
    const nodes = [node, await another()];
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, n) => nodes[n % 2]?.send([login('ann'), login(`user-${n}`)], `batch ${n}`)),
    );
    expect(taken.reduce((sum, one) => sum + (one?.alerts ?? 0), 0)).toBe(1);
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 1, trusted: true });
    expect(await node.store.alerts({})).toHaveLength(1);
  });

  test('no interleaving of nodes changes the counts', async () => {
    rules([failed]);
    const nodes = [node, await another()];
    const one = fc.record({
      user: fc.constantFrom('ann', 'bob', 'c\u0000'),
      ago: fc.integer({ min: 0, max: 20 * minute }),
    });
    const all = fc.sample(fc.array(one, { maxLength: 20 }), 25);
    // Some of them come twice, to another node, while the first is under way.
    const sent = all.flatMap((batch, n) =>
      n % 3 === 0 ? [[n, batch] as const, [n, batch] as const] : [[n, batch] as const],
    );
    await Promise.all(
      sent.map(([n, batch], index) =>
        nodes[index % 2]?.send(
          batch.map(({ user, ago }) => login(user, ago)),
          `batch ${n}`,
        ),
      ),
    );
    for (const user of ['ann', 'bob', 'c\u0000']) {
      const expected = new Map<number, number>();
      for (const { ago } of all.flat().filter(made => made.user === user)) {
        const bucket = bucketOf(harness.clock.now() - ago, 5 * minute);
        expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
      }
      const stored = await node.store.tally({ source: 'logs', rule: 'failed', key: keyText([user]) });
      expect(stored.map(({ bucket, n }) => [bucket, n])).toEqual([...expected].sort(([a], [b]) => a - b));
    }
  });

  test('the same batch again counts once, on whichever node', async () => {
    rules([failed]);
    const other = await another();
    const answers = await Promise.all(
      [node, other, node].map(one => one.send([login('ann'), login('ann')], 'object 1')),
    );
    expect(answers.map(one => one.duplicate).sort()).toEqual([false, true, true]);
    await node.send([login('ann')], 'object 2');
    expect(await alertOf('failed/ann')).toMatchObject({ annotations: { count: '3' } });
  });

  test('a window survives a restart, with its evidence', async () => {
    rules([failed]);
    await node.send([login('ann', 2 * minute)], 'one', 's3://bucket/one');
    await node.send([login('ann', minute)], 'two', `s3://bucket/${token}`);
    await node.store.close();
    node = nodeOver(await harness.open(), harness, sources);
    expect((await node.send([{ ok: true }, login('ann')], 'three', 's3://bucket/three')).alerts).toBe(1);
    const alert = await alertOf('failed/ann');
    expect(alert?.annotations).toMatchObject({ count: '3' });
    expect(alert?.annotations['description']).toMatch(
      /^3 records within 5m, .* from s3:\/\/bucket\/one, .*\n\{"ok":false/,
    );
    expect(alert?.annotations['from']).toContain('s3://bucket/one');
    const [entry] = await node.store.journal({ after: 0, limit: 10, kinds: ['event.accepted'] });
    const raw = entry?.fact.kind === 'event.accepted' ? entry.fact.event.raw : null;
    const lines = Buffer.from((await node.store.blob(raw ?? '')) ?? [])
      .toString()
      .trim()
      .split('\n');
    expect(lines.map(line => JSON.parse(line).from)).toEqual([
      's3://bucket/one',
      's3://bucket/[redacted]',
      's3://bucket/three',
    ]);
    expect(lines.map(line => JSON.parse(line).place)).toEqual([1, 1, 2]);
    // Raw records are in no entry but as the evidence of what fired.
    expect(await node.store.journal({ after: 0, limit: 10 })).toHaveLength(1);
  });

  test('what was counted before its node died fires at the next look, once', async () => {
    rules([failed]);
    const dying = nodeOver(failingAfterCounts(node.store), harness, sources);
    expect((await dying.send([login('ann'), login('ann'), login('ann')])).alerts).toBe(0);
    expect(await alertOf('failed/ann')).toBeNull();
    const watch = await node.watch();
    await watch.look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 1 });
    await (await (await another()).watch()).look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 1, count: 1 });
  });

  test('what was missed is found behind any number of keys that are never full', async () => {
    rules([failed]);
    const spread = Array.from({ length: 1100 }, (_, n) =>
      [0, 20, 40].map(ago => login(`ann-${n}`, ago * minute)),
    ).flat();
    const dying = nodeOver(failingAfterCounts(node.store), harness, sources);
    await dying.send([...spread, login('zoe'), login('zoe'), login('zoe')]);
    await (await node.watch()).look();
    expect(await node.store.alerts({})).toMatchObject([{ title: 'failed: zoe', state: 'firing' }]);
  });

  test('an alert is over when nothing matches for the length of the window, and begins anew after it', async () => {
    rules([failed]);
    const watch = await node.watch();
    await node.send([login('ann'), login('ann'), login('ann')]);
    await harness.clock.advance(4 * minute);
    await node.send([login('bob')]);
    await watch.look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing' });
    await harness.clock.advance(minute);
    await watch.look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'resolved', end: { how: 'told' } });
    expect(await node.store.tally({ source: 'logs', rule: 'failed', key: '["ann"]' })).toEqual([]);
    expect((await node.send([login('ann'), login('ann')])).alerts).toBe(0);
    expect((await node.send([login('ann')])).alerts).toBe(1);
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 2 });
  });

  test('what is counted while its alert ends begins anew, and is not missed', async () => {
    rules([{ ...failed, quiet: '1m' }]);
    await node.send([login('ann'), login('ann'), login('ann')]);
    await harness.clock.advance(minute);
    const meanwhile: Store = {
      ...node.store,
      // The watch has read the alert and its last record, and not resolved it yet.
      async cursor(name) {
        if (name === 'records/logs') await node.send([login('ann'), login('ann'), login('ann')]);
        return await node.store.cursor(name);
      },
    };
    await (await nodeOver(meanwhile, harness, sources).watch()).look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 2 });
  });

  test('an alert that begins anew while the end of its last stretch is tidied up has an end of its own', async () => {
    rules([failed]);
    await node.send([login('ann'), login('ann'), login('ann')]);
    const before: Store = {
      ...node.store,
      async alertOf(...of) {
        before.alertOf = node.store.alertOf;
        const alert = await node.store.alertOf(...of);
        return alert === null ? null : { ...alert, state: 'resolved' };
      },
    };
    await (await nodeOver(before, harness, sources).watch()).look();
    await harness.clock.advance(15 * minute);
    await node.send([login('bob')]);
    await (await node.watch()).look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'resolved' });
  });

  test('a node whose clock is behind begins a new stretch too, and no old one', async () => {
    rules([{ ...failed, quiet: '1m' }]);
    const late = { ...harness, clock: { ...harness.clock, now: () => harness.clock.now() - 10 * minute } };
    const behind = nodeOver(node.store, late, sources);
    await node.send([login('ann'), login('ann'), login('ann')]);
    await harness.clock.advance(minute);
    await node.send([login('bob')]);
    await (await node.watch()).look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'resolved' });
    expect((await behind.send([login('ann'), login('ann'), login('ann')])).alerts).toBe(1);
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing', episode: 2, reopenedAt: null });
  });

  test('the silence of the whole source is no cure', async () => {
    rules([failed]);
    const watch = await node.watch();
    await node.send([login('ann'), login('ann'), login('ann')]);
    await harness.clock.advance(10 * minute);
    await watch.look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing' });
    await harness.clock.advance(6 * minute);
    await watch.look();
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'resolved', end: { how: 'expired' } });
  });

  test('the silence of the whole source is no cure, however long `quiet` is', async () => {
    rules([{ ...failed, quiet: '1h' }], { late: '1m' });
    await node.send([login('ann'), login('ann'), login('ann')]);
    await harness.clock.advance(minute);
    await node.send([login('ann')]);
    const watch = await node.watch();
    for (const step of [1, 130, 60]) {
      await harness.clock.advance(step * minute);
      await watch.look();
    }
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'resolved', end: { how: 'expired' } });
  });

  test('records count by their own time, in whatever order they come', async () => {
    rules([failed]);
    await node.send([login('ann', 20 * minute), login('ann', 10 * minute)]);
    expect((await node.send([login('ann')])).alerts).toBe(0);
    expect((await node.send([login('ann', 11 * minute), login('ann', 12 * minute)])).alerts).toBe(1);
    await node.send([login('ann', 120 * minute)]);
    const said = await node.store.journal({ after: 0, limit: 100, kinds: ['event.accepted'] });
    expect(JSON.stringify(said)).toContain('came too late to count for rule failed');
  });

  test('different values are counted, however often each comes', async () => {
    rules([{ name: 'scan', by: ['record.ip'], distinct: { of: 'record.port', atLeast: 3, within: '5m' } }]);
    const probe = (port: number) => ({ ip: '192.0.2.9', port, at: new Date(harness.clock.now()).toISOString() });
    expect((await node.send([probe(1), probe(1), probe(2), probe(2)])).alerts).toBe(0);
    expect((await (await another()).send([probe(2), probe(3)])).alerts).toBe(1);
    expect(await alertOf('scan/192.0.2.9')).toMatchObject({ annotations: { count: '3' } });
    // Once it fires, a scan of all ports does not fill the database.
    await node.send(Array.from({ length: 500 }, (_, port) => probe(port)));
    const kept = await node.store.tally({ source: 'logs', rule: 'scan', key: '["192.0.2.9"]' });
    expect(kept.length).toBeLessThanOrEqual(4);
  });

  test('what must keep coming is missed when it does not, and over when it comes again', async () => {
    rules([{ name: 'backup', where: 'record.job == "backup"', absent: { for: '10m' }, severity: 'error' }]);
    const watch = await node.watch();
    await watch.look();
    for (const step of [4, 4]) {
      await harness.clock.advance(step * minute);
      await watch.look();
    }
    await node.send([{ job: 'other' }, { job: 'backup' }]);
    await harness.clock.advance(9 * minute);
    await watch.look();
    expect(await alertOf('backup')).toBeNull();
    await harness.clock.advance(minute);
    await watch.look();
    await watch.look();
    expect(await alertOf('backup')).toMatchObject({ state: 'firing', severity: 'error', count: 1 });
    await node.send([{ job: 'backup' }]);
    await watch.look();
    expect(await alertOf('backup')).toMatchObject({ state: 'resolved' });
  });

  test('time in which nobody listened is not counted as absence', async () => {
    rules([{ name: 'backup', absent: { for: '10m' } }]);
    await (await node.watch()).look();
    await node.send([{ job: 'backup' }]);
    await harness.clock.advance(60 * minute);
    const watch = await node.watch();
    await watch.look();
    expect(await alertOf('backup')).toBeNull();
    await harness.clock.advance(10 * minute);
    await watch.look();
    expect(await alertOf('backup')).toMatchObject({ state: 'firing' });
  });

  test('time in which the store failed is not counted as absence', async () => {
    rules([{ name: 'backup', absent: { for: '10m' } }]);
    let fails = false;
    const failing: Store = {
      ...node.store,
      sightings: most => (fails ? Promise.reject(new Error('no store')) : node.store.sightings(most)),
    };
    const watch = await nodeOver(failing, harness, sources).watch();
    await node.send([{ job: 'backup' }]);
    await watch.look();
    fails = true;
    await harness.clock.advance(11 * minute);
    await expect(watch.look()).rejects.toThrow('no store');
    fails = false;
    await watch.look();
    expect(await alertOf('backup')).toBeNull();
    await harness.clock.advance(10 * minute);
    await watch.look();
    expect(await alertOf('backup')).toMatchObject({ state: 'firing' });
  });

  test('each value of `by` has a label, also when two have one name', async () => {
    rules([{ name: 'moved', by: ['record.from.ip', 'record.to.ip', 'record.rule'] }]);
    await node.send([{ from: { ip: '192.0.2.1' }, to: { ip: '192.0.2.2' }, rule: 'x' }]);
    const [alert] = await node.store.alerts({});
    expect(alert?.labels).toEqual({ rule: 'moved', ip: '192.0.2.1', by2: '192.0.2.2', by3: 'x' });
  });

  test('the times of an alert have its records between them', async () => {
    rules([failed]);
    const [start, now] = [bucketOf(harness.clock.now(), 5 * minute), harness.clock.now()];
    await harness.clock.advance(start + 20_000 - now);
    await node.send([login('ann'), login('ann'), login('ann')]);
    const shown = (at: number) => new Date(at).toISOString().replace('.000Z', 'Z');
    expect((await alertOf('failed/ann'))?.annotations['summary']).toBe(
      `3 records within 5m, ${shown(start)} to ${shown(harness.clock.now())}`,
    );
  });

  test('without a window each match is an alert, or a notice', async () => {
    const root = { where: 'record.user == "root"', title: 'Root is here' };
    rules([
      { name: 'root', ...root, labels: { team: 'sec' } },
      { name: 'told', ...root, notice: true },
    ]);
    expect((await node.send([{ user: 'root', password: token }], 'a')).alerts).toBe(1);
    expect((await node.send([{ user: 'root', password: token }], 'a')).duplicate).toBe(true);
    expect(await alertOf('root')).toMatchObject({ title: 'Root is here', labels: { team: 'sec', rule: 'root' } });
    const entries = await node.store.journal({ after: 0, limit: 10, kinds: ['event.accepted'] });
    const kinds = entries.map(({ fact }) => (fact.kind === 'event.accepted' ? fact.event.body.kind : ''));
    expect(kinds.sort()).toEqual(['alert', 'notice']);
    expect(JSON.stringify(entries)).not.toContain(token);
  });

  test('a secret in what tells keys apart is in no label and no title', async () => {
    rules([failed, { ...failed, name: 'told', count: undefined, notice: true }]);
    await node.send(['a', 'b', 'b', 'b'].map(name => login(`${name} ${token}`)));
    const [alert, ...others] = await node.store.alerts({});
    expect(alert).toMatchObject({ title: 'failed: b [redacted]', labels: { user: 'b [redacted]' } });
    expect(others).toEqual([]);
    expect(JSON.stringify(await node.store.journal({ after: 0, limit: 10 }))).not.toContain(token);
  });

  test('a key of long values that no database can pack blocks nothing', async () => {
    rules([{ ...failed, name: 'n'.repeat(100), by: ['record.a', 'record.b', 'record.c', 'record.d'] }]);
    const random = (from: string, n: number) => Number.parseInt(sha256(`${from} ${n}`).slice(0, 8), 16);
    const sign = (n: number) => String.fromCharCode(n % 3 === 0 ? n % 32 : 0x4e00 + (n % 20_000));
    const long = (from: string) => Array.from({ length: 200 }, (_, n) => sign(random(from, n))).join('');
    const record = { ok: false, a: long('a'), b: long('b'), c: long('c'), d: long('d') };
    expect((await node.send([record, record, record])).alerts).toBe(1);
  });

  test('what is no record is counted and said once an hour, and blocks nothing', async () => {
    rules([failed]);
    const broken = Buffer.from(`{"user":"ann"}\n${token} is no JSON\n{"user":"bob"}\n`);
    const take = () => node.records.take('logs', { pieces: [broken], from: 'x', once: null });
    const first = await take();
    expect(first).toMatchObject({ records: 2, unreadable: 1, faults: [{ cause: 'not-json' }] });
    expect(JSON.stringify(first)).not.toContain(token);
    await take();
    const said = await node.store.journal({ after: 0, limit: 10 });
    expect(said).toHaveLength(1);
    expect(await node.registry.metrics()).toContain('tocsin_records_total{source="logs",outcome="unreadable"} 2');
  });

  test('ten thousand keys of a rule are counted, and what is beyond them is said', async () => {
    rules([failed]);
    const many = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => login(`user-${from + n}`));
    await node.send(many(0, 9000));
    await node.send([
      ...many(9000, 11_000),
      login('ann'),
      login('ann'),
      login('ann'),
      login('user-1'),
      login('user-1'),
    ]);
    expect(await node.store.tallyKeys({ source: 'logs', rule: 'failed', most: 20_000 })).toBeLessThanOrEqual(10_001);
    // Those that are known, and those that are full at once, are not lost.
    expect(await alertOf('failed/ann')).toMatchObject({ state: 'firing' });
    expect(await alertOf('failed/user-1')).toMatchObject({ state: 'firing' });
    expect(JSON.stringify(await node.store.journal({ after: 0, limit: 100 }))).toContain('counts 10,000 keys at most');
  });

  test('nothing is counted of a batch that ends with an error', async () => {
    rules([failed]);
    async function* cut() {
      yield Buffer.from(`${[1, 2, 3].map(() => JSON.stringify(login('ann'))).join('\n')}\n`);
      throw new Error('the connection was lost');
    }
    const batch = (pieces: AsyncIterable<Buffer>) => node.records.take('logs', { pieces, from: 'x', once: 'object' });
    await expect(batch(cut())).rejects.toThrow('the connection was lost');
    expect(await alertOf('failed/ann')).toBeNull();
    expect((await node.send([login('ann'), login('ann'), login('ann')], 'object')).alerts).toBe(1);
  });

  describe('a delivery', () => {
    const post = (body: Buffer, headers: Record<string, string> = {}) =>
      node.records.receive('logs', {
        headers: { authorization: `Bearer ${token}`, ...headers },
        body,
        at: harness.clock.now(),
      });
    const gzip = { 'content-encoding': 'gzip' };

    test('is unpacked, and a bomb is refused before it fills the memory', async () => {
      rules([failed]);
      const lines = Buffer.from(`${JSON.stringify(login('ann'))}\n`.repeat(3));
      expect(await post(gzipSync(lines), gzip)).toMatchObject({ status: 202, json: { records: 3, alerts: 1 } });
      const bomb = gzipSync(Buffer.alloc(129 * 1024 * 1024));
      await expect(post(bomb, gzip)).rejects.toMatchObject({ code: 'body-too-large', proven: true });
      await expect(post(gzipSync(lines).subarray(0, 40), gzip)).rejects.toMatchObject({ code: 'bad-body' });
    });

    test('of a client of the HTTP Event Collector has its answer', async () => {
      rules([failed]);
      const body = Buffer.from('{"event":{"a":1}}{"event":"b"}');
      const answer = await post(body, { authorization: `Splunk ${token}` });
      expect(answer).toEqual({ status: 200, json: { text: 'Success', code: 0 }, records: 2 });
      await expect(post(body, { authorization: 'Splunk guessed' })).rejects.toMatchObject({ code: 'bad-signature' });
    });

    test('without a secret leads to nothing that is trusted', async () => {
      rules([failed], { token: undefined });
      await post(Buffer.from(`${JSON.stringify(login('ann'))}\n`.repeat(3)));
      expect(await alertOf('failed/ann')).toMatchObject({ trusted: false });
    });
  });
}

/** A store that fails as soon as something fires, as if its node had died after it counted. */
function failingAfterCounts(store: Store): Store {
  return {
    ...store,
    async commit(change: Change) {
      if (change.rows?.some(row => row.table === 'sighting') === true) throw new Error('the node died');
      return await store.commit(change);
    },
  };
}
