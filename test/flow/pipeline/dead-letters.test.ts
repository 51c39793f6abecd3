import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDeadLetters, mostLetters } from '../../../src/flow/pipeline/dead-letters.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { DeadLetters } from '../../../src/ports/letters.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

let place: TestApp;
let now: number;
beforeEach(async () => {
  now = Date.now();
  place = await startTestApp({}, { clock: { ...systemClock, now: () => now } });
});
afterEach(() => place.stop());

/** The list as one of several nodes on the same store has it. */
function node(source = 'logs'): DeadLetters {
  const { store } = place.app;
  const feed = { commit: store.commit.bind(store) };
  const { metrics } = createMetrics();
  return createDeadLetters(source, { store, feed, metrics, clock: { now: () => now } }, () => () => {});
}

const letter = (key: string, attempts = 1) => ({
  key,
  from: `s3://logs/${key}`,
  again: `{"key":"${key}"}`,
  code: 'NoSuchKey',
  because: 'it is gone',
  attempts,
});
const all = () => place.app.store.letters({});
const redrive = async (id: string) =>
  await place.call('POST', `/api/v1/dead-letters/${id}/redrive`, { body: { reason: 'again' } });

test('what two nodes put there at once is there once, and its entries tell its story', async () => {
  const [one, other] = [node(), node()];
  expect(await Promise.all([one.put(letter('a')), other.put(letter('a'))])).toEqual([true, true]);
  await one.put(letter('a', 2));
  const [found] = await all();
  expect(await all()).toHaveLength(1);
  const entries = await place.app.store.stream(`letter/${found?.id}`);
  expect(entries).toHaveLength(found?.version ?? 0);
  expect(found).toMatchObject({ state: 'dead', attempts: 2, source: 'logs' });
  await node('others').put(letter('a'));
  expect(await all()).toHaveLength(2);
});

test('another try is one node’s for ten minutes, and then any other’s', async () => {
  await node().put(letter('a'));
  const id = (await all())[0]?.id ?? '';
  expect(await node().takeRetries()).toEqual([]);
  await redrive(id);
  const taken = await Promise.all([node().takeRetries(), node().takeRetries(), node('others').takeRetries()]);
  expect(taken.flat()).toEqual([{ id, again: '{"key":"a"}', attempts: 1 }]);
  now += 599_000;
  expect(await node().takeRetries()).toEqual([]);
  now += 2000;
  expect(await node().takeRetries()).toHaveLength(1);
  await node().settle(id);
  await node().settle(id);
  expect(await all()).toMatchObject([{ id, state: 'read' }]);
  expect(await node().takeRetries()).toEqual([]);
});

test('a list that is full takes what is on it already, and nothing new until there is room', async () => {
  const list = node();
  for (let n = 0; n < mostLetters; n++) expect(await list.put(letter(`${n}`))).toBe(true);
  expect(await list.put(letter('more'))).toBe(false);
  expect(await list.put(letter('7', 2))).toBe(true);
  expect(await node('others').put(letter('more'))).toBe(true);
  const [found] = await place.app.store.letters({ source: 'logs', limit: 1 });
  expect((await place.call('POST', `/api/v1/dead-letters/${found?.id}/discard`, { body: {} })).status).toBe(202);
  expect(await list.put(letter('more'))).toBe(true);
});

test('texts are bounded, and what is too long to be read again says so', async () => {
  await node().put({ ...letter('a'), from: 'x'.repeat(5000), because: '\ud800'.repeat(3000), again: 'y'.repeat(4001) });
  const [found] = await all();
  expect([found?.from.length, found?.because.length, found?.again]).toEqual([1500, 500, null]);
});
