import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { defaultMaxBody, timingOf } from '../../../src/ports/source.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { now, type Pair, pairOf, provenDelivery, type Sample } from './samples.ts';

const folder = new URL('../../fixtures/payloads/hostile/', import.meta.url);
const hostile = readdirSync(folder).map(name => [name, readFileSync(new URL(name, folder))] as const);

/** How a firing and its resolve may arrive: F and R, the same bytes each time. Of a sender that tells no end only firings do. */
const ordersOf = (pair: Pair | null) =>
  pair?.resolves === null ? ['FF', 'FFF'] : ['FFR', 'FRF', 'RFF', 'RFR', 'FRFR'];

interface Answer {
  status: number;
  code: string | undefined;
  accepted: { event: string; alert: string | null; duplicate: boolean }[];
  text: string;
}

/** What holds of every source at the real door, with the real store behind it. */
export function doorContract(samples: readonly Sample[]): void {
  const pair = pairOf(samples);
  let place: DoorPlace;
  beforeAll(async () => {
    place = await openDoor(samples, pair);
  });
  afterAll(() => place.stop());
  const named = samples.map((sample, index) => [sample.title, nameOf(sample, index), sample] as const);

  it('has an example of a firing and of its resolve, or says that it tells none and when its alerts end, or opens no alert', () => {
    if (samples.every(({ source }) => source.onlyChanges === true)) {
      expect(samples.flatMap(({ events }) => events).filter(event => event.kind === 'alert')).toEqual([]);
      return;
    }
    expect(pair).not.toBeNull();
    if (pair?.resolves !== null) return;
    const states = samples.flatMap(({ events }) => events.map(event => (event.kind === 'alert' ? event.state : null)));
    expect(states).not.toContain('resolved');
    for (const { source, options } of samples)
      expect(timingOf({ driver: source, options }).endsAfter).toBeGreaterThan(0);
  });

  it.each(named)('%s: the same delivery twice is one thing', async (_title, name, sample) => {
    const first = await place.send(name, sample);
    expect([first.status, first.accepted.length], first.text).toEqual([202, sample.events.length]);
    const second = await place.send(name, sample);
    expect(second.status).toBe(202);
    expect(second.accepted.map(one => one.alert)).toEqual(first.accepted.map(one => one.alert));
    if (second.accepted.every(one => one.duplicate))
      expect(second.accepted.map(one => one.event)).toEqual(first.accepted.map(one => one.event));
    for (const { alert } of first.accepted)
      if (alert !== null) expect(await place.app.app.store.alert(alert)).toMatchObject({ episode: 1 });
  });

  it.each(pair === null ? [] : ordersOf(pair))(
    'a firing and its resolve in the order %s begin one run for an episode',
    async order => {
      if (pair === null) throw new Error('there is no pair');
      const { alerts, runs } = await place.deliverIn(order, pair);
      expect(alerts).toHaveLength(1);
      const named = pair.firing.stretch !== undefined || pair.firing.newsAt !== undefined;
      // Where the arrival is the start, a firing after the resolve is another one.
      const most = named ? 1 : order.split('RF').length;
      expect(alerts[0]?.episode).toBeLessThanOrEqual(most);
      expect(runs).toBeLessThanOrEqual(alerts[0]?.episode ?? 0);
      if (order.startsWith('F')) expect(runs).toBeGreaterThan(0);
      if (order === 'FFR') expect([alerts[0]?.state, runs]).toEqual(['resolved', 1]);
    },
  );

  it.each(named)('%s: without its proof nothing is stored', async (_title, name, sample) => {
    const { headers } = provenDelivery(sample);
    const parts = Object.keys(headers).filter(header => !(header in sample.headers));
    const before = await place.accepted();
    for (const part of parts) {
      for (const value of [undefined, 'guessed']) {
        const answer = await place.send(name, sample, { headers: { [part]: value } });
        expect([answer.status, answer.code], `${part}: ${value}`).toEqual([401, 'bad-signature']);
      }
    }
    expect(await place.accepted()).toBe(before);
  });

  it.each(bySize(named))('%s: one byte too many is refused, and not one less', async (_title, name, sample, limit) => {
    const padded = (length: number) => Buffer.concat([sample.body, Buffer.alloc(length - sample.body.length, 0x20)]);
    const over = await place.send(name, sample, { body: padded(limit + 1) });
    expect([over.status, over.code]).toEqual([413, 'body-too-large']);
    expect((await place.send(name, sample, { body: padded(limit) })).code).not.toBe('body-too-large');
  });

  it.each(named)('%s: hostile bodies are taken or refused, and the door stays open', async (_title, name, sample) => {
    for (const [file, body] of hostile) {
      for (const encoding of file.endsWith('.gz') ? ['gzip', undefined] : [undefined]) {
        const answer = await place.send(name, sample, { body, headers: { 'content-encoding': encoding } });
        expect([202, 413, 415, 422], `${file}: ${answer.text}`).toContain(answer.status);
        if (answer.status !== 202) expect(answer.code, file).toMatch(/^[a-z-]+$/);
        expect(answer.text.length, file).toBeLessThan(2000);
      }
    }
    expect((await place.send(name, sample)).status).toBe(202);
  });

  const [title, name, sample] = named.find(([, , one]) => one.headers['content-type'] === undefined) ?? [];
  if (sample === undefined || name === undefined) return;
  it.each<[string, string, boolean]>([
    ['a charset', 'application/json; charset=utf-8', true],
    ['capitals', 'Application/JSON;CHARSET="UTF-8"', true],
    ['a type of something else', 'text/xml', false],
    ['a form', 'application/x-www-form-urlencoded', false],
    ['what is no type', 'json', false],
    ['nothing', '', false],
  ])(`${title}: the content type with %s`, async (_what, type, isJson) => {
    const answer = await place.send(name, sample, { headers: { 'content-type': type } });
    const takesAny = sample.source.contentTypes === 'any' || (sample.source.contentTypes ?? []).includes(type);
    expect([answer.status, answer.code]).toEqual(isJson || takesAny ? [202, undefined] : [415, 'wrong-content-type']);
  });
}

/** A source that makes its events itself refuses whatever is sent. */
export function closedDoorContract(sample: Omit<Sample, 'events'>): void {
  it('takes no delivery', async () => {
    const place = await openDoor([{ ...sample, events: [] }], null);
    try {
      for (const body of [sample.body, ...hostile.map(([, bytes]) => bytes)]) {
        const answer = await place.send(nameOf(sample, 0), { ...sample, events: [] }, { body });
        expect([401, 415], answer.text).toContain(answer.status);
      }
    } finally {
      await place.stop();
    }
  });
}

interface DoorPlace {
  app: TestApp;
  /** Sends a body, proven unless a header of the proof is given otherwise. */
  send(
    name: string,
    sample: Sample,
    more?: { body?: Buffer; headers?: Record<string, string | undefined> },
  ): Promise<Answer>;
  deliverIn(order: string, pair: Pair): Promise<{ alerts: { episode: number; state: string }[]; runs: number }>;
  /** How many events were accepted so far. */
  accepted(): Promise<number>;
  stop(): Promise<void>;
}

function nameOf({ source }: Pick<Sample, 'source'>, index: number): string {
  return `${source.id}-${index}`;
}

const orderName = (order: string) => `order-${order.toLowerCase()}`;
const endName = (order: string) => `end-${order.toLowerCase()}`;

/** One of each size that a sender may send, with the size. */
function bySize(named: readonly (readonly [string, string, Sample])[]): [string, string, Sample, number][] {
  const sizes = new Map<number, [string, string, Sample, number]>();
  for (const [title, name, sample] of named) {
    const { source, options } = sample;
    const early = source.verifyHeaders?.(provenDelivery(sample).headers, options);
    const isProven = early?.ok === true && early.by !== 'none';
    const largest = source.maxBody ?? defaultMaxBody;
    const limit = isProven ? largest : Math.min(largest, defaultMaxBody);
    if (!sizes.has(limit)) sizes.set(limit, [title, name, sample, limit]);
  }
  return [...sizes.values()];
}

async function openDoor(samples: readonly Sample[], pair: Pair | null): Promise<DoorPlace> {
  const entries = samples.map((sample, index) => [nameOf(sample, index), sample] as const);
  const ordered = pair === null ? [] : ordersOf(pair).flatMap(order => [orderName(order), endName(order)]);
  const sources = Object.fromEntries(
    [...entries, ...ordered.map(name => [name, pair?.fires] as const)].flatMap(([name, sample]) =>
      sample === undefined ? [] : [[name, { type: sample.source.id, ...(sample.given as object) }]],
    ),
  );
  const triggers = ordered.map(source => ({ source }));
  const runbook = {
    title: 'Look',
    risk: 'none',
    on: triggers,
    steps: [{ id: 'look', exec: ['true'], idempotent: true }],
  };
  const offset = now - Date.now();
  const clock = { ...systemClock, now: () => Date.now() + offset };
  const app = await startTestApp(
    {
      'tocsin.yaml': basicConfig.replace(/sources:\n.*\n/, `sources: ${JSON.stringify(sources)}\n`),
      'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
      ...(triggers.length === 0 ? {} : { 'runbooks/look.yaml': JSON.stringify(runbook) }),
    },
    { clock },
  );

  const send: DoorPlace['send'] = async (name, sample, { body = sample.body, headers = {} } = {}) => {
    const bare = { headers: sample.headers, body, at: clock.now() };
    const all = {
      'content-type': 'application/json',
      ...sample.headers,
      ...sample.source.prove?.(bare, sample.options),
      ...headers,
    };
    const answer = await fetch(`${app.app.url}/events/${name}`, {
      method: 'POST',
      headers: Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
      body: body as never,
    });
    const text = await answer.text();
    const { accepted = [], error } = JSON.parse(text);
    return { status: answer.status, code: error?.code, accepted, text };
  };
  const runsOf = async (alert: string) => (await app.runs()).filter(run => run.alert === alert).length;

  return {
    app,
    send,
    async deliverIn(order, { fires, resolves }) {
      const ids = new Set<string>();
      for (const one of order) {
        const answer = await send(orderName(order), fires, {
          body: one === 'F' || resolves === null ? fires.body : resolves,
        });
        expect(answer.status, answer.text).toBe(202);
        for (const { alert } of answer.accepted) if (alert !== null) ids.add(alert);
        if (order.startsWith('F')) await app.until(async () => (await runsOf([...ids][0] ?? '')) > 0);
      }
      // Whatever follows from the deliveries before it was decided before this one.
      const { accepted } = await send(endName(order), fires);
      await app.until(async () => (await runsOf(accepted[0]?.alert ?? '')) > 0);
      const alerts = await Promise.all([...ids].map(id => app.app.store.alert(id)));
      const runs = await Promise.all([...ids].map(runsOf));
      return { alerts: alerts.filter(alert => alert !== null), runs: runs.reduce((sum, count) => sum + count, 0) };
    },
    accepted: async () => (await app.journal()).filter(({ fact }) => fact.kind === 'event.accepted').length,
    stop: () => app.stop(),
  };
}
