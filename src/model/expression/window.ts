import { DateTime } from 'luxon';
import { checkZone } from '../../kernel/zone.ts';

/** A weekly time window by the wall clock of a time zone. Daylight saving time is taken into account. */
export interface TimeWindow {
  /** True when `at` (milliseconds since the epoch) is in the window. The end is exclusive. */
  holds(at: number): boolean;
}

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const week = 7 * 24 * 60;
const day = 24 * 60;

export const windowForms = [
  '"Fri 16:00 - Mon 08:00" (a stretch of the week)',
  '"22:00 - 06:00" (every day)',
  '"Mon-Fri 09:00 - 17:00" or "Sat,Sun 00:00 - 24:00" (on these days)',
];

/** Throws an Error with the reason when the window or the zone is not valid. */
export function parseWindow(text: string, zone: string): TimeWindow {
  checkZone(zone);
  const spans = parseSpans(text);
  if (spans === null) throw new Error(`"${text}" is not a time window; write ${windowForms.join(', ')}`);
  return {
    holds: at => {
      const local = DateTime.fromMillis(at, { zone });
      const minute = (local.weekday - 1) * day + local.hour * 60 + local.minute;
      return spans.some(span => contains(span, minute));
    },
  };
}

/** Minutes since Monday 00:00. `to` is beyond the end of the week when the window wraps. */
interface Span {
  from: number;
  to: number;
}

function contains(span: Span, minute: number): boolean {
  return (minute >= span.from && minute < span.to) || (minute + week >= span.from && minute + week < span.to);
}

function parseSpans(text: string): Span[] | null {
  const tidy = text.trim().toLowerCase().replace(/[–—]/g, '-').replace(/\s+/g, ' ');
  const stretch = /^([a-z]+) (\d\d?:\d\d) ?- ?([a-z]+) (\d\d?:\d\d)$/.exec(tidy);
  if (stretch) return weeklySpan(stretch[1], stretch[2], stretch[3], stretch[4]);
  const daily = /^(?:([a-z]+(?: ?[-,] ?[a-z]+)*) )?(\d\d?:\d\d) ?- ?(\d\d?:\d\d)$/.exec(tidy);
  return daily ? dailySpans(daily[1], daily[2], daily[3]) : null;
}

function weeklySpan(fromDay = '', fromTime = '', toDay = '', toTime = ''): Span[] | null {
  const parts = [dayOf(fromDay), minuteOf(fromTime), dayOf(toDay), minuteOf(toTime)];
  const [d1, m1, d2, m2] = parts;
  if (d1 == null || m1 == null || d2 == null || m2 == null) return null;
  const from = d1 * day + m1;
  const to = d2 * day + m2;
  return [{ from, to: to > from ? to : to + week }];
}

/** A daily window that ends before it begins extends into the next day; it belongs to the day on which it begins. */
function dailySpans(names: string | undefined, fromTime = '', toTime = ''): Span[] | null {
  const on = names === undefined ? days.map((_, index) => index) : dayList(names);
  const from = minuteOf(fromTime);
  const to = minuteOf(toTime);
  if (on === null || from === null || to === null) return null;
  const length = to > from ? to - from : to - from + day;
  return on.map(index => ({ from: index * day + from, to: index * day + from + length }));
}

function dayList(text: string): number[] | null {
  const list: number[] = [];
  for (const part of text.split(',')) {
    const [first, last] = part.split('-').map(name => dayOf(name.trim()));
    if (first == null || last === null || part.split('-').length > 2) return null;
    for (let index = first; ; index = (index + 1) % 7) {
      list.push(index);
      if (index === (last ?? first)) break;
    }
  }
  return list;
}

/** The index of `fri` or `friday` from Monday; null for other text. */
function dayOf(text: string): number | null {
  const full = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const index = full.findIndex((name, at) => text === name || text === days[at]);
  return index < 0 ? null : index;
}

function minuteOf(text: string): number | null {
  const [hour, minute] = text.split(':').map(Number);
  if (hour === undefined || minute === undefined || minute > 59) return null;
  const total = hour * 60 + minute;
  return total <= day ? total : null;
}
