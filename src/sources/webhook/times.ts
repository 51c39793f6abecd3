import type { Json } from '../../kernel/canonical.ts';
import { timeOf } from '../../model/incoming.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** RFC 2822, section 3.3. A zone is required: a time without one is local to a machine that we do not know. */
const mailTime =
  /^(?:[A-Z][a-z]{2},\s*)?(\d{1,2})\s+([A-Z][a-z]{2})\s+(\d{4})\s+(\d\d):(\d\d)(?::(\d\d))?\s+(?:([+-])(\d\d)(\d\d)|GMT|UTC|UT|Z)$/;

/**
 * The time that a sender means, milliseconds since the epoch: RFC 3339, RFC 2822 with a zone, or a number of seconds, milliseconds,
 * microseconds or nanoseconds since the epoch, also as digits in a text. Null when it says none (null, an empty text, 0, the zero time of
 * Go); 'unreadable' for everything else.
 */
export function readTime(value: Json): number | null | 'unreadable' {
  if (typeof value === 'number') return fromNumber(value);
  if (value === null) return null;
  if (typeof value !== 'string') return 'unreadable';
  const text = value.trim();
  if (text === '' || /^0001-01-01T00:00:00(\.0+)?Z$/.test(text)) return null;
  if (/^\d{1,20}(\.\d{1,9})?$/.test(text)) return fromNumber(Number(text));
  return timeOf(text) ?? fromMail(text) ?? 'unreadable';
}

/** The size tells the unit: as seconds, the bounds are September 2001 and the year 5138. A smaller number is a count, or a date as digits. */
function fromNumber(value: number): number | null | 'unreadable' {
  if (value === 0) return null;
  if (!(value >= 1e9 && value < 1e20)) return 'unreadable';
  const factor = value < 1e11 ? 1000 : value < 1e14 ? 1 : value < 1e17 ? 1e-3 : 1e-6;
  return Math.floor(value * factor);
}

function fromMail(text: string): number | null {
  const found = mailTime.exec(text);
  if (found === null) return null;
  const [day, , year, hour, minute] = found.slice(1, 6).map(Number) as [number, number, number, number, number];
  const month = months.indexOf((found[2] ?? '').toLowerCase());
  const second = Number(found[6] ?? 0);
  const at = new Date(Date.UTC(year, month, day, hour, minute, second));
  // Date.UTC carries over what does not exist: the 31st of February becomes the 3rd of March.
  const exists = month >= 0 && at.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!exists || at.getTime() <= 0) return null;
  const offset = (Number(found[8] ?? 0) * 60 + Number(found[9] ?? 0)) * 60_000;
  return at.getTime() - (found[7] === '-' ? -offset : offset);
}
