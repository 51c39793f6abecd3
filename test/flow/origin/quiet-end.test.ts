import { afterEach, expect, test } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

const config = (options: string) => `
sources:
  probe: { type: webhook, auth: { bearer: secret }, map: { fingerprint: body.id, state: "'firing'", title: body.id, at: body.at }${options} }
  open: { type: webhook, map: { fingerprint: body.id, state: "'firing'", title: body.id }${options} }
people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
`;

const hour = 3_600_000;
let app: TestApp;
let clock: HandClock;
afterEach(() => app.stop());

async function start(options = ', quiet: 1h', wrapStore = (store: Store): Store => store) {
  clock = createClock(Date.UTC(2026, 10, 20, 12));
  app = await startTestApp({ 'tocsin.yaml': config(options) }, { clock, wrapStore });
}

async function deliver(id: string, source = 'probe'): Promise<string> {
  const headers: Record<string, string> = source === 'open' ? {} : { authorization: 'Bearer secret' };
  const body = { id, at: new Date(clock.now()).toISOString() };
  const answer = await app.call('POST', `/events/${source}`, { as: null, headers, body });
  expect(answer.status).toBe(202);
  return answer.body.accepted[0].alert;
}

const alert = (id: string) => app.app.store.alert(id);
const ended = (id: string) =>
  app.until(async () => {
    await clock.advance(70_000);
    const found = await alert(id);
    return found?.state === 'resolved' ? found : null;
  });

test('a stretch without news for `quiet` ends as no cure, the thread says so, and what comes later is another episode', async () => {
  await start();
  const id = await deliver('db');
  const at = clock.now();
  clock.jump(at + hour + 1000);
  const over = await ended(id);
  expect(over).toMatchObject({
    trusted: true,
    episode: 1,
    resolvedAt: at + hour,
    end: { how: 'expired', because: 'no news of it came for 1h, and probe told no end' },
  });
  await app.until(async () => {
    const posts = await app.app.store.posts({ platform: 'console' });
    return JSON.stringify(posts).includes('Ended at probe, which is no cure: no news of it came for 1h');
  });
  expect(await deliver('db')).toBe(id);
  expect(await alert(id)).toMatchObject({ state: 'firing', episode: 2, end: null });
});

test('news makes it longer, and ends it only once', async () => {
  await start();
  const id = await deliver('db');
  const begun = clock.now();
  clock.jump(begun + hour - 60_000);
  await deliver('db');
  clock.jump(begun + hour + 1000);
  const other = await deliver('other');
  clock.jump(begun + 2 * hour - 60_000 + 1000);
  expect(await ended(id)).toMatchObject({ resolvedAt: begun + 2 * hour - 60_000, count: 2 });
  expect((await alert(other))?.state).toBe('firing');
  clock.jump(clock.now() + hour);
  await ended(other);
  const effects = (await app.journal())
    .filter(({ fact }) => fact.kind === 'event.accepted' && fact.alert === id)
    .map(({ fact }) => ('effect' in fact ? fact.effect : null));
  expect(effects).toEqual(['opened', 'refreshed', 'resolved']);
});

test.each(['probe', 'open'])('news that comes in the very moment goes on with the stretch: source %s', async source => {
  let inBetween: (() => Promise<void>) | null = null;
  await start(', quiet: 1h', store => ({
    ...store,
    async alerts(query) {
      const found = await store.alerts(query);
      const deliverNow = query.state === 'firing' ? inBetween : null;
      if (deliverNow !== null) inBetween = null;
      await deliverNow?.();
      return found;
    },
  }));
  const id = await deliver('db', source);
  clock.jump(clock.now() + hour + 1000);
  let came = false;
  inBetween = async () => {
    await deliver('db', source);
    came = true;
  };
  await app.until(async () => {
    await clock.advance(70_000);
    return came;
  });
  const effects = async () =>
    (await app.journal()).flatMap(({ fact }) =>
      fact.kind === 'event.accepted' && fact.alert === id ? [fact.effect] : [],
    );
  await app.until(async () => (await effects()).length === 3);
  expect(await effects()).toEqual(['opened', 'refreshed', 'stale']);
  expect(await alert(id)).toMatchObject({ state: 'firing', episode: 1, count: 2 });
});

test('the end of what nobody proved is not proven', async () => {
  await start();
  const id = await deliver('db', 'open');
  clock.jump(clock.now() + hour + 1000);
  expect(await ended(id)).toMatchObject({ trusted: false, end: { how: 'expired' } });
});

test('without `quiet` nothing ends by itself', async () => {
  await start('');
  const id = await deliver('db');
  clock.jump(clock.now() + 24 * hour);
  await app.until(async () => {
    await clock.advance(70_000);
    return (await alert(id))?.quietSince !== null;
  });
  expect((await alert(id))?.state).toBe('firing');
});
