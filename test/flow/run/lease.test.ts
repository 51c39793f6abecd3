import { beforeEach, describe, expect, it } from 'vitest';
import { createRunLease, type RunLease } from '../../../src/flow/run/lease.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

const held = { name: 'run/run_1', holder: 'me', token: 7, ttl: 9000 };
/** A third of its time: when it is renewed. */
const third = 3000;

let clock: HandClock;
let renewals: number;
let lost: string[];
let checks: number;
/** What the store says to a renewal. After the last change the lease is nobody's, so a renewal is refused. */
let answer: boolean;

function open(acquired: boolean): RunLease {
  return createRunLease(held, acquired, {
    store: {
      async renew(lease) {
        expect(lease).toEqual(held);
        renewals += 1;
        return answer;
      },
    },
    clock,
    log: silentLog,
    lost: because => lost.push(because),
    async each() {
      checks += 1;
    },
  });
}

beforeEach(() => {
  clock = createClock();
  renewals = 0;
  checks = 0;
  lost = [];
  answer = true;
});

describe('a lease that was acquired', () => {
  it('is renewed after each third of its time, and guards each change', async () => {
    const lease = open(true);
    expect([lease.name, lease.token, lease.held(), lease.refused()]).toEqual(['run/run_1', 7, true, false]);
    for (let turn = 1; turn <= 4; turn++) {
      await clock.advance(third);
      expect([renewals, checks]).toEqual([turn, turn]);
    }
    expect(lease.guard(false)).toEqual({ kind: 'lease', name: 'run/run_1', token: 7, release: false });
    lease.committed(false);
    await clock.advance(third);
    expect([renewals, lease.held()]).toEqual([5, true]);
    expect(lost).toEqual([]);
    lease.stop();
    expect(clock.sleepers()).toBe(0);
  });

  it('is not renewed any more from its last change on: a renewal would find it released and take it for lost', async () => {
    const lease = open(true);
    await clock.advance(third);
    expect(renewals).toBe(1);
    expect(lease.guard(true)).toEqual({ kind: 'lease', name: 'run/run_1', token: 7, release: true });
    answer = false;
    // Between the moment in which it is written and the one in which that is known, and ever after.
    await clock.advance(10 * third);
    lease.committed(true);
    expect(lease.held()).toBe(false);
    await clock.advance(10 * third);
    expect([renewals, lost, clock.sleepers()]).toEqual([1, [], 0]);
  });

  it('counts as refused only when it was never held', () => {
    const lease = open(true);
    lease.lost();
    expect(lease.refused()).toBe(false);
    lease.stop();
  });

  it('says by a refused change that it is lost, without waiting for the next renewal, and says it once', async () => {
    const lease = open(true);
    lease.lost();
    expect(lost).toEqual(['another process has its lease now, and what this node was to write was refused']);
    lease.lost();
    await clock.advance(10 * third);
    expect([renewals, lost.length, clock.sleepers()]).toEqual([0, 1, 0]);
  });

  it('says once that it is lost when a refused change comes after a refused renewal', async () => {
    const lease = open(true);
    answer = false;
    await clock.advance(third);
    expect(lost).toEqual(['another process has its lease now']);
    lease.lost();
    expect(lost).toHaveLength(1);
  });

  it('ends its renewals when it is stopped', async () => {
    const lease = open(true);
    lease.stop();
    await clock.advance(10 * third);
    expect([renewals, clock.sleepers()]).toEqual([0, 0]);
  });
});

describe('a lease that the first change takes', () => {
  it('is not renewed before that change, and is from then on', async () => {
    const lease = open(false);
    expect(lease.held()).toBe(false);
    await clock.advance(2 * third);
    expect([renewals, clock.sleepers()]).toEqual([0, 0]);
    expect(lease.guard(false)).toEqual({ kind: 'take', ...held });
    lease.committed(false);
    expect(lease.held()).toBe(true);
    await clock.advance(third);
    expect(renewals).toBe(1);
    expect(lease.guard(true)).toMatchObject({ kind: 'lease', release: true });
    lease.committed(true);
    await clock.advance(10 * third);
    expect([renewals, lease.held(), clock.sleepers()]).toEqual([1, false, 0]);
  });

  it('is taken, and kept, by a first change that is the last one too: the session gives it back', async () => {
    const lease = open(false);
    expect(lease.guard(true)).toEqual({ kind: 'take', ...held });
    lease.committed(true);
    expect(lease.held()).toBe(true);
    await clock.advance(third);
    expect(renewals).toBe(1);
    lease.stop();
    await clock.advance(10 * third);
    expect(renewals).toBe(1);
  });

  it('is refused where another has it: nothing was begun', () => {
    const lease = open(false);
    expect(lease.refused()).toBe(false);
    lease.guard(false);
    lease.lost();
    expect([lease.refused(), lease.held()]).toEqual([true, false]);
    expect(lost).toEqual([]);
  });
});
