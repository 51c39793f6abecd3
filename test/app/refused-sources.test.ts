import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkRunning } from '../../src/cli/doctor/process.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import type { FactOf } from '../../src/model/journal.ts';
import type { Change, Store } from '../../src/ports/store.ts';
import { cli } from '../cli/terminal.ts';
import { basicConfig, startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { openSession } from '../journey/console-page.ts';

const map = `
      fingerprint: body.object + "/" + body.reason
      state: body.state
      title: body.message
      startsAt: body.first`;
const config = basicConfig.replace(
  'people:',
  `  pagerduty: { secret: pd-secret }
  events:
    type: webhook
    auth: { bearer: events-secret }
    map: ${map}
  open:
    type: webhook
    map: ${map}
people:`,
);

const good = {
  object: 'pod/a',
  reason: 'Unschedulable',
  state: 'firing',
  message: 'no node fits',
  first: '2026-11-28T10:00:00Z',
};
const bad = { ...good, state: 'smouldering' };
const states = 'firing, resolved, acknowledged, unacknowledged, notice, or a word of the option states';
const isRefusal = ({ entries = [] }: Change) => entries.some(({ fact }) => fact.kind === 'source.refused');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

let place: TestApp;
afterEach(async () => place?.stop());

const terminal: Terminal = {
  out() {},
  err() {},
  env: {},
  cwd: '/nonexistent',
  interactive: false,
  signal: new AbortController().signal,
};

interface Logged {
  facts: Record<string, unknown>;
  message: string | undefined;
}

async function open(options: { clock?: Clock; wrapStore?: (store: Store) => Store } = {}): Promise<Logged[]> {
  const logged: Logged[] = [];
  const warn: Log['warn'] = (facts: object, message?: string) =>
    void logged.push({ facts: facts as Logged['facts'], message });
  place = await startTestApp({ 'tocsin.yaml': config }, { ...options, log: { ...silentLog, warn } });
  return logged;
}

function send(source: string, body: unknown, headers: Record<string, string> = bearer('events-secret')) {
  return place.call('POST', `/events/${source}`, { as: null, body, headers });
}

async function ready() {
  return (await place.call('GET', '/readyz', { as: null })).body;
}

async function refusals(): Promise<FactOf<'source.refused'>[]> {
  return (await place.journal()).flatMap(({ fact }) => (fact.kind === 'source.refused' ? [fact] : []));
}

/** Waits until so many refusals are journalled. */
async function journalled(count: number): Promise<FactOf<'source.refused'>[]> {
  const found = await place.until(async () => ((await refusals()).length >= count ? await refusals() : null));
  expect(found).toHaveLength(count);
  return found;
}

async function notes(): Promise<string[]> {
  const posts = await place.app.store.posts({ platform: 'console', thread: null, limit: 100 });
  return posts.flatMap(({ card }) => (card.title.includes('refused') ? [card.title] : []));
}

test('names the field to a sender that proved itself, in the log, in the journal and to everybody who operates', async () => {
  const logged = await open();
  const answer = await send('events', bad);
  expect(answer).toMatchObject({
    status: 422,
    body: { error: { code: 'bad-body', at: 'map.state', allowed: states } },
  });
  expect(logged).toMatchObject([
    { facts: { source: 'events', at: 'map.state', allowed: states }, message: 'refused at the door' },
  ]);
  expect(await journalled(1)).toEqual([
    {
      kind: 'source.refused',
      source: 'events',
      code: 'bad-body',
      at: 'map.state',
      because: `Allowed: ${states}.`,
      more: 0,
    },
  ]);
  const trouble = `a delivery of its sender was refused with bad-body at map.state. Allowed: ${states}.`;
  expect(await ready()).toMatchObject({ ready: true, well: false, parts: { 'source events': trouble } });
  expect(await place.until(async () => ((await notes()).length > 0 ? await notes() : null))).toEqual([
    `events: ${trouble}`,
  ]);
  const session = await openSession(place.app.url, tokens['ALICE'] ?? '');
  const page = async (path = '/') =>
    (await fetch(place.app.url + path, { headers: { cookie: session.cookie } })).text();
  expect(await page()).toContain(`source events: ${trouble}`);
  expect(await page('/sources')).toContain(`<b>Not well:</b> ${trouble}`);
  const { findings } = await checkRunning({ ...terminal, env: { TOCSIN_URL: place.app.url } });
  expect(findings).toContainEqual({ what: 'source events', state: 'bad', because: trouble });

  expect((await send('events', good)).status).toBe(202);
  expect(await ready()).toMatchObject({ well: true });
  expect(await page()).not.toContain('source events');
  expect(await page('/sources')).not.toContain('Not well');
  expect(await page('/sources')).toContain('/events/events');
});

test('`tocsin send` says which mapping it is', async () => {
  await open();
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-send-'));
  await writeFile(join(folder, 'body.json'), JSON.stringify(bad));
  const line = ['send', 'events', 'body.json', '--header', 'Authorization: Bearer events-secret'];
  const sent = await cli(line, { env: { TOCSIN_URL: place.app.url }, cwd: folder });
  await rm(folder, { recursive: true });
  expect([sent.code, sent.out]).toEqual([1, '']);
  expect(sent.err).toContain('bad-body');
  expect(sent.err).toMatch(/at +map\.state/);
  expect(sent.err).toContain(states);
});

test('a sender without proof learns nothing more; the log of a source without a secret names the field', async () => {
  const logged = await open();
  const open1 = await send('open', bad, {});
  expect(open1.status).toBe(422);
  expect(open1.body.error).not.toHaveProperty('at');
  expect(open1.body.error).not.toHaveProperty('allowed');
  const wrong = await send('events', bad, bearer('guessed'));
  expect([wrong.status, wrong.body.error.at]).toEqual([401, undefined]);
  expect(logged.map(({ facts }) => [facts['source'], facts['code'], facts['at']])).toEqual([
    ['open', 'bad-body', 'map.state'],
    ['events', 'bad-signature', undefined],
  ]);
  // What can be sent by anybody tells nobody anything: a proven refusal that comes later is the first of the journal.
  await send('events', bad);
  expect((await journalled(1))[0]?.source).toBe('events');
  expect(Object.keys((await ready()).parts).filter(part => part.startsWith('source '))).toEqual(['source events']);
});

test.each([
  ['a list that is none', 'alertmanager', { alerts: 'sesame' }, 'alerts'],
  ['a missing id', 'pagerduty', { event: { event_type: 'incident.triggered', sesame: 1 } }, 'event.id'],
])('%s: only words of the schema are named', async (_what, source, body, at) => {
  const logged = await open();
  const signature = createHmac('sha256', 'pd-secret').update(JSON.stringify(body)).digest('hex');
  const proof = { ...bearer('alert-secret'), 'x-pagerduty-signature': `v1=${signature}` };
  const answer = await send(source, body, proof);
  expect([answer.status, answer.body.error.at]).toEqual([422, at]);
  const [fact] = await journalled(1);
  expect(fact?.at).toBe(at);
  await place.until(async () => (await notes()).length > 0);
  const everything = [answer.body, await ready(), await notes(), logged, fact]
    .map(one => JSON.stringify(one))
    .join('\n');
  expect(everything).toContain(at);
  expect(everything).not.toContain('sesame');
});

test('a body beyond the limit names the limit, to a sender whose header proves it', async () => {
  await open();
  const huge = { ...good, message: 'x'.repeat(1024 * 1024) };
  const stranger = await send('events', huge, {});
  // A token is checked before the body is read.
  expect([stranger.status, stranger.body.error.at]).toEqual([401, undefined]);
  const answer = await send('events', huge);
  expect(answer).toMatchObject({
    status: 413,
    body: { error: { at: 'maxBody', allowed: 'at most 1048576 bytes (maxBody of the source)' } },
  });
  expect(await journalled(1)).toMatchObject([{ code: 'body-too-large', at: 'maxBody' }]);
  expect((await ready()).parts['source events']).toContain('body-too-large at maxBody. Allowed: at most 1048576 bytes');
  const keys = { ...good, many: Object.fromEntries(Array.from({ length: 10_001 }, (_, key) => [`k${key}`, 1])) };
  expect((await send('events', keys)).body.error).toMatchObject({ code: 'bad-body', allowed: 'at most 10000 keys' });
});

test('a flood is one note an hour for each field, with the number of the rest', async () => {
  let shift = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + shift,
    monotonic: () => systemClock.monotonic() + shift,
  };
  await open({ clock });
  for (let i = 0; i < 20; i++) expect((await send('events', bad)).status).toBe(422);
  for (let i = 0; i < 5; i++) await send('alertmanager', { alerts: i }, bearer('alert-secret'));
  expect((await journalled(2)).map(({ source, at, more }) => [source, at, more])).toEqual([
    ['events', 'map.state', 0],
    ['alertmanager', 'alerts', 0],
  ]);
  expect((await ready()).parts['source events']).toContain(
    '20 deliveries of its sender were refused, the last one with',
  );
  shift += 3_600_001;
  await send('events', bad);
  expect((await journalled(3))[2]).toMatchObject({ source: 'events', more: 19 });
  await place.until(async () =>
    (await notes()).some(note => note.endsWith('19 more were refused for this since the last note.')),
  );
  expect((await ready()).parts).not.toHaveProperty('source alertmanager');
  shift += 3_600_001;
  expect(await ready()).toMatchObject({ well: true });
});

test('the sender has its answer before anything is committed, and a stop waits for what is to be said', async () => {
  const hold = Promise.withResolvers<void>();
  const order: string[] = [];
  await open({
    wrapStore: store => ({
      ...store,
      async commit(change) {
        if (isRefusal(change)) {
          await hold.promise;
          order.push('committed');
        }
        return await store.commit(change);
      },
    }),
  });
  expect((await send('events', bad)).status).toBe(422);
  order.push('answered');
  expect(await refusals()).toEqual([]);
  const stopped = place.app.stop('a test').then(() => order.push('stopped'));
  hold.resolve();
  await stopped;
  expect(order).toEqual(['answered', 'committed', 'stopped']);
});

test('a note that the store does not take is logged, and tried again at the stop', async () => {
  let failures = 1;
  const stored: Change[] = [];
  const logged = await open({
    wrapStore: store => ({
      ...store,
      async commit(change) {
        if (!isRefusal(change)) return await store.commit(change);
        if (failures-- > 0) throw new TocsinError('store-failed');
        stored.push(change);
        return await store.commit(change);
      },
    }),
  });
  expect((await send('events', bad)).status).toBe(422);
  await place.until(async () => logged.some(({ message }) => message === 'a refusal could not be journalled'));
  // While it waits, further refusals are counted and try nothing.
  expect((await send('events', bad)).status).toBe(422);
  await place.app.stop('a test');
  expect(stored.flatMap(({ entries = [] }) => entries.map(({ fact }) => fact))).toMatchObject([
    { kind: 'source.refused', at: 'map.state', more: 1 },
  ]);
});

test('a restart says nothing again within the hour', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-again-'));
  place = await startTestApp({ 'tocsin.yaml': config }, { folder, keep: true });
  await send('events', bad);
  await journalled(1);
  await place.stop();
  place = await startTestApp({ 'tocsin.yaml': config }, { folder });
  await send('events', bad);
  await send('events', { object: 'pod/a', reason: 'Unschedulable', state: 'firing' });
  expect((await journalled(2)).map(({ at }) => at)).toEqual(['map.state', 'map.title']);
});
