import { afterEach, describe, expect, it } from 'vitest';
import { type Reopenings, startReopenings } from '../../../src/flow/pipeline/reopen.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { Event, IncomingAlert } from '../../../src/model/event.ts';
import type { Store } from '../../../src/ports/store.ts';
import { sampleIncoming } from '../../contracts/samples.ts';
import { createPlace, deliveryOf, type FlowNode, type FlowPlace, listSource, person, until } from '../place.ts';

let place: FlowPlace;
const started: Reopenings[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
  await place.close();
});

async function start(node: FlowNode = place.node): Promise<Reopenings> {
  const made = await startReopenings(node);
  started.push(made);
  return made;
}

async function deliver(facts: Partial<IncomingAlert> = {}): Promise<{ alert: Alert; event: Event }> {
  const at = place.clock.now();
  const body = sampleIncoming({ startsAt: 1000, occurredAt: at, ...facts });
  const [taken] = await place.node.intake.receive('am', deliveryOf([body], at));
  const alert = await place.store.alert(taken?.alert ?? '');
  const event = (await place.facts('event.accepted')).find(fact => fact.event.id === taken?.event)?.event;
  if (alert === null || event === undefined) throw new Error('not taken');
  return { alert, event };
}

const resolve = () => deliver({ state: 'resolved', endsAt: place.clock.now() });

/** Fires, is resolved and fires again with the same start. */
async function reopen() {
  await deliver();
  await resolve();
  await place.clock.advance(100);
  return await deliver();
}

const told = () => place.facts('alert.reopened');

const failing = (...errors: Error[]): Store => ({
  ...place.store,
  async commit(change) {
    const error = change.entries?.some(({ fact }) => fact.kind === 'alert.reopened') ? errors.shift() : undefined;
    if (error !== undefined) throw error;
    return await place.store.commit(change);
  },
});

describe('an alert that fires again', () => {
  it('is told when its quiet time is over, counted from when it began to fire again', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    await place.clock.advance(5000);
    const reopenings = await start();
    reopenings.add(alert, event);
    await place.clock.advance(10_000);
    const [fact] = await until(async () => ((await told()).length > 0 ? await told() : null));
    expect(fact).toEqual({ kind: 'alert.reopened', alert: alert.id, episode: 1, event });
    expect(await place.store.alert(alert.id)).toMatchObject({
      reopenedAt: null,
      version: alert.version + 1,
      state: 'firing',
    });
    const entry = (await place.store.stream(`alert/${alert.id}`)).at(-1);
    expect(entry).toMatchObject({ actor: { kind: 'system' }, at: place.clock.now() });
  });

  it('is not told a millisecond before', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    const reopenings = await start();
    reopenings.add(alert, event);
    await place.clock.advance(14_999);
    expect(place.clock.sleepers()).toBe(1);
    await reopenings.stop();
    // Nothing of it is left behind, and its end is no fault.
    expect(place.clock.sleepers()).toBe(0);
    expect(await told()).toEqual([]);
    expect(place.node.logged).toEqual([]);
  });

  it('waits as long as its source says', async () => {
    place = await createPlace();
    const timing = { reopenAfter: 70_000, repeatInterval: 1 };
    place.set.sources.set('am', { name: 'am', driver: { ...listSource(), timing: () => timing }, options: {} });
    const { alert, event } = await reopen();
    (await start()).add(alert, event);
    await place.clock.advance(69_999);
    expect(place.clock.sleepers()).toBe(1);
    await place.clock.advance(1);
    await until(async () => (await told()).length === 1);
  });

  it('is told once, however often it is added and on however many nodes', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    const all = [await start(), await start(place.another())];
    for (const reopenings of all) for (let n = 0; n < 3; n++) reopenings.add(alert, event);
    expect(place.clock.sleepers()).toBe(2);
    await place.clock.advance(15_000);
    // The second one finds that the alert changed, and then that nothing is left to tell.
    await place.clock.advance(5000);
    await until(async () => (await told()).length === 1 && place.clock.sleepers() === 0);
    for (const reopenings of all) await reopenings.stop();
    expect(await told()).toHaveLength(1);
  });

  it('is not told when it was resolved meanwhile, nor when it is not reopened at all', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    const reopenings = await start();
    await resolve();
    reopenings.add(alert, event);
    reopenings.add({ ...alert, reopenedAt: null }, event);
    expect(place.clock.sleepers()).toBe(1);
    await place.clock.advance(15_000);
    await until(async () => place.clock.sleepers() === 0);
    await reopenings.stop();
    expect(await told()).toEqual([]);
  });

  it('is told once for its last reopening, when it was resolved and reopened meanwhile', async () => {
    place = await createPlace();
    const first = await reopen();
    const reopenings = await start();
    reopenings.add(first.alert, first.event);
    await place.clock.advance(10_000);
    await resolve();
    const second = await deliver();
    reopenings.add(second.alert, second.event);
    expect(place.clock.sleepers()).toBe(2);
    await place.clock.advance(5000);
    await until(async () => place.clock.sleepers() === 1);
    expect(await told()).toEqual([]);
    await place.clock.advance(10_000);
    const [fact] = await until(async () => ((await told()).length > 0 ? await told() : null));
    expect(fact?.event.id).toBe(second.event.id);
  });

  it('is told although somebody silenced it', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    (await start()).add(alert, event);
    await place.node.act(person('carl'), { kind: 'silence', alert: alert.id, duration: 3_600_000 });
    await place.clock.advance(15_000);
    await until(async () => (await told()).length === 1);
    expect(await place.store.alert(alert.id)).toMatchObject({ state: 'silenced', reopenedAt: null });
  });

  it('that changed in the very moment, or when the store is down, is tried again five seconds later', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    const errors = [new TocsinError('guard-failed', { at: 'stream x' }), new TocsinError('store-failed')];
    const node = place.another(failing(...errors));
    (await start(node)).add(alert, event);
    await place.clock.advance(15_000);
    for (const _ of errors) {
      await until(async () => place.clock.sleepers() === 1);
      await place.clock.advance(4999);
      expect([place.clock.sleepers(), await told()]).toEqual([1, []]);
      await place.clock.advance(1);
    }
    await until(async () => (await told()).length === 1);
    expect(node.logged).toEqual([]);
  });

  it('that cannot be told for another reason is logged, and may be added again', async () => {
    place = await createPlace();
    const { alert, event } = await reopen();
    const node = place.another(failing(new Error('a fault')));
    const reopenings = await start(node);
    reopenings.add(alert, event);
    await place.clock.advance(15_000);
    await until(async () => node.logged.length > 0);
    expect(node.logged).toEqual([
      { facts: { alert: alert.id, because: 'a fault' }, message: 'a reopened alert could not be told' },
    ]);
    await until(async () => {
      reopenings.add(alert, event);
      return place.clock.sleepers() === 1;
    });
    await place.clock.advance(0);
    await until(async () => (await told()).length === 1);
  });
});

describe('after a restart', () => {
  it('what was under way goes on, also of a silenced alert, with the event that reopened it last', async () => {
    place = await createPlace();
    await reopen();
    await resolve();
    const { alert, event } = await deliver();
    await deliver();
    await place.node.act(person('carl'), { kind: 'silence', alert: alert.id, duration: 3_600_000 });
    const quiet = await deliver({ fingerprint: 'f2' });
    await start();
    expect(place.clock.sleepers()).toBe(1);
    await place.clock.advance(15_000);
    const [fact] = await until(async () => ((await told()).length > 0 ? await told() : null));
    expect([fact?.alert, fact?.event.id]).toEqual([alert.id, event.id]);
    expect((await place.store.alert(quiet.alert.id))?.version).toBe(1);
  });

  it('of more alerts than are read at one time, each is told', async () => {
    place = await createPlace();
    const many = Array.from({ length: 501 }, (_, n) => sampleIncoming({ fingerprint: `m${n}`, startsAt: 1000 }));
    const all = async (state: 'firing' | 'resolved') => {
      const at = place.clock.now();
      const events = many.map(body => ({ ...body, state, occurredAt: at, endsAt: state === 'resolved' ? at : null }));
      await place.node.intake.receive('am', deliveryOf(events, at));
    };
    for (const state of ['firing', 'resolved', 'firing'] as const) await all(state);
    await start();
    expect(place.clock.sleepers()).toBe(501);
  });
});
