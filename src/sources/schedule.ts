import { createTask, schedule, validateDetailed } from 'node-cron';
import { z } from 'zod';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
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

/** Back-off before each retry of a tick that could not be made durable, milliseconds. The idempotency key makes retries harmless. */
const backoff = [1000, 2000, 5000, 15_000, 30_000];

export default defineSource<Options>({
  id: 'schedule',
  about:
    'Ticks by cron and time zone. Every node ticks and one of them wins. Ticks that fall into a time when no node runs are not made up for. On the day clocks go forward a time that does not exist is left out; when they go back, the hour that comes twice ticks once, the second time.',
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
  const tasks = Object.entries(given.jobs).map(([id, one]) => {
    const task = schedule(
      one.cron,
      ({ date }) => {
        const work = tick(id, one, date.getTime(), { ...tools, signal: stopping.signal }).finally(() =>
          busy.delete(work),
        );
        busy.add(work);
      },
      { timezone: one.timezone, missedExecutionTolerance: tolerance, logger: cronLog(tools.log) },
    );
    task.on('execution:missed', ({ date }) =>
      tools.log.warn({ job: id, tick: date.toISOString() }, 'a tick was missed'),
    );
    return task;
  });
  return Promise.resolve(async () => {
    stopping.abort();
    for (const task of tasks) await task.destroy();
    await Promise.allSettled(busy);
  });
}

async function tick(id: string, one: Job, at: number, tools: EmitTools & { signal: AbortSignal }): Promise<void> {
  const key = `${id}@${new Date(at).toISOString()}`;
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

/** A logger for node-cron, which would otherwise write to the console. */
function cronLog(log: Log) {
  const write = (level: 'debug' | 'warn' | 'error') => (what: string | Error) =>
    log[level]({ because: messageOf(what) }, 'node-cron');
  return { info: write('debug'), debug: write('debug'), warn: write('warn'), error: write('error') };
}
