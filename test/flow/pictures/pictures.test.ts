import { afterEach, beforeEach, expect, test } from 'vitest';
import { startPictures } from '../../../src/flow/pictures/pictures.ts';
import type { Chart } from '../../../src/kernel/chart/chart.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { system } from '../../../src/model/actor.ts';
import type { IncomingEvent } from '../../../src/model/event.ts';
import type { NewEntry } from '../../../src/model/journal.ts';
import type { OriginConnection } from '../../../src/ports/origin.ts';
import { createPlace, deliveryOf, type FlowNode, type FlowPlace, until } from '../place.ts';

let place: FlowPlace;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  place = await createPlace();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await place.close();
});

const chart: Chart = {
  form: 'tocsin-chart-1',
  title: 'temp',
  query: 'temp',
  from: 0,
  to: 60_000,
  step: 15_000,
  lines: [{ name: 'web-1', values: [1, 7] }],
  more: 0,
  threshold: { is: '>', value: 5 },
  firedAt: 0,
  endedAt: null,
};

async function follow(node: FlowNode, picture: NonNullable<OriginConnection['picture']>): Promise<void> {
  const connection: OriginConnection = { perMinute: { tell: 60, page: 60 }, picture };
  const origins = { of: (source: string) => ({ source, driver: 'list', connection }) };
  const running = await startPictures({ ...node, log: silentLog, origins });
  stops.push(() => running.stop());
}

const alertOf = (fingerprint: string): IncomingEvent => ({
  kind: 'alert',
  fingerprint,
  state: 'firing',
  title: fingerprint,
  severity: 'warning',
  labels: { host: fingerprint },
  links: [],
  startsAt: place.clock.now(),
  endsAt: null,
  annotations: {},
  occurredAt: place.clock.now(),
});

const entry: NewEntry = {
  stream: 'system',
  actor: system,
  at: 0,
  fact: { kind: 'rules.loaded', digest: '', runbooks: 0, rules: 0 },
};

async function fire(...names: string[]): Promise<void> {
  await place.node.intake.receive('am', deliveryOf(names.map(alertOf), place.clock.now()));
}

const pictured = (count: number) =>
  until(async () => {
    const facts = await place.facts('alert.pictured');
    return facts.length >= count && facts;
  });

test('two nodes that make the same picture record it once', async () => {
  // Both have asked before either records.
  const both = Promise.withResolvers<void>();
  let asked = 0;
  const picture = async () => {
    if (++asked === 2) both.resolve();
    await both.promise;
    return chart;
  };
  await follow(place.node, picture);
  const other = place.another();
  await follow(other, picture);
  await fire('web-1');
  // A node hears of what another wrote with its own next entry, where the store tells nothing.
  await other.feed.commit({ entries: [entry] });
  await pictured(1);
  await Promise.all(stops.splice(0).map(stop => stop()));
  expect(asked).toBe(2);
  expect(await place.facts('alert.pictured')).toHaveLength(1);
});

test('in a storm the first sixty get one, and the others say why not', async () => {
  let asked = 0;
  await follow(place.node, async () => {
    asked++;
    return chart;
  });
  await fire(...Array.from({ length: 70 }, (_, index) => `host-${index}`));
  const facts = await pictured(70);
  expect(asked).toBe(60);
  expect(facts.filter(fact => fact.picture === null).map(fact => fact.because)).toEqual(
    Array.from({ length: 10 }, () => 'More than 60 alerts of its source came within a minute.'),
  );
});

test('an origin that is down is left alone for half a minute, one that refuses is asked for the next', async () => {
  let asked = 0;
  let code: 'origin-down' | 'origin-refused' = 'origin-refused';
  await follow(place.node, async () => {
    asked++;
    throw new TocsinError(code, { message: `It said ${code}.` });
  });
  await fire('a');
  await pictured(1);
  code = 'origin-down';
  await fire('b');
  await pictured(2);
  await fire('c');
  expect((await pictured(3)).at(-1)).toMatchObject({ picture: null, because: expect.stringContaining('origin-down') });
  expect(asked).toBe(2);
  await place.clock.advance(31_000);
  await fire('d');
  await pictured(4);
  expect(asked).toBe(3);
});
