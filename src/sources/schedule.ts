import { createTask, validateDetailed } from 'node-cron';
import { z } from 'zod';
import { openCron } from '../kernel/cron.ts';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import { name } from '../model/config.ts';
import type { IncomingEvent } from '../model/event.ts';
import { labelsOf, titleOf } from '../model/incoming.ts';
import { defineSource, type EmitTools } from '../ports/source.ts';

const job = z
  .strictObject({
    cron: z.string().meta({
      description: 'minute hour day-of-month month day-of-week, with seconds before them when there are six fields.',
      examples: ['0 3 * * *', '*/15 8-18 * * 1-5'],
    }),
    timezone: z
      .string()
      .refine(isZone, { error: 'not a time zone of the IANA list; write Europe/London or UTC' })
      .default('UTC')
      .meta({ description: 'The IANA zone in which `cron` is read.' }),
    title: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'What the thread is called; the name when left out.' }),
    labels: z.record(z.string(), z.string()).default({}).meta({ description: 'Labels that runbooks match on.' }),
  })
  .superRefine((given, ctx) => {
    for (const message of cronProblems(given.cron)) ctx.addIssue({ code: 'custom', path: ['cron'], message });
  });
type Job = z.infer<typeof job>;

const options = z.strictObject({
  jobs: z.record(name, job).meta({ description: 'Schedules by name.' }),
});
type Options = z.infer<typeof options>;

/** How late a tick may be (a blocked process, a short sleep of a laptop), milliseconds. A later one is missed. */
const tolerance = 60_000;

/** How far ahead the next tick is looked for, and the longest that a timer sleeps, milliseconds. */
const horizon = 86_400_000;

/** Back-off before each retry of a tick that could not be made durable, milliseconds. The idempotency key makes retries harmless. */
const backoff = [1000, 2000, 5000, 15_000, 30_000];

export default defineSource<Options>({
  id: 'schedule',
  about:
    'Ticks by cron and time zone. Every node ticks and one of them wins. Ticks that fall into a time when no node runs are not made up for. On the day clocks go forward a time that does not exist ticks at the moment of the change; when they go back, jobs that tick hour after hour tick on, and a job at a certain hour ticks once, the second time.',
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
  delay: () => null,
  verify: () => ({ ok: false, because: 'a schedule takes no deliveries' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'A schedule takes no deliveries.' });
  },
  start,
});

function start(given: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const busy = new Set<Promise<void>>();
  const stops = Object.entries(given.jobs).map(([id, one]) =>
    startJob(id, one, tools, at => {
      const work = tick(id, one, at, { ...tools, signal: stopping.signal }).finally(() => busy.delete(work));
      busy.add(work);
    }),
  );
  return Promise.resolve(async () => {
    stopping.abort();
    for (const stop of stops) stop();
    await Promise.allSettled(busy);
  });
}

/** Calls `emit` at each tick; returns the function that stops it. Of several ticks that are due at once only the newest is made. */
function startJob(id: string, one: Job, { clock, log }: EmitTools, emit: (at: number) => void): () => void {
  const cron = openCron(one.cron, one.timezone);
  // Every tick up to and including this time is done with.
  let done = clock.now();
  let timer: NodeJS.Timeout | undefined;

  function arm(): void {
    const due = cron.next(done, done + horizon);
    const wait = Math.max(0, (due ?? done + horizon) - clock.now());
    timer = setTimeout(() => beat(due, done + horizon), Math.min(wait, horizon));
  }

  function beat(due: number | null, end: number): void {
    const now = clock.now();
    const reached = due ?? end;
    // Early when the timer is, or when the clock was set back.
    if (now >= reached) done = due === null ? end : catchUp(due, now);
    arm();
  }

  /** Makes the newest tick from `due` to `now` unless it is too late, and logs the others in one line. Returns up to when it is done. */
  function catchUp(due: number, now: number): number {
    const oldest = now - tolerance;
    const late = due < oldest;
    let missed = late ? (cron.next(due, oldest - 1) === null ? due : oldest) : null;
    let newest = late ? cron.next(oldest - 1, now) : due;
    for (let next = newest; next !== null; next = cron.next(next, now)) {
      if (next !== newest) missed = newest;
      newest = next;
    }
    if (missed !== null) {
      const until = missed === due ? {} : { until: iso(missed) };
      log.warn({ job: id, tick: iso(due), ...until }, 'a tick was missed');
    }
    if (newest !== null) emit(newest);
    return newest ?? now;
  }

  arm();
  return () => {
    clearTimeout(timer);
    cron.close();
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

async function tick(id: string, one: Job, at: number, tools: EmitTools & { signal: AbortSignal }): Promise<void> {
  const key = `${id}@${iso(at)}`;
  for (let tries = 0; ; tries++) {
    try {
      await tools.emit([eventOf(id, one, at)], key);
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

function eventOf(id: string, one: Job, at: number): IncomingEvent {
  return {
    kind: 'tick',
    schedule: id,
    at,
    occurredAt: at,
    title: titleOf(one.title, id),
    labels: labelsOf({ ...one.labels, schedule: id }),
    links: [],
  };
}

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

function cronProblems(cron: string): string[] {
  const checked = validateDetailed(cron);
  if (!checked.valid) return checked.errors.map(error => `${error.field}: ${error.message}`);
  const task = createTask(cron, () => {});
  try {
    task.getNextRuns(1);
    return [];
  } catch {
    return ['no day is ever like this'];
  } finally {
    task.destroy();
  }
}
