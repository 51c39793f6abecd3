import { z } from 'zod';
import { sha256 } from '../kernel/canonical.ts';
import { type Cron, latest, openCron } from '../kernel/cron.ts';
import { cronFault } from '../kernel/cron-check.ts';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import { zoneName } from '../kernel/zone.ts';
import { name } from '../model/config.ts';
import type { IncomingEvent } from '../model/event.ts';
import { labelsOf, titleOf } from '../model/incoming.ts';
import type { EmitTools } from '../ports/emit.ts';
import { defineSource } from '../ports/source.ts';

const job = z
  .strictObject({
    cron: z.string().meta({
      description:
        'minute hour day-of-month month day-of-week, with seconds before them when there are six fields; or @daily, @hourly, @weekly, @monthly, @yearly. With a day of the month and a day of the week it ticks on either.',
      examples: ['0 3 * * *', '*/15 8-18 * * 1-5'],
    }),
    timezone: zoneName.default('UTC').meta({ description: 'The IANA zone in which `cron` is read.' }),
    title: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'What the thread is called; the name when left out.' }),
    labels: z.record(z.string(), z.string()).default({}).meta({ description: 'Labels that runbooks match on.' }),
    missed: z.enum(['skip', 'once']).default('skip').meta({
      description:
        'What becomes of ticks that were due while no node ran, or while everything was halted. skip: nothing (while halted they are made, and denied). once: one tick for all of them, when a node starts or somebody resumes; it has the label `missed`, their number.',
    }),
  })
  .superRefine((given, ctx) => {
    const fault = cronFault(given.cron);
    if (fault === null) return;
    const { message, ...params } = fault;
    ctx.addIssue({ code: 'custom', path: ['cron'], message, params });
  });
type Job = z.infer<typeof job>;

const options = z.strictObject({
  jobs: z.record(name, job).meta({ description: 'Schedules by name.' }),
});
type Options = z.infer<typeof options>;

/** How late a tick may be (a blocked process, a short sleep of a laptop), milliseconds. A later one is missed. */
const tolerance = 60_000;

/** How far ahead the next tick is looked for, milliseconds. */
const horizon = 86_400_000;

/**
 * The longest that a timer sleeps, milliseconds. Timers do not count the time that a machine is suspended, and know nothing of a clock that
 * is set: the clock is looked at so often that a tick is found within the tolerance.
 */
const longestSleep = 30_000;

/** The most ticks that are counted when they were missed. */
const mostCounted = 1000;

/** Back-off before each retry of a tick that could not be made durable, milliseconds. The idempotency key makes retries harmless. */
const backoff = [1000, 2000, 5000, 15_000, 30_000];

export default defineSource<Options>({
  id: 'schedule',
  about:
    'Ticks by cron and time zone. Every node ticks and one of them wins. Ticks that were missed are made up for by one where `missed: once` says so. On the day clocks go forward a time that does not exist ticks at the moment of the change; when they go back, jobs that tick hour after hour tick on, and a job at a certain hour ticks once, the second time.',
  options,
  examples: [
    {
      title: 'Every night at three in Berlin',
      options: {
        jobs: { nightly: { cron: '0 3 * * *', timezone: 'Europe/Berlin', labels: { check: 'certificates' } } },
      },
      headers: {},
      body: '{}',
      // Ticks are made by this source and cannot be delivered.
      expect: { refused: 'bad-signature' },
    },
    {
      title: 'A minute that no hour has',
      options: { jobs: { nightly: { cron: '61 3 * * *' } } },
      headers: {},
      body: '{}',
      expect: { refused: 'file-invalid' },
    },
  ],
  jobs: given =>
    Object.entries(given.jobs).map(([id, one]) => ({
      job: id,
      cron: one.cron,
      timezone: one.timezone,
      title: one.title ?? null,
      labels: one.labels,
      missed: one.missed,
      onceOf: at => onceOf(id, at),
      tickOf: at => eventOf(id, one, { at, missed: 0 }),
    })),
  delay: () => null,
  verify: () => ({ ok: false, because: 'a schedule takes no deliveries' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'A schedule takes no deliveries.' });
  },
  start,
});

async function start(given: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const busy = new Set<Promise<void>>();
  const stops = Object.entries(given.jobs).map(([id, one]) =>
    startJob(id, one, { ...tools, signal: stopping.signal }, (at, missed) => {
      const work = tick(id, one, { at, missed }, { ...tools, signal: stopping.signal }).finally(() =>
        busy.delete(work),
      );
      busy.add(work);
    }),
  );
  return async () => {
    stopping.abort();
    for (const stop of stops) await stop();
    await Promise.allSettled(busy);
  };
}

type Emit = (at: number, missed: number) => void;
type JobTools = EmitTools & { signal: AbortSignal };

/** Calls `emit` at each tick; returns the function that stops it. Of several ticks that are due at once only the newest is made. */
function startJob(id: string, one: Job, tools: JobTools, emit: Emit): () => Promise<void> {
  const cron = openCron(one.cron, one.timezone);
  const { clock } = tools;
  const keeper = one.missed === 'once' ? createKeeper(id, one, cron, tools, emit) : null;
  // Every tick up to and including this time is done with.
  let done = clock.now();
  let seen = done;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  function arm(due = cron.next(done, done + horizon)): void {
    const wait = Math.max(0, (due ?? done + horizon) - clock.now());
    timer = setTimeout(() => beat(due), Math.min(wait, longestSleep));
  }

  function beat(due: number | null): void {
    const now = clock.now();
    // The clock was set back: what is due until then may have been made already, and then its key is known.
    const back = now < seen - tolerance;
    seen = now;
    if (back) {
      done = Math.min(done, now);
      arm();
    } else if (now < (due ?? done + horizon)) arm(due);
    else if (keeper !== null) keep(keeper, now);
    else {
      done = due === null ? done + horizon : catchUp({ id, cron, due, now }, tools, emit);
      arm();
    }
  }

  /** `catchUp` for a job that misses nothing. What cannot be read is tried again after a while, as is what is held by a halt. */
  function keep(made: Keeper, now: number): void {
    turn = made
      .makeUp(now)
      .then(upTo => {
        done = upTo ?? done;
        return upTo === null;
      })
      .catch(error => {
        tools.log.warn({ job: id, because: messageOf(error) }, 'the ticks that were missed could not be read');
        return true;
      })
      .then(again => {
        if (tools.signal.aborted) return;
        if (again) timer = setTimeout(() => keep(made, clock.now()), longestSleep);
        else arm();
      });
  }

  function wake(): void {
    if (keeper === null || tools.signal.aborted) return;
    void turn.then(() => {
      clearTimeout(timer);
      if (!tools.signal.aborted) keep(keeper, clock.now());
    });
  }

  if (keeper === null) arm();
  else keep(keeper, done);
  const off = keeper === null ? () => {} : tools.onResume(wake);
  return async () => {
    off();
    clearTimeout(timer);
    await turn;
    clearTimeout(timer);
    cron.close();
  };
}

/** Makes the newest tick from `due` to `now` unless it is too late, and logs the others in one line. Returns up to when it is done. */
function catchUp(
  { id, cron, due, now }: { id: string; cron: Cron; due: number; now: number },
  { log }: JobTools,
  emit: Emit,
): number {
  const newest = latest(cron, Math.max(due, now - tolerance) - 1, now);
  const missed = latest(cron, due - 1, (newest ?? now + 1) - 1);
  if (missed !== null) {
    const until = missed === due ? {} : { until: iso(missed) };
    log.warn({ job: id, tick: iso(due), ...until }, 'a tick was missed');
  }
  if (newest !== null) emit(newest, 0);
  return newest ?? now;
}

/** What a job with `missed: once` knows of its ticks. The store remembers up to when they are done with. */
interface Keeper {
  /** Makes one tick for all that are due and not made; resolves to up to when they are done with, null while everything is halted. */
  makeUp(now: number): Promise<number | null>;
}

function createKeeper(id: string, one: Job, cron: Cron, tools: JobTools, emit: Emit): Keeper {
  const key = memoOf(id, one);
  let done: number | null = null;

  /** A job that is new, or whose times were changed, has missed nothing so far. */
  async function begin(now: number): Promise<number> {
    const known = await tools.remembered(key);
    if (known === 0) await tools.remember(key, now);
    return known === 0 ? now : Math.min(known, now);
  }

  return {
    async makeUp(now) {
      done = Math.min(done ?? (await begin(now)), now);
      const newest = latest(cron, done, now);
      if (newest === null) return now;
      if (await tools.halted()) return null;
      const missed = countUp(cron, done, newest - 1) + (newest < now - tolerance ? 1 : 0);
      if (missed > 0)
        tools.log.warn(
          { job: id, after: iso(done), tick: iso(newest), missed },
          'one tick is made for those that were missed',
        );
      done = newest;
      emit(newest, missed);
      return newest;
    },
  };
}

function countUp(cron: Cron, after: number, until: number): number {
  let count = 0;
  for (let next = cron.next(after, until); next !== null && count < mostCounted; next = cron.next(next, until)) count++;
  return count;
}

/** Under what the store remembers the job. With other times it is another job. */
function memoOf(id: string, one: Job): string {
  return `${id}/${sha256(`${one.cron}\n${one.timezone}`).slice(0, 16)}`;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** The same on every node, so that one tick is made. */
function onceOf(id: string, at: number): string {
  return `${id}@${iso(at)}`;
}

interface Tick {
  at: number;
  /** How many ticks it is made for that were missed, up to 1000; 0 for a tick in time. */
  missed: number;
}

async function tick(id: string, one: Job, made: Tick, tools: JobTools): Promise<void> {
  const key = onceOf(id, made.at);
  const memo = one.missed === 'once' ? { key: memoOf(id, one), value: made.at } : undefined;
  for (let tries = 0; ; tries++) {
    try {
      await tools.emit([eventOf(id, one, made)], key, memo);
      return;
    } catch (error) {
      const wait = backoff[tries];
      if (wait === undefined || tools.signal.aborted) {
        tools.log.error({ tick: key, because: messageOf(error) }, 'a tick was lost: it could not be made durable');
        return;
      }
      tools.log.warn({ tick: key, because: messageOf(error) }, 'a tick is tried again');
      // On stop the wait ends early, and it is tried once more.
      await tools.clock.sleep(wait, tools.signal).catch(() => {});
    }
  }
}

function eventOf(id: string, one: Job, { at, missed }: Tick): IncomingEvent {
  const made: Record<string, string> = missed === 0 ? {} : { missed: String(missed) };
  return {
    kind: 'tick',
    schedule: id,
    at,
    occurredAt: at,
    title: titleOf(one.title, id),
    labels: labelsOf({ ...one.labels, schedule: id, ...made }),
    links: [],
  };
}
