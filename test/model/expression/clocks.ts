/**
 * What windows, schedules and zones say, held against what Intl says of the same clocks. It runs in the test and, as a program, under other
 * host zones: `TZ=... node clocks.ts SEED RUNS DAY` prints its offset on the day and a digest of all that was seen, or fails with the counterexample.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { latest, openCron } from '../../../src/kernel/cron.ts';
import { zoneFault } from '../../../src/kernel/zone.ts';
import { parseWindow } from '../../../src/model/expression/window.ts';
import { timeOf } from '../../../src/model/incoming.ts';

const zones = [
  'UTC',
  'Europe/London',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Pacific/Chatham',
  'Pacific/Apia',
];

const formats = new Map<string, Intl.DateTimeFormat>();

/** Moments within three hours after which clocks of one of the zones have changed, in two years. */
const changes = zones.flatMap(zone => {
  const format = formatOf(zone);
  const found: number[] = [];
  let before = '';
  for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2028, 0, 1); at += 10_800_000) {
    const offset = offsetOf(format, at);
    if (before !== '' && offset !== before) found.push(at);
    before = offset;
  }
  return found;
});

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'longOffset',
  });
  formats.set(zone, made);
  return made;
}

function partsOf(format: Intl.DateTimeFormat, at: number): Record<string, string> {
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

function offsetOf(format: Intl.DateTimeFormat, at: number): string {
  return partsOf(format, at)['timeZoneName'] ?? '';
}

const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** The day of the week from Monday, and the minute of the day. */
function shown(zone: string, at: number): { day: number; minute: number } {
  const parts = partsOf(formatOf(zone), at);
  return { day: names.indexOf(parts['weekday'] ?? ''), minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
}

type Clock = ReturnType<typeof shown>;

interface Sample {
  text: string;
  holds(clock: Clock): boolean;
}

const minute = fc.integer({ min: 0, max: 1439 });
const day = fc.integer({ min: 0, max: 6 });
const written = (at: number) => `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`;

/** "Mon,Thu 22:00 - 06:00": what ends before it begins reaches into the next day. */
const daily: fc.Arbitrary<Sample> = fc
  .tuple(fc.uniqueArray(day, { maxLength: 7 }), minute, fc.integer({ min: 1, max: 1440 }), fc.boolean())
  .map(([days, from, to, spaced]) => {
    const on = (one: number) => days.length === 0 || days.includes(one);
    const list = days.length === 0 ? '' : `${days.map(one => names[one]).join(spaced ? ', ' : ',')} `;
    return {
      text: `${list}${written(from)} - ${written(to)}`,
      holds: clock =>
        to > from
          ? on(clock.day) && clock.minute >= from && clock.minute < to
          : (on(clock.day) && clock.minute >= from) || (on((clock.day + 6) % 7) && clock.minute < to),
    };
  });

/** "Fri 16:00 - Mon 08:00": minute by minute from its begin, over the end of the week. */
const weekly: fc.Arbitrary<Sample> = fc.tuple(day, minute, day, minute).map(([d1, m1, d2, m2]) => ({
  text: `${names[d1]} ${written(m1)} - ${names[d2]} ${written(m2)}`,
  holds: clock => {
    const [from, to, at] = [d1 * 1440 + m1, d2 * 1440 + m2, clock.day * 1440 + clock.minute];
    if (from === to) return true;
    return from < to ? at >= from && at < to : at >= from || at < to;
  },
}));

const moment = fc.oneof(
  fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -10_800_000, max: 10_800_000 })).map(([at, by]) => at + by),
  fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2028, 0, 1) }),
);

/** Throws with the counterexample; returns what was seen, one line each. */
export function checkClocks(options: { seed?: number; runs: number }): string[] {
  const seen: string[] = [];
  const parameters = { numRuns: options.runs, ...(options.seed === undefined ? {} : { seed: options.seed }) };
  fc.assert(
    fc.property(fc.oneof(daily, weekly), fc.constantFrom(...zones), moment, ({ text, holds }, zone, at) => {
      const wanted = holds(shown(zone, at));
      seen.push(`${text} ${zone} ${at} ${wanted}`);
      if (parseWindow(text, zone).holds(at) !== wanted)
        throw new Error(`"${text}" in ${zone} at ${new Date(at).toISOString()} should be ${wanted}`);
    }),
    parameters,
  );
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 95 }), moment, (zone, of, at) => {
      const cron = openCron(`${(of % 4) * 15} ${Math.floor(of / 4)} * * *`, zone);
      const next = cron.next(at, at + 3 * 86_400_000);
      const newest = latest(cron, at - 3 * 86_400_000, at);
      cron.close();
      seen.push(`${of} ${zone} ${at} ${next} ${newest}`);
      if (next === null || newest === null) throw new Error(`${of} in ${zone} is not due every day`);
      // The clocks show the time of the job, or they have just gone forward over it.
      for (const due of [next, newest]) {
        const clock = shown(zone, due).minute;
        const before = shown(zone, due - 60_000).minute;
        const over = clock > before + 1 ? of * 15 > before && of * 15 < clock : of * 15 > before || of * 15 < clock;
        if (clock !== of * 15 && !(over && (clock - before + 1440) % 1440 > 1))
          throw new Error(`${of * 15} in ${zone} is due at ${new Date(due).toISOString()}, when it is ${clock}`);
      }
    }),
    { ...parameters, numRuns: Math.ceil(options.runs / 10) },
  );
  for (const name of ['BST', 'EST', 'GMT+1', 'Europe/Londn', ...zones]) seen.push(JSON.stringify(zoneFault(name)));
  for (const text of [
    '2026-03-29T01:30:00Z',
    '2026-03-29 01:30:00+02:00',
    '2026-03-29T01:30:00',
    '2026-02-31T00:00:00Z',
  ])
    seen.push(`${text} ${timeOf(text)}`);
  return seen;
}

export function digestOf(seen: readonly string[]): string {
  return createHash('sha256').update(seen.join('\n')).digest('hex');
}

if (process.argv[1] === import.meta.filename) {
  const seen = checkClocks({ seed: Number(process.argv[2]), runs: Number(process.argv[3]) });
  const offset = new Date(process.argv[4] ?? 0).getTimezoneOffset();
  process.stdout.write(`${JSON.stringify({ offset, digest: digestOf(seen) })}\n`);
}
