import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/kernel/canonical.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { IncomingAlert, IncomingEvent } from '../../../src/model/event.ts';
import type { Look } from '../../../src/model/look.ts';
import type { Normalised, Source } from '../../../src/ports/source.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import { sampleIncoming } from '../../contracts/samples.ts';
import { createPlace, deliveryOf, type FlowNode, type FlowPlace, listSource } from '../place.ts';

let place: FlowPlace;
afterEach(() => place.close());

const one = (facts: Partial<IncomingAlert> = {}) => sampleIncoming({ startsAt: 1000, occurredAt: 1000, ...facts });
const gone = (facts: Partial<IncomingAlert> = {}) =>
  one({ state: 'resolved', occurredAt: 5000, endsAt: 5000, ...facts });
const notice: IncomingEvent = { kind: 'notice', title: 'Hello', labels: {}, links: [], occurredAt: 1, type: 'hello' };

function configure(facts: Partial<Normalised>, driver: Partial<Source> = {}, by: 'hmac' | 'none' = 'hmac') {
  place.set.sources.set('am', { name: 'am', driver: { ...listSource(facts, by), ...driver } as Source, options: {} });
}

const receive = (events: readonly IncomingEvent[], node: FlowNode = place.node) =>
  node.intake.receive('am', deliveryOf(events, place.clock.now()));
const stored = async () => (await place.store.alertOf('am', 'f1')) as Alert;
const accepted = () => place.facts('event.accepted');

/** A store whose first commits of events fail, each with the error that is made for it. */
function failing(...errors: (() => Error)[]): Store {
  const left = [...errors];
  return {
    ...place.store,
    async commit(change: Change) {
      const events = change.entries?.some(({ fact }) => fact.kind === 'event.accepted') === true;
      const error = events ? left.shift() : undefined;
      if (error !== undefined) throw error();
      return await place.store.commit(change);
    },
  };
}
const guardFailed = (at: string) => () => new TocsinError('guard-failed', { at });

describe('two intakes on one store', () => {
  it('count every delivery about one alert once, however they come together', async () => {
    place = await createPlace();
    const nodes = [place.node, place.another()];
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => receive([one()], nodes[n % 2])));
    expect(new Set(answers.map(([answer]) => answer?.alert)).size).toBe(1);
    expect(new Set(answers.map(([answer]) => answer?.event)).size).toBe(40);
    expect(await stored()).toMatchObject({ count: 40, version: 40, episode: 1, state: 'firing' });
    const entries = await place.store.stream(`alert/${(await stored()).id}`);
    expect(entries).toHaveLength(40);
    expect((await accepted()).map(fact => fact.effect)).toEqual(['opened', ...Array(39).fill('refreshed')]);
    // Each remembers nothing that would let it fold on an old state.
    await receive([gone()], nodes[0]);
    await receive([one({ startsAt: 9000 })], nodes[1]);
    await receive([one({ startsAt: 9000 })], nodes[0]);
    expect(await stored()).toMatchObject({ episode: 2, count: 2, version: 43 });
  });

  it('take a delivery with a signed id once, and answer both with its event and alert', async () => {
    place = await createPlace();
    configure({ deliveryId: 'D1' });
    const nodes = [place.node, place.another()];
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => receive([one(), notice], nodes[n % 2])));
    const { id } = await stored();
    const [event, other] = [0, 1].map(n => `evt_${sha256(`delivery/am\nD1\n${n}`).slice(0, 24)}`);
    for (const [first, second] of answers) {
      expect(first).toMatchObject({ event, alert: id });
      expect(second).toMatchObject({ event: other, alert: null });
    }
    expect(answers.filter(([first]) => first?.duplicate === false)).toHaveLength(1);
    expect(answers.every(([first, second]) => first?.duplicate === second?.duplicate)).toBe(true);
    expect(await stored()).toMatchObject({ count: 1, version: 1 });
    expect(await accepted()).toHaveLength(2);
  });

  it('forget a signed id after a week, and not before', async () => {
    place = await createPlace();
    configure({ deliveryId: 'D1' });
    const duplicate = async () => (await receive([one()]))[0]?.duplicate;
    const week = 7 * 24 * 3_600_000;
    expect(await duplicate()).toBe(false);
    await place.clock.advance(week - 1);
    expect(await duplicate()).toBe(true);
    await place.clock.advance(2);
    expect(await duplicate()).toBe(false);
  });

  it('emit what a source makes once, whichever is first', async () => {
    place = await createPlace();
    const tick: IncomingEvent = {
      kind: 'tick',
      title: 'T',
      labels: {},
      links: [],
      occurredAt: 1,
      schedule: 's',
      at: 1,
    };
    const nodes = [place.node, place.another()];
    const told = await Promise.all(nodes.map(node => node.intake.emit('clock', [tick], 'tick 1')));
    expect(told.sort()).toEqual([false, true]);
    expect(await place.node.intake.emit('clock', [tick], 'tick 2')).toBe(true);
    expect(await place.node.intake.emit('other', [tick], 'tick 1')).toBe(true);
    expect((await accepted()).map(({ event }) => [event.source, event.raw, event.trusted])).toEqual([
      ['clock', null, true],
      ['clock', null, true],
      ['other', null, true],
    ]);
  });
});

describe('a delivery', () => {
  it('is kept with its bytes, its time and its proof, each event in the stream of its alert or its own', async () => {
    place = await createPlace();
    await place.clock.advance(5);
    const delivery = deliveryOf([one(), notice, one({ fingerprint: 'f2' }), one({ title: 'Again' })], 77);
    const answers = await place.node.intake.receive('am', delivery);
    const alert = await stored();
    const other = await place.store.alertOf('am', 'f2');
    expect(answers.map(answer => [answer.alert, answer.duplicate])).toEqual([
      [alert.id, false],
      [null, false],
      [other?.id, false],
      [alert.id, false],
    ]);
    const entries = (await place.store.journal({ after: 0, limit: 10 })).map(({ stream, actor, at, fact }) => [
      stream,
      actor,
      at,
      fact.kind === 'event.accepted' ? [fact.effect, fact.alert, fact.episode, fact.event.id] : null,
    ]);
    const from = { kind: 'source', id: 'am' };
    const ids = answers.map(answer => answer.event);
    expect(entries).toEqual([
      [`alert/${alert.id}`, from, 77, ['opened', alert.id, 1, ids[0]]],
      [`event/${ids[1]}`, from, 77, [null, null, null, ids[1]]],
      [`alert/${other?.id}`, from, 77, ['opened', other?.id, 1, ids[2]]],
      [`alert/${alert.id}`, from, 77, ['refreshed', alert.id, 1, ids[3]]],
    ]);
    expect(alert).toMatchObject({ title: 'Again', count: 2, version: 2, firstSeen: 77, trusted: true });
    const [{ event } = { event: null }] = await accepted();
    expect(event).toMatchObject({ source: 'am', receivedAt: 77, raw: sha256(delivery.body), trusted: true });
    expect(Buffer.from((await place.store.blob(sha256(delivery.body))) ?? []).equals(delivery.body)).toBe(true);
  });

  it('without a proof is marked, and names no receiver for good', async () => {
    place = await createPlace();
    configure({ receiver: 'team' }, {}, 'none');
    await receive([one()]);
    expect((await accepted())[0]?.event.trusted).toBe(false);
    expect(await place.store.claimed({ space: 'receiver/am', key: 'team' })).toBe(false);
    configure({ receiver: 'team' });
    await receive([one()]);
    expect(await place.store.claimed({ space: 'receiver/am', key: 'team' })).toBe(true);
    configure({});
    await receive([one()]);
    expect(await place.store.claimed({ space: 'receiver/am', key: 'undefined' })).toBe(false);
  });

  it('that is an echo of ours is counted, and only once it is stored', async () => {
    place = await createPlace();
    configure({ echo: 'note' });
    const node = place.another(failing(() => new TocsinError('store-failed')));
    await expect(receive([], node)).resolves.toEqual([]);
    expect(node.counted).toEqual([{ name: 'tocsin_events_echoed_total', labels: { source: 'am', what: 'note' } }]);
    await expect(receive([one()], node)).rejects.toMatchObject({ code: 'store-failed' });
    expect(node.counted).toHaveLength(1);
    configure({});
    await receive([one()], node);
    expect(node.counted).toHaveLength(1);
  });

  it.each<[string, string, Partial<Source>, boolean]>([
    ['that proves nothing', 'bad-signature', { verify: () => ({ ok: false, because: 'no' }) }, false],
    [
      'that proves itself and does not parse',
      'bad-body',
      {
        normalise: () => {
          throw new TocsinError('bad-body');
        },
      },
      true,
    ],
    [
      'that proves nothing by design, and does not parse',
      'bad-body',
      {
        verify: () => ({ ok: true, by: 'none' }),
        normalise: () => {
          throw new TocsinError('bad-body');
        },
      },
      false,
    ],
  ])('%s leaves nothing', async (_, code, driver, proven) => {
    place = await createPlace();
    configure({}, driver);
    await expect(receive([one()])).rejects.toMatchObject({ code, proven });
    expect([await accepted(), await place.store.alerts({})]).toEqual([[], []]);
  });

  it('of a source that is not there is not found, and another fault goes on as it is', async () => {
    place = await createPlace();
    await expect(place.node.intake.receive('none', deliveryOf([], 1))).rejects.toMatchObject({ code: 'not-found' });
    const fault = new RangeError('a fault');
    configure(
      {},
      {
        normalise: () => {
          throw fault;
        },
      },
    );
    await expect(receive([one()])).rejects.toBe(fault);
  });
});

describe('a commit that fails', () => {
  it('because another delivery changed the alert is folded again on its newest state', async () => {
    place = await createPlace();
    await receive([one()]);
    const node = place.another(failing(guardFailed('stream alert/x'), guardFailed('row alert')));
    const [answer] = await receive([one()], node);
    expect(answer).toMatchObject({ duplicate: false });
    expect(await stored()).toMatchObject({ count: 2, version: 2 });
  });

  it('fifty times is an overload, and leaves nothing', async () => {
    place = await createPlace();
    const errors = Array.from({ length: 50 }, () => guardFailed('stream alert/x'));
    await expect(receive([one()], place.another(failing(...errors)))).rejects.toMatchObject({ code: 'overloaded' });
    const [last, ...others] = errors;
    expect(last).toBeDefined();
    expect((await receive([one()], place.another(failing(...others))))[0]).toMatchObject({ duplicate: false });
    expect(await stored()).toMatchObject({ count: 1 });
  });

  it('because the store fails leaves nothing in memory for the next one', async () => {
    place = await createPlace();
    const node = place.another(failing(() => new TocsinError('store-failed')));
    await expect(receive([one(), gone()], node)).rejects.toMatchObject({ code: 'store-failed' });
    expect(await receive([one()], node)).toMatchObject([{ duplicate: false }]);
    expect(await stored()).toMatchObject({ count: 1, version: 1, state: 'firing' });
  });

  it('takes those with it that folded on it, and they fold again', async () => {
    place = await createPlace();
    const node = place.another(failing(() => new TocsinError('store-failed')));
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => receive([one()], node)));
    expect(outcomes.map(outcome => outcome.status)).toEqual(['rejected', ...Array(5).fill('fulfilled')]);
    expect(await stored()).toMatchObject({ count: 5, version: 5 });
  });

  it('because its id was used before is a duplicate, also of an alert that only the other knows', async () => {
    place = await createPlace();
    configure({ deliveryId: 'D1' });
    const [first] = await receive([one()]);
    const blind = place.another({ ...place.store, alertOf: async () => null });
    const [again] = await receive([one()], blind);
    expect(again).toMatchObject({ event: first?.event, duplicate: true });
    expect((await receive([one()]))[0]).toEqual({ ...first, duplicate: true });
  });
});

describe('how a stretch ended', () => {
  const asks: Partial<Source> = {
    canAsk: () => true,
    look: async () => ({ state: 'unknown', because: 'x' }),
    expires: true,
  };
  const ends = async () => (await accepted()).map(({ effect, end }) => [effect, end?.how ?? null]);
  const look = async (facts: Partial<Look>) => {
    const doc: Look = { alert: (await stored()).id, at: null, endsAt: null, goneAt: null, ...facts };
    await place.store.commit({ rows: [{ table: 'look', doc }] });
  };

  it('is told, merged, or untold when a later one began, and as given where more is known', async () => {
    place = await createPlace();
    const named = { stretch: 'startsAt' } as const;
    await receive([one(named), one({ ...named, startsAt: 2000 })]);
    await receive([gone({ ...named, startsAt: 2000 })]);
    await receive([one({ ...named, startsAt: 6000 }), gone({ ...named, startsAt: 6000, mergedInto: { name: 'Q2' } })]);
    await receive([
      one({ ...named, startsAt: 7000 }),
      gone({ ...named, startsAt: 8000, occurredAt: 8500, endsAt: 8500 }),
    ]);
    await place.node.intake.emit('am', [one({ ...named, startsAt: 9000 })], 'one');
    const given = new Map([['f1', { how: 'gone', because: 'not listed' } as const]]);
    await place.node.intake.emit(
      'am',
      [gone({ ...named, startsAt: 9000, endsAt: 9500, occurredAt: 9500 })],
      'two',
      given,
    );
    expect(await ends()).toEqual([
      ['opened', null],
      ['opened', 'untold'],
      ['resolved', 'told'],
      ['opened', null],
      ['resolved', 'merged'],
      ['opened', null],
      ['resolved', 'untold'],
      ['opened', null],
      ['resolved', 'gone'],
    ]);
    const because = (await accepted()).map(({ end }) => end?.because ?? null);
    expect(because[1]).toBe('a newer stretch began at 1970-01-01T00:00:02Z');
    expect(because[8]).toBe('not listed');
    expect((await stored()).end).toEqual({ how: 'gone', because: 'not listed' });
  });

  it('is told where nothing but the resolve was seen, and where an acknowledgement came first nothing ended', async () => {
    place = await createPlace();
    await receive([gone()]);
    await receive([one({ fingerprint: 'f2', state: 'acknowledged', stretch: 'startsAt' })]);
    await receive([one({ fingerprint: 'f2', startsAt: 2000, stretch: 'startsAt' })]);
    expect(await ends()).toEqual([
      ['unseen', 'told'],
      ['acknowledged', null],
      ['opened', null],
    ]);
  });

  it('is judged by what was last seen at an origin that can be asked and whose alerts expire', async () => {
    place = await createPlace();
    configure({}, asks);
    const resolveAfter = async (seen: Record<string, number> | null, driver: Partial<Source> = asks) => {
      configure({}, driver);
      const startsAt = place.clock.now();
      await place.clock.advance(100_000);
      await receive([one({ startsAt, stretch: 'startsAt' })]);
      const at = place.clock.now();
      if (seen !== null) await look(Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, at + value])));
      await receive([gone({ startsAt, stretch: 'startsAt', occurredAt: at, endsAt: at })]);
      return (await stored()).end?.how;
    };
    expect(await resolveAfter({ at: -1000, endsAt: 60_000 })).toBe('told');
    expect(await resolveAfter({ at: -1000, endsAt: 0 })).toBe('expired');
    expect(await resolveAfter({ at: -60_001, endsAt: 60_000 })).toBe('unwatched');
    expect(await resolveAfter({ at: -1000, endsAt: 0 }, { ...asks, expires: false })).toBe('told');
    expect(await resolveAfter({ at: -1000, endsAt: 0 }, { ...asks, canAsk: () => false })).toBe('told');
    expect(await resolveAfter(null, { ...asks, expires: false })).toBe('told');
  });

  it('a new stretch begins with nothing seen of it, and one that is reopened with what was seen but for its absence', async () => {
    place = await createPlace();
    configure({}, asks);
    await receive([one()]);
    expect(await place.store.look((await stored()).id)).toBeNull();
    await look({ at: 4000, endsAt: 9000, goneAt: 4500 });
    await receive([one()]);
    expect(await place.store.look((await stored()).id)).toMatchObject({ goneAt: 4500 });
    await receive([gone()]);
    await receive([one()]);
    expect((await accepted()).at(-1)).toMatchObject({ effect: 'reopened', quiet: true });
    const { id } = await stored();
    expect(await place.store.look(id)).toEqual({ alert: id, at: 4000, endsAt: 9000, goneAt: null });
    await receive([gone()]);
    await receive([one({ startsAt: 6000 })]);
    expect(await place.store.look(id)).toEqual({ alert: id, at: null, endsAt: null, goneAt: null });
    expect((await accepted()).at(-1)?.quiet).toBeUndefined();
  });

  it('a reopened stretch of which nothing was seen is not said to have been looked at', async () => {
    place = await createPlace();
    configure({}, asks);
    await receive([one()]);
    await receive([gone()]);
    await receive([one()]);
    expect(await place.store.look((await stored()).id)).toBeNull();
  });
});
