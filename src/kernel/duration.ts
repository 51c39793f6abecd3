import ms from 'ms';
import { z } from 'zod';

/** The longest duration, milliseconds: 100 years. From there on sums with a time leave what a date can hold. */
const longest = 100 * 365 * 86_400_000;

/**
 * Whole milliseconds of "10m", "30s", "1h" or "250ms"; null for any other text and for more than 100 years. A number without a unit is
 * refused.
 */
export function parseDuration(text: string): number | null {
  if (!/^\d+(\.\d+)?\s*[a-z]+$/i.test(text.trim())) return null;
  const value = ms(text.trim() as ms.StringValue);
  return typeof value === 'number' && value >= 0 && value <= longest ? Math.ceil(value) : null;
}

/** "3600 has no unit; write 3600s or 60m" */
function noUnit(given: string): string {
  if (Number(given) < 0) return `${given} is not a duration; write 30s, 10m, 2h or 1d`;
  const minutes = Number(given) / 60;
  return `${given} has no unit; write ${given}s or ${minutes >= 1 && Number.isInteger(minutes) ? minutes : given}m`;
}

/** Schema of a duration in a file; the parsed value is milliseconds. A number without a unit is refused: its unit would be a guess. */
export const duration = z
  .string({ error: issue => (typeof issue.input === 'number' ? noUnit(String(issue.input)) : undefined) })
  .meta({
    description: 'A duration such as 30s, 10m, 2h or 1d.',
    examples: ['30s', '10m'],
    pattern: '^[0-9]+(\\.[0-9]+)?\\s*[a-zA-Z]+$',
  })
  .transform((text, ctx) => {
    const value = parseDuration(text);
    if (value === null) {
      const bare = /^\d+(\.\d+)?$/.test(text.trim());
      const message = bare ? noUnit(text.trim()) : `"${text}" is not a duration; write 30s, 10m, 2h or 1d`;
      ctx.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    return value;
  });

/** Adds the unit to the named members. TypeScript runbooks may give times in milliseconds; schemas of files take text with a unit. */
export function withUnits(given: object, names: readonly string[]): object {
  const entries = Object.entries(given).map(([name, value]) => [name, names.includes(name) ? withUnit(value) : value]);
  return Object.fromEntries(entries);
}

/** 1500 becomes "1500ms"; any value that is not a number stays as it is. */
export function withUnit<T>(time: T): T | string {
  return typeof time === 'number' ? `${time}ms` : time;
}

/** Milliseconds for people, in the two largest units: 65000 becomes "1m 5s". */
export function showDuration(milliseconds: number): string {
  const total = Math.max(0, Math.round(milliseconds / 1000));
  if (total === 0) return milliseconds > 0 ? `${Math.round(milliseconds)}ms` : '0s';
  const parts: string[] = [];
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  let rest = total;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ');
}

/** A moment as people read it in a sentence, in UTC, to the second: 2026-11-28T15:00:00Z. */
export function showInstant(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
