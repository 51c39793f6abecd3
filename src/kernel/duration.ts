import ms from 'ms';
import { z } from 'zod';

/** "10m", "30s", "1h", "250ms" as milliseconds; null when the text is not a duration. A bare number is refused: its unit would be a guess. */
export function parseDuration(text: string): number | null {
  if (!/^\d+(\.\d+)?\s*[a-z]+$/i.test(text.trim())) return null;
  const value = ms(text.trim() as ms.StringValue);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** "3600 has no unit; write 3600s or 60m" */
function noUnit(given: string): string {
  if (Number(given) < 0) return `${given} is not a duration; write 30s, 10m, 2h or 1d`;
  const minutes = Number(given) / 60;
  return `${given} has no unit; write ${given}s or ${minutes >= 1 && Number.isInteger(minutes) ? minutes : given}m`;
}

/** A duration as people write it in a file; the parsed value is milliseconds. A bare number is refused: its unit would be a guess. */
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

/** What TypeScript gives as milliseconds, or as text, in the members of these names: as text with its unit, as files have it. */
export function withUnits(given: object, names: readonly string[]): object {
  const entries = Object.entries(given).map(([name, value]) => [name, names.includes(name) ? withUnit(value) : value]);
  return Object.fromEntries(entries);
}

/** 1500 -> "1500ms"; anything but a number stays as it is. */
export function withUnit<T>(time: T): T | string {
  return typeof time === 'number' ? `${time}ms` : time;
}

/** 65000 -> "1m 5s": the two largest units, for people. */
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
