import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { mostBehind, startTraces } from '../../../src/flow/trace/follow.ts';
import type { SpanFacts } from '../../../src/flow/trace/ids.ts';
import { createSender } from '../../../src/flow/trace/send.ts';
import { createSpans } from '../../../src/flow/trace/spans.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { type Fact, type NewEntry, streamOf } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';
import { createHarness, type Harness } from '../../contracts/place.ts';
import { noon, sampleApproval, sampleEvent, sampleRun } from '../../contracts/samples.ts';
import { sqlitePlace } from '../../stores/place.ts';

let harness: Harness;
let store: Store;
beforeEach(async () => {
  harness = await createHarness(sqlitePlace);
  store = await harness.open();
});
afterEach(() => harness.close());

const actor = { kind: 'system', id: 'test' } as const;
const entry = (stream: string, at: number, fact: Fact): NewEntry => ({ stream, actor, at, fact });
const accepted = (n: number): NewEntry =>
  entry(`event/evt_${n}`, noon, {
    kind: 'event.accepted',
    event: {
      ...sampleEvent({}, { id: `evt_${n}` }),
      body: { kind: 'notice', title: 't', labels: {}, links: [], occurredAt: noon, type: 'x' },
    },
    effect: null,
    alert: null,
    episode: null,
  });

function open(take: (spans: readonly SpanFacts[]) => Promise<void>) {
  const { metrics, registry } = createMetrics({ process: false });
  const feed = createFeed({ store, log: silentLog, sleep: ms => systemClock.sleep(ms) });
  const parts = { store, feed, metrics, log: silentLog, clock: systemClock };
  const sender = createSender<SpanFacts>({ ...parts, export: take });
  const counted = async (outcome: string) => {
    const values = (await registry.getSingleMetric('tocsin_trace_spans_total')?.get())?.values ?? [];
    return values.find(one => one.labels['outcome'] === outcome)?.value ?? 0;
  };
  return { feed, sender, counted, parts: { ...parts, sender } };
}

describe('a run that took its time', () => {
  const run = 'run_1';
  const ran = (kind: 'run.started', at: number) => entry(streamOf.run(run), at, { kind, run, token: 1 });
  const approval = sampleApproval({ id: 'apv_1', run, createdAt: noon + 10 });
  const whole: NewEntry[] = [
    entry(streamOf.run(run), noon, {
      kind: 'run.created',
      run: sampleRun({ id: run, state: 'waiting', alert: 'alt_1', episode: 2 }),
    }),
    entry(streamOf.approval('apv_1'), noon + 10, { kind: 'approval.requested', approval }),
    entry(streamOf.approval('apv_1'), noon + 5000, {
      kind: 'approval.closed',
      approval: 'apv_1',
      run,
      state: 'approved',
      because: 'x',
    }),
    entry(streamOf.run(run), noon + 5000, { kind: 'run.released', run, because: 'x' }),
    ran('run.started', noon + 7000),
    entry(streamOf.run(run), noon + 7100, {
      kind: 'step.started',
      run,
      step: 'a',
      type: 'exec',
      title: 'a',
      attempt: 1,
      idempotent: true,
      inputDigest: 'd',
      token: 1,
    }),
    // Its worker died, and another one took it over much later.
    ran('run.started', noon + 90_000),
    entry(streamOf.run(run), noon + 90_100, { kind: 'step.interrupted', run, step: 'a', attempt: 1, because: 'x' }),
    entry(streamOf.run(run), noon + 90_200, { kind: 'run.asking', run, step: 'a', because: 'x' }),
    entry(streamOf.run(run), noon + 99_000, { kind: 'step.answered', run, step: 'a', choice: 'retry', reason: null }),
    entry(streamOf.run(run), noon + 99_100, {
      kind: 'step.started',
      run,
      step: 'a',
      type: 'exec',
      title: 'a',
      attempt: 2,
      idempotent: true,
      inputDigest: 'd',
      token: 2,
    }),
    entry(streamOf.run(run), noon + 99_500, { kind: 'run.finished', run, state: 'cancelled', because: null }),
  ];

  test('has every stretch with its beginning and end, and the same spans when it is told again from nothing', async () => {
    for (const one of whole) {
      const doc = one.fact.kind === 'run.created' ? one.fact.run : null;
      await store.commit({ entries: [one], rows: doc === null ? [] : [{ table: 'run', doc }] });
    }
    const entries = await store.journal({ after: 0, limit: 100 });
    const once = createSpans(store);
    const spans: SpanFacts[] = [];
    for (const one of entries) spans.push(...(await once.of(one)));
    expect(spans.map(({ name, start, end }) => [name, start - noon, end - noon])).toEqual([
      ['decision', 0, 0],
      ['approval', 10, 5000],
      ['queued', 5000, 7000],
      ['taken over', 7100, 90_000],
      ['step a', 7100, 90_100],
      ['asking', 90_200, 99_000],
      ['step a', 99_100, 99_500],
      ['run disk-full', 7000, 99_500],
    ]);
    expect(spans.filter(span => span.failed).map(span => span.attributes['tocsin.step.state'])).toEqual([
      'interrupted',
      'unfinished',
    ]);
    expect(new Set(spans.map(span => span.id)).size).toBe(spans.length);
    // Each entry by somebody who remembers nothing, and by one who is handed everything twice.
    const alone = (await Promise.all(entries.map(one => createSpans(store).of(one)))).flat();
    expect(alone).toEqual(spans);
    const twice: SpanFacts[] = [];
    for (const one of entries) {
      twice.push(...(await once.of(one)));
      await once.of(one);
    }
    expect(twice).toEqual(spans);
    const halves = createSpans(store);
    for (const one of entries.slice(0, 8)) await halves.of(one);
    const again: SpanFacts[] = [];
    for (const one of entries) again.push(...(await halves.of(one)));
    expect(again).toEqual(spans);
  });
});

describe('a collector that is down for long', () => {
  test('leaves the oldest entries out, tells the newest, and says how many it was not told', async () => {
    await store.commit({ entries: [accepted(0)] });
    let down = true;
    const told: string[] = [];
    const { feed, counted, parts } = open(async spans => {
      if (down) throw new Error('down');
      told.push(...spans.map(span => String(span.attributes['tocsin.event.id'])));
    });
    const traces = await startTraces(parts);
    await feed.commit({ entries: [accepted(1)] });
    const more = mostBehind + 3000;
    for (let n = 2; n < more; n += 500)
      await feed.commit({ entries: Array.from({ length: Math.min(500, more - n) }, (_, i) => accepted(n + i)) });
    await expect.poll(() => counted('dropped'), { timeout: 20_000 }).toBeGreaterThan(2000);
    expect(told).toEqual([]);
    down = false;
    await expect.poll(() => told.at(-1), { timeout: 30_000 }).toBe(`evt_${more - 1}`);
    const dropped = await counted('dropped');
    expect(told.length + dropped).toBe(more - 1);
    expect(told.length).toBeGreaterThanOrEqual(mostBehind);
    expect(told.length).toBeLessThanOrEqual(mostBehind + 512);
    await traces.stop();
    await feed.close();
  }, 60_000);

  test('that was never reached since the first start is told everything after the next one', async () => {
    const first = open(async () => {
      throw new Error('down');
    });
    const traces = await startTraces(first.parts);
    await first.feed.commit({ entries: [accepted(1)] });
    await expect.poll(() => first.sender.failing()).toBe(true);
    await traces.stop();
    await first.feed.close();
    const told: string[] = [];
    const second = open(
      async spans => void told.push(...spans.map(span => String(span.attributes['tocsin.event.id']))),
    );
    const again = await startTraces(second.parts);
    await expect.poll(() => told).toEqual(['evt_1']);
    await again.stop();
    await second.feed.close();
  });
});
