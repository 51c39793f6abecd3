/** Cron patterns in a time zone: when they are due, also on the days on which clocks change. */
import { IANAZone } from 'luxon';
import { createTask, parse, validateDetailed } from 'node-cron';

/**
 * A pattern in a zone. When clocks go back, a job that is due hour after hour (an hour field of `*` or a range that holds the hour before
 * or after) is due in both passes of the repeated time; any other local time is due once, the second time. When clocks go forward, a local
 * time that does not exist is due at the moment of the change, once, unless the job is due hour after hour. A day of the month and a day
 * of the week that are both restricted are alternatives.
 */
export interface Cron {
  /** The first time it is due after `after` and not after `until`, milliseconds since the epoch; null when there is none. */
  next(after: number, until: number): number | null;
  close(): void;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Opens a pattern of five or six fields, or a nickname such as `@hourly`. Throws when it is none; `close` gives it back. */
export function openCron(pattern: string, timezone: string): Cron {
  const fields = parse(firstOf(pattern));
  const zone = IANAZone.create(timezone);
  const days = openDays(pattern);
  const times = { hours: sorted(fields.hour), minutes: sorted(fields.minute), seconds: sorted(fields.second) };
  const firstOfDay = timeOf(times.hours[0], times.minutes[0], times.seconds[0]);
  const goesOn = hoursThatGoOn(pattern, times.hours);

  const offsetAt = (at: number) => zone.offset(at) * minute;

  /** The local times, as if of UTC, from `from` and before `until`, by time. */
  function* localTimes(from: number, until: number): Generator<{ local: number; hour: number }> {
    for (let start = Math.floor(from / day) * day; start < until; start += day) {
      if (!days.match(start + firstOfDay)) continue;
      for (const h of times.hours) {
        if (start + timeOf(h + 1) <= from) continue;
        for (const m of times.minutes) {
          if (start + timeOf(h, m + 1) <= from) continue;
          for (const s of times.seconds) {
            const local = start + timeOf(h, m, s);
            if (local >= until) return;
            if (local >= from) yield { local, hour: h };
          }
        }
      }
    }
  }

  /** True when the clocks go back so soon that the local time of `at` comes again. */
  function comesAgain(at: number): boolean {
    const offset = offsetAt(at);
    const back = offset - offsetAt(at + day);
    return back > 0 && offsetAt(at + back) === offset - back;
  }

  /** True when the clocks go forward at `at`, over a local time that is due. */
  function leapsOver(at: number): boolean {
    const [before, after] = [offsetAt(at - 1), offsetAt(at)];
    if (before >= after) return false;
    for (const one of localTimes(at + before, at + after)) if (!goesOn.has(one.hour)) return true;
    return false;
  }

  function firstWithin(start: number, end: number, offset: number): number | null {
    for (const one of localTimes(start + offset, end + offset)) {
      const at = one.local - offset;
      if (goesOn.has(one.hour) || !comesAgain(at)) return at;
    }
    return null;
  }

  return {
    next(after, until) {
      let start = after + 1;
      while (start <= until) {
        if (leapsOver(start)) return start;
        // Clocks do not change twice within a day, so equal offsets at both ends mean that they do not change in between.
        const offset = offsetAt(start);
        const last = Math.min(until, start + day);
        const end = offsetAt(last) === offset ? last + 1 : changeWithin(start, last, offsetAt);
        const found = firstWithin(start, end, offset);
        if (found !== null) return found;
        start = end;
      }
      return null;
    },
    close: () => days.close(),
  };
}

/** Which days a pattern is due on. */
interface Days {
  /** `at` is a time of the day at which the pattern is due, as if of UTC: the pattern's own zone plays no part in it. */
  match(at: number): boolean;
  close(): void;
}

/**
 * As crontab(5) has it: when both the day of the month and the day of the week are restricted (neither field begins with a star), either
 * of them is enough; otherwise both must hold. The library itself wants both.
 */
function openDays(pattern: string): Days {
  const open = (text: string) => createTask(text, () => {}, { timezone: 'UTC' });
  const tasks = daysOf(pattern).map(open);
  return {
    match: at => tasks.some(task => task.match(new Date(at))),
    close: () => {
      for (const task of tasks) void task.destroy();
    },
  };
}

/**
 * The patterns of which one must hold. Where either day is enough, one that no month has (the 30th of February) takes nothing from the
 * other; the library refuses it, so it is left out.
 */
export function daysOf(pattern: string): string[] {
  const either = eitherDay(pattern);
  const possible = either.filter(part =>
    validateDetailed(part).errors.every(({ message }) => !impossible.test(message)),
  );
  return possible.length === 0 ? either : possible;
}

/** What the library says of a day that none of the months has. */
export const impossible = /impossible/;

/** For what is the same in all of its patterns. */
function firstOf(pattern: string): string {
  return daysOf(pattern)[0] ?? pattern;
}

/** The pattern, or two of which one must hold: one without the day of the week, one without the day of the month. */
function eitherDay(pattern: string): string[] {
  const fields = pattern.trim().split(/\s+/);
  const [dayOfMonth, month, dayOfWeek] = fields.slice(-3);
  const free = (field: string | undefined) => field === undefined || /^[*?@]/.test(field);
  if (fields.length < 5 || free(dayOfMonth) || free(dayOfWeek)) return [pattern];
  const times = fields.slice(0, -3);
  return [[...times, dayOfMonth, month, '*'].join(' '), [...times, '*', month, dayOfWeek].join(' ')];
}

/** How many years are looked at for a day on which a pattern is due: the calendar repeats after 28, and once skips a leap year. */
const calendar = 40 * 366;

/** True for a pattern without a day on which it is due, such as the 30th of February. */
export function neverDue(pattern: string): boolean {
  const fields = parse(firstOf(pattern));
  const time = timeOf(fields.hour[0], fields.minute[0], fields.second[0]);
  const days = openDays(pattern);
  try {
    for (let count = 0; count < calendar; count++) if (days.match(count * day + time)) return false;
    return true;
  } finally {
    days.close();
  }
}

/** The newest time after `after` and not after `until` at which it is due; null when there is none. */
export function latest(cron: Cron, after: number, until: number): number | null {
  // Backwards in growing steps: of a long time only its end is gone through tick by tick.
  for (let span = minute; ; span *= 30) {
    const from = Math.max(after, until - span);
    let newest: number | null = null;
    for (let next = cron.next(from, until); next !== null; next = cron.next(next, until)) newest = next;
    if (newest !== null || from === after) return newest;
  }
}

function timeOf(h = 0, m = 0, s = 0): number {
  return h * hour + m * minute + s * second;
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The first millisecond after `start`, up to `last`, that has another offset than `start`. */
function changeWithin(start: number, last: number, offsetAt: (at: number) => number): number {
  const offset = offsetAt(start);
  let [same, other] = [start, last];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

/** The hours in which the job means "every so often": those of `*` or a range, where the hour before or after is one of them too. */
function hoursThatGoOn(pattern: string, hours: readonly number[]): Set<number> {
  const fields = pattern.trim().split(/\s+/);
  const field = fields.length === 6 ? fields[2] : fields[1];
  const all = new Set(hours);
  if (all.size < 24 && !/[*?-]/.test(field ?? '')) return new Set();
  return new Set(hours.filter(h => all.has((h + 1) % 24) || all.has((h + 23) % 24)));
}
