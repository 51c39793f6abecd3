import { describe, expect, it } from 'vitest';
import { createQueue, type Queue } from '../../../src/flow/origin/queue.ts';
import type { WriteBack } from '../../../src/flow/origin/write-backs.ts';
import { createClock } from '../../doubles/clock.ts';

const writeBack = (seq: number, subject = `run_${seq}`): WriteBack => ({
  what: 'page',
  key: `page/${seq}`,
  subject,
  seq,
  at: 0,
  alert: null,
  episode: null,
  run: null,
  text: null,
  call: null,
  rota: { escalationPolicy: null, schedule: null },
});

/** Tells all that is due now, one after the other; the sequences in order. */
function drain(queue: Queue): number[] {
  const told: number[] = [];
  for (;;) {
    const next = queue.next();
    if ('pause' in next) return told;
    queue.begin(next.due);
    queue.remove(next.due);
    queue.end(next.due);
    told.push(next.due.writeBack.seq);
  }
}

describe('what waits to be told', () => {
  it('is told at most so often in any minute, however many wait', async () => {
    const clock = createClock();
    const queue = createQueue(120, clock);
    for (let seq = 1; seq <= 300; seq++) queue.add(writeBack(seq));
    expect(drain(queue)).toHaveLength(120);
    await clock.advance(59_999);
    expect(drain(queue)).toEqual([]);
    await clock.advance(1);
    expect(drain(queue)).toHaveLength(120);
    await clock.advance(60_000);
    expect(drain(queue)).toHaveLength(60);
  });

  it('any window of a minute holds, not only those that begin together', async () => {
    const clock = createClock();
    const queue = createQueue(3, clock);
    const add = (...seqs: number[]) => {
      for (const seq of seqs) queue.add(writeBack(seq));
      return drain(queue);
    };
    expect(add(1)).toEqual([1]);
    await clock.advance(30_000);
    expect(add(2, 3, 4)).toEqual([2, 3]);
    await clock.advance(30_000);
    expect(add(5)).toEqual([4]);
    await clock.advance(29_999);
    expect(add()).toEqual([]);
    await clock.advance(1);
    expect(add()).toEqual([5]);
  });

  it('keeps the order of one subject, and lets no subject hold up another', async () => {
    const clock = createClock();
    const queue = createQueue(100, clock);
    for (const [seq, subject] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
    ] as const)
      queue.add(writeBack(seq, subject));
    const first = queue.next();
    if ('pause' in first) throw new Error('nothing is due');
    queue.begin(first.due);
    expect(drain(queue)).toEqual([3]);
    queue.postpone(first.due, 0, false);
    queue.end(first.due);
    expect(drain(queue)).toEqual([]);
    await clock.advance(1000);
    expect(drain(queue)).toEqual([1, 2]);
  });

  it('waits longer after each failure, as long as it was asked to, and a limit holds for all', async () => {
    const clock = createClock();
    const queue = createQueue(100, clock);
    queue.add(writeBack(1));
    queue.add(writeBack(2));
    const failOnce = (least: number, all: boolean) => {
      const next = queue.next();
      if ('pause' in next) throw new Error('nothing is due');
      queue.begin(next.due);
      queue.postpone(next.due, least, all);
      queue.end(next.due);
    };
    failOnce(30_000, true);
    expect(queue.next()).toEqual({ pause: 30_000 });
    await clock.advance(30_000);
    failOnce(0, false);
    expect(drain(queue)).toEqual([2]);
    expect(queue.next()).toEqual({ pause: 2000 });
    for (let failures = 0; failures < 30; failures++) {
      const next = queue.next();
      if ('pause' in next) await clock.advance(next.pause);
      failOnce(0, false);
    }
    expect(queue.next()).toEqual({ pause: 5 * 60_000 });
  });

  it('knows the lowest that is not told yet', () => {
    const queue = createQueue(100, createClock());
    expect(queue.lowest(new Set())).toBe(Number.POSITIVE_INFINITY);
    queue.add(writeBack(7));
    queue.add(writeBack(9));
    const next = queue.next();
    if ('pause' in next) throw new Error('nothing is due');
    expect(queue.lowest(new Set())).toBe(7);
    expect(queue.lowest(new Set([next.due]))).toBe(9);
  });
});
