import { describe, expect, test } from 'vitest';
import { createSender, type Export, mostWaiting, SpansRefused } from '../../../src/flow/trace/send.ts';
import { createMetrics } from '../../../src/http/metrics.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createClock } from '../../doubles/clock.ts';

function open(take: Export<number>) {
  const clock = createClock();
  const { metrics, registry } = createMetrics({ process: false });
  const requests: number[][] = [];
  const sender = createSender<number>({
    clock,
    log: silentLog,
    metrics,
    export: async spans => {
      requests.push([...spans]);
      await take(spans);
    },
  });
  const counted = async (outcome: string) => {
    const { values } = (await registry.getSingleMetric('tocsin_trace_spans_total')?.get()) ?? { values: [] };
    return values.find(one => one.labels['outcome'] === outcome)?.value ?? 0;
  };
  return { clock, sender, requests, counted };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
/** Lets everything go on that waits for nothing outside. */
const turn = async () => {
  for (let n = 0; n < 20; n++) await new Promise(resolve => setImmediate(resolve));
};

describe('spans that are told once', () => {
  test('are gathered, and go in requests of 512 at most', async () => {
    const { clock, sender, requests, counted } = open(async () => {});
    for (const n of numbers(1000)) sender.offer(n);
    await turn();
    expect(requests).toEqual([]);
    await clock.advance(1000);
    await turn();
    expect(requests.map(one => one.length)).toEqual([512, 488]);
    expect(requests.flat()).toEqual(numbers(1000));
    expect([sender.waiting(), await counted('sent'), await counted('dropped')]).toEqual([0, 1000, 0]);
  });

  test('wait in bounded memory for a collector that never answers; the rest is dropped and counted', async () => {
    const { clock, sender, requests, counted } = open(() => new Promise(() => {}));
    for (const n of numbers(mostWaiting + 500)) sender.offer(n);
    await clock.advance(1000);
    await turn();
    for (const n of numbers(10)) sender.offer(n);
    expect([sender.waiting(), requests.length, await counted('dropped')]).toEqual([mostWaiting, 1, 510]);
    const stopped = sender.stop();
    await turn();
    await clock.advance(2000);
    await turn();
    await clock.advance(2000);
    await stopped;
    expect(await counted('dropped')).toBe(510 + mostWaiting);
  });

  test('are tried again with growing pauses, and none is lost or doubled', async () => {
    let fails = 3;
    const { clock, sender, requests } = open(async () => {
      if (fails-- > 0) throw new Error('down');
    });
    sender.offer(1);
    sender.offer(2);
    await clock.advance(1000);
    await turn();
    for (const pause of [500, 1000, 2000]) {
      const before = requests.length;
      expect(sender.failing()).toBe(true);
      await clock.advance(pause - 1);
      await turn();
      expect(requests.length).toBe(before);
      await clock.advance(1);
      await turn();
    }
    expect(requests).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect([sender.waiting(), sender.failing()]).toEqual([0, false]);
  });

  test('get a last chance when the process stops', async () => {
    const { sender, requests, clock } = open(async () => {});
    sender.offer(7);
    const stopped = sender.stop();
    await turn();
    await clock.advance(2000);
    await stopped;
    expect(requests).toEqual([[7]]);
    sender.offer(8);
    expect(sender.waiting()).toBe(0);
  });
});

describe('spans of the journal', () => {
  const never = new AbortController().signal;

  test('that are refused for good are dropped at once', async () => {
    const { sender, requests, counted } = open(async () => {
      throw new SpansRefused('no');
    });
    expect(await sender.send([1, 2], async () => true, never)).toBe(true);
    expect([requests.length, await counted('dropped')]).toEqual([1, 2]);
  });

  test('are dropped when nobody wants to wait any longer', async () => {
    const { sender, counted } = open(async () => {
      throw new Error('down');
    });
    expect(await sender.send([1, 2, 3], async () => false, never)).toBe(true);
    expect(await counted('dropped')).toBe(3);
  });

  test('are not waited for when whoever sends them stops', async () => {
    const { sender, counted } = open(() => new Promise(() => {}));
    const end = new AbortController();
    const sent = sender.send([1], async () => true, end.signal);
    await turn();
    end.abort(new Error('stopped'));
    expect(await sent).toBe(false);
    expect(await counted('dropped')).toBe(0);
  });
});
