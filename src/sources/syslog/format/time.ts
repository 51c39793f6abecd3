import type { IANAZone } from 'luxon';
import { timeOf } from '../../../model/incoming.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Oct 11 22:14:15`, and as some devices write it: with a year, with a fraction. Source: RFC 3164, 4.1.2. */
const old = /^\*?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d{2}):(\d{2}):(\d{2})(\.\d{1,6})?(?=[ :]|$):? ?/;
/** RFC 3339, which rsyslog puts into the old form too (RSYSLOG_ForwardFormat). */
const iso = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))(?: |$)/;

/** Only 29 February can be further away from every year's. Milliseconds. */
const day24 = 86_400_000;
const halfYear = 184 * day24;

export interface FoundTime {
  /** Milliseconds since the epoch; null when there is no such time. */
  at: number | null;
  /** Characters with the space behind. */
  length: number;
}

/**
 * The time at the beginning of a message in the old form; null when there is none. A time without a year is the one nearest to the arrival,
 * one without an offset is of the zone.
 */
export function readOldTime(text: string, arrival: number, zone: IANAZone): FoundTime | null {
  const stamp = iso.exec(text);
  if (stamp !== null) return { at: timeOf(stamp[1] ?? ''), length: stamp[0].length };
  const found = old.exec(text);
  const month = months.indexOf(found?.[1] ?? '');
  if (found === null || month < 0) return null;
  const [, , day, year, hour, minute, second, fraction] = found;
  const wall = {
    month,
    day: Number(day),
    time: (Number(hour) * 60 + Number(minute)) * 60_000 + Math.min(59, Number(second)) * 1000 + parseMs(fraction),
  };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return { at: null, length: found[0].length };
  const now = new Date(arrival).getUTCFullYear();
  const years = year === undefined ? [now, now - 1, now + 1] : [Number(year)];
  let at: number | null = null;
  for (const one of years) {
    // Zones are asked for one year only, mostly: that is what takes the time.
    if (year === undefined && Math.abs(Date.UTC(one, wall.month, wall.day) - arrival) > halfYear + 3 * day24) continue;
    const candidate = atOf(one, wall, zone);
    if (candidate === null || (year === undefined && Math.abs(candidate - arrival) > halfYear)) continue;
    if (at === null || Math.abs(candidate - arrival) < Math.abs(at - arrival)) at = candidate;
  }
  return { at, length: found[0].length };
}

function parseMs(fraction: string | undefined): number {
  return fraction === undefined ? 0 : Math.floor(Number(fraction) * 1000);
}

/** Null for a day that the year does not have. */
function atOf(
  year: number,
  { month, day, time }: { month: number; day: number; time: number },
  zone: IANAZone,
): number | null {
  const midnight = new Date(Date.UTC(year, month, day));
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return null;
  const local = midnight.getTime() + time;
  return local - offsetAt(local - offsetAt(local, zone), zone);
}

const quarter = 15 * 60_000;
const known = new WeakMap<IANAZone, Map<number, number>>();
const mostKnown = 1000;

/** The offset of the zone, milliseconds. It changes at full quarters of an hour only, so those of the last ones are kept. */
function offsetAt(at: number, zone: IANAZone): number {
  const slots = known.get(zone) ?? new Map<number, number>();
  known.set(zone, slots);
  const slot = Math.floor(at / quarter);
  const found = slots.get(slot);
  if (found !== undefined) return found;
  if (slots.size >= mostKnown) slots.clear();
  const offset = zone.offset(at) * 60_000;
  slots.set(slot, offset);
  return offset;
}
