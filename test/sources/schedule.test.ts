import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import type { Log } from '../../src/kernel/log.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { type IncomingEvent, incomingEvent } from '../../src/model/event.ts';
import type { EmitTools } from '../../src/ports/emit.ts';
import source from '../../src/sources/schedule.ts';
import { delivery } from './helpers.ts';
import { idleTools } from './idle-tools.ts';

interface Emission {
  events: IncomingEvent[];
  once: string;
}

/** Starts it; `emit` says what becomes of each emission. */
async function start(jobs: object, emit: (made: Emission) => Promise<boolean>, more: Partial<EmitTools> = {}) {
  const tools: EmitTools = {
    ...idleTools,
    clock: systemClock,
    log: silentLog,
    emit: (events, once) => emit({ events, once }),
    ...more,
  };
  const stop = await source.start?.(source.options.parse({ jobs }), tools);
  if (stop === undefined) throw new Error('a schedule starts');
  return stop;
}

/** Collects emissions until `enough` of them are there. */
function collector(enough: number) {
  const made: Emission[] = [];
  let finish = () => {};
  const done = new Promise<void>(resolve => {
    finish = resolve;
  });
  const take = (one: Emission) => {
    made.push(one);
    if (made.length >= enough) finish();
  };
  return { made, done, take };
}

const everySecond = { beat: { cron: '* * * * * *', title: 'A beat', labels: { kind: 'test' } } };

describe('ticks', () => {
  test('are events with the time they were due, under a key of job and time', async () => {
    const { made, done, take } = collector(2);
    const stop = await start(everySecond, async one => {
      take(one);
      return true;
    });
    await done;
    await stop();
    const [first, second] = made;
    const event = incomingEvent.parse(first?.events[0]);
    if (event.kind !== 'tick') throw new Error('a schedule makes ticks');
    expect(event).toEqual({
      kind: 'tick',
      schedule: 'beat',
      at: event.at,
      occurredAt: event.at,
      title: 'A beat',
      labels: { kind: 'test', schedule: 'beat' },
      links: [],
    });
    expect(event.at % 1000).toBe(0);
    expect(first?.once).toBe(`beat@${new Date(event.at).toISOString()}`);
    expect(second?.once).toBe(`beat@${new Date(event.at + 1000).toISOString()}`);
  });

  test('of two nodes have the same keys, so that one wins', async () => {
    const claimed = new Map<string, number>();
    const { done, take } = collector(4);
    const emit = async (one: Emission) => {
      claimed.set(one.once, (claimed.get(one.once) ?? 0) + 1);
      take(one);
      return claimed.get(one.once) === 1;
    };
    const stops = [await start(everySecond, emit), await start(everySecond, emit)];
    await done;
    for (const stop of stops) await stop();
    expect([...claimed.values()]).toContain(2);
  });

  test('that the store refuses are tried again under the same key', async () => {
    const { made, done, take } = collector(3);
    const stop = await start(
      everySecond,
      async one => {
        take(one);
        if (one.once === made[0]?.once && made.filter(other => other.once === one.once).length < 2)
          throw new Error('disk full');
        return true;
      },
      { clock: { ...systemClock, sleep: () => Promise.resolve() } },
    );
    await done;
    await stop();
    expect(made[1]?.once).toBe(made[0]?.once);
    expect(made[1]?.events).toEqual(made[0]?.events);
  });

  test('that are lost are said to be, and stopping does not wait for ever', async () => {
    const { done, take } = collector(1);
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_facts, message) => errors.push(message ?? '') };
    const stop = await start(
      everySecond,
      one => {
        take(one);
        return Promise.reject(new Error('disk full'));
      },
      { log },
    );
    await done;
    await stop();
    expect(errors).toEqual(['a tick was lost: it could not be made durable']);
  });
});

describe('the days on which clocks change', () => {
  afterEach(() => vi.useRealTimers());

  /** The times of the ticks in so many hours, minute by minute. */
  async function ticks(cron: string, timezone: string, from: string, hours: number): Promise<string[]> {
    vi.useFakeTimers({ now: Date.parse(from) });
    const keys: string[] = [];
    const stop = await start({ job: { cron, timezone } }, async ({ once }) => {
      keys.push(once);
      return true;
    });
    for (let minute = 0; minute < hours * 60; minute++) vi.advanceTimersByTime(60_000);
    await stop();
    return keys.map(key => key.replace(/^job@/, ''));
  }
  const every = (ms: number, from: string, hours: number) =>
    Array.from({ length: (hours * 3_600_000) / ms }, (_, index) =>
      new Date((Math.floor(Date.parse(from) / ms) + index + 1) * ms).toISOString(),
    );

  test.each([
    ['*/15 * * * *', 'Europe/Berlin', '2026-10-24T23:50:00Z', 3, 15 * 60_000],
    ['*/30 * * * * *', 'America/Chicago', '2026-11-01T06:58:00Z', 2, 30_000],
    ['*/30 * * * *', 'Australia/Lord_Howe', '2027-04-03T13:10:00Z', 4, 30 * 60_000],
  ])('%s in %s ticks on', async (cron, timezone, from, hours, ms) => {
    expect(await ticks(cron, timezone, from, hours)).toEqual(every(ms, from, hours));
  });

  test('a time that comes twice ticks once, the second time', async () => {
    expect(await ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 40)).toEqual([
      '2026-10-25T01:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('a time that does not exist ticks at the moment of the change', async () => {
    expect(await ticks('0 0 * * *', 'America/Havana', '2027-03-13T12:00:00Z', 40)).toEqual([
      '2027-03-14T05:00:00.000Z',
      '2027-03-15T04:00:00.000Z',
    ]);
  });
});

describe('a process that is late', () => {
  afterEach(() => vi.useRealTimers());

  /** Ticks and missed ticks of a job, whose process hangs for `hang` milliseconds after its first tick. */
  async function late(cron: string, hang: number) {
    vi.useFakeTimers({ now: Date.parse('2026-11-10T10:00:00Z') });
    const made: string[] = [];
    const missed: unknown[] = [];
    const log: Log = { ...silentLog, warn: facts => missed.push(facts) };
    const stop = await start(
      { job: { cron } },
      async ({ once }) => {
        if (made.push(once.slice(15, 23)) === 1) vi.setSystemTime(Date.now() + hang);
        return true;
      },
      { log },
    );
    vi.advanceTimersByTime(60_000);
    await stop();
    return { made, missed };
  }

  test('makes the newest tick when it is not too late, and says which were missed', async () => {
    const { made, missed } = await late('*/20 * * * * *', 50_000);
    expect(made.slice(0, 3)).toEqual(['10:00:20', '10:01:00', '10:01:20']);
    expect(missed).toEqual([{ job: 'job', tick: '2026-11-10T10:00:40.000Z' }]);
  });

  test('says in one line what a long sleep missed', async () => {
    const { made, missed } = await late('* * * * * *', 7 * 86_400_000);
    expect(made.slice(0, 3)).toEqual(['10:00:01', '10:00:01', '10:00:02']);
    const until = expect.stringMatching(/^2026-11-17T10:00:00/);
    expect(missed).toEqual([{ job: 'job', tick: '2026-11-10T10:00:02.000Z', until }]);
  });

  test('says which tick was too late', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-11-10T02:59:59Z') });
    const told: unknown[] = [];
    const log: Log = { ...silentLog, warn: facts => told.push(facts) };
    const stop = await start({ job: { cron: '0 3 * * *' } }, async () => true, { log });
    vi.setSystemTime(Date.parse('2026-11-10T05:00:00Z'));
    vi.advanceTimersByTime(60_000);
    await stop();
    expect(told).toEqual([{ job: 'job', tick: '2026-11-10T03:00:00.000Z' }]);
  });

  test('waits when the clock is set back', async () => {
    const { made, missed } = await late('*/20 * * * * *', -30_000);
    expect(made).toEqual(['10:00:20']);
    expect(missed).toEqual([]);
  });
});

describe('options', () => {
  test.each([
    [{ cron: '61 * * * *' }, 'jobs.nightly.cron', /minute/],
    [{ cron: '* * * *' }, 'jobs.nightly.cron', /this has 4/],
    [{ cron: '0 0 31 2 *' }, 'jobs.nightly.cron', /no day is ever like this/],
    [{ cron: '0 0 30W 2 *' }, 'jobs.nightly.cron', /no day/],
    [{ cron: '0 3 * * *', timezone: 'Berlin' }, 'jobs.nightly.timezone', /IANA/],
    [{ cron: '0 3 * * *', timezon: 'UTC' }, 'jobs.nightly', /timezon/],
    [{}, 'jobs.nightly.cron', /./],
  ])('%j: %s', (job, path, message) => {
    const parsed = source.options.safeParse({ jobs: { nightly: job } });
    const found = parsed.error?.issues.map(issue => ({ path: issue.path.join('.'), message: issue.message }));
    expect(found).toContainEqual({ path, message: expect.stringMatching(message) });
  });

  test('the name of a job is one that people can type', () => {
    expect(source.options.safeParse({ jobs: { 'Bad Name': { cron: '0 3 * * *' } } }).success).toBe(false);
    expect(
      source.options.safeParse({ jobs: { good: { cron: '@hourly' }, 'also-good': { cron: '*/5 * * * * *' } } }).success,
    ).toBe(true);
  });
});

test('nobody can deliver a tick', () => {
  const options = source.options.parse({ jobs: {} });
  expect(source.verify(delivery('{}'), options).ok).toBe(false);
  expect(() => source.normalise({}, delivery('{}'), options)).toThrow(expect.objectContaining({ code: 'bad-body' }));
});
