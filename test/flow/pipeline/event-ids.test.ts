import { afterEach, describe, expect, it } from 'vitest';
import type { IncomingAlert, IncomingEvent } from '../../../src/model/event.ts';
import type { Source } from '../../../src/ports/source.ts';
import { sampleIncoming } from '../../contracts/samples.ts';
import { createPlace, deliveryOf, type FlowNode, type FlowPlace, listSource } from '../place.ts';

let place: FlowPlace;
afterEach(() => place.close());

const alert = (fingerprint: string, facts: Partial<IncomingAlert> = {}) =>
  sampleIncoming({ fingerprint, title: fingerprint, ...facts });
const notice = (title: string): IncomingEvent => ({
  kind: 'notice',
  title,
  labels: {},
  links: [],
  occurredAt: 1,
  type: 'n',
});

/** A source whose events have their titles as ids; the title `-` stands for none. */
async function begin(): Promise<void> {
  place = await createPlace();
  const driver = {
    ...listSource(),
    normalise: (body: unknown) => {
      const events = body as IncomingEvent[];
      return { events, deliveryId: null, eventIds: events.map(({ title }) => (title === '-' ? null : title)) };
    },
  } as Source;
  place.set.sources.set('am', { name: 'am', driver, options: {} });
}

const receive = (events: readonly IncomingEvent[], node: FlowNode = place.node) =>
  node.intake.receive('am', deliveryOf(events, place.clock.now()));
const countOf = async (fingerprint: string) => (await place.store.alertOf('am', fingerprint))?.count;
const titles = async () => (await place.facts('event.accepted')).map(fact => fact.event.body.title);

describe('an event with an id of its own', () => {
  it('counts once, alone or in whatever batch it comes again, and is answered with its event and alert', async () => {
    await begin();
    const [first, second] = await receive([alert('a'), alert('b')]);
    expect(await receive([alert('b')])).toEqual([{ ...second, duplicate: true }]);
    const mixed = await receive([alert('c'), alert('a'), notice('n')]);
    expect(mixed).toMatchObject([
      { duplicate: false },
      { ...first, duplicate: true },
      { duplicate: false, alert: null },
    ]);
    expect(await receive([notice('n')])).toEqual([{ ...mixed[2], duplicate: true }]);
    expect(await titles()).toEqual(['a', 'b', 'c', 'n']);
    expect(await Promise.all(['a', 'b', 'c'].map(countOf))).toEqual([1, 1, 1]);
  });

  it('counts once when it is twice in one batch, and one without an id counts each time', async () => {
    await begin();
    const made = await receive([alert('a'), alert('a'), notice('-'), notice('-')]);
    expect(made.map(one => one.duplicate)).toEqual([false, true, false, false]);
    expect(made[1]).toMatchObject({ event: made[0]?.event, alert: made[0]?.alert });
    expect(await countOf('a')).toBe(1);
    expect((await receive([notice('-')])).map(one => one.duplicate)).toEqual([false]);
    expect(await titles()).toEqual(['a', '-', '-', '-']);
  });

  it('counts once when two nodes get it at the same moment, in batches that differ', async () => {
    await begin();
    const nodes = [place.node, place.another()];
    const batches = Array.from({ length: 10 }, (_, n) => [alert('a'), alert(`b${n}`), alert(`c${n % 3}`)]);
    const answers = await Promise.all(batches.map((batch, n) => receive(batch, nodes[n % 2])));
    expect(answers.filter(([a]) => a?.duplicate === false)).toHaveLength(1);
    expect(answers.filter(([, b]) => b?.duplicate === false)).toHaveLength(10);
    expect(new Set(answers.map(([a]) => a?.event)).size).toBe(1);
    expect(new Set(answers.map(([a]) => a?.alert)).size).toBe(1);
    expect((await titles()).toSorted()).toEqual(['a', ...batches.map((_, n) => `b${n}`), 'c0', 'c1', 'c2'].toSorted());
    expect(await countOf('a')).toBe(1);
  });

  it('loses no event for which its driver forgot the id', async () => {
    await begin();
    const driver = {
      ...listSource(),
      normalise: (body: unknown) => ({ events: body, deliveryId: null, eventIds: ['a'] }),
    };
    place.set.sources.set('am', { name: 'am', driver: driver as Source, options: {} });
    expect(await receive([alert('a'), alert('b')])).toHaveLength(2);
    expect((await receive([alert('a'), alert('b')])).map(one => one.duplicate)).toEqual([true, false]);
    expect(await titles()).toEqual(['a', 'b', 'b']);
  });

  it('counts again after a week', async () => {
    await begin();
    await receive([alert('a')]);
    await place.clock.advance(7 * 24 * 3_600_000 + 1);
    expect((await receive([alert('a')]))[0]?.duplicate).toBe(false);
  });

  it('is told to nobody as taken when the store fails', async () => {
    await begin();
    const node = place.another({
      ...place.store,
      commit: async () => {
        throw new Error('the disk is gone');
      },
    });
    await expect(receive([alert('a'), alert('b')], node)).rejects.toThrow('the disk is gone');
    expect((await receive([alert('a')]))[0]?.duplicate).toBe(false);
  });
});
