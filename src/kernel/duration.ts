import ms from 'ms';
import { z } from 'zod';

/** "10m", "30s", "1h", "250ms" as milliseconds; null when the text is not a duration. A bare number is refused: its unit would be a guess. */
export function parseDuration(text: string): number | null {
  if (!/^\d+(\.\d+)?\s*[a-z]+$/i.test(text.trim())) return null;
  const value = ms(text.trim() as ms.StringValue);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** A duration as people write it in a file; the parsed value is milliseconds. */
export const duration = z
  .string()
  .meta({
    description: 'A duration such as 30s, 10m, 2h or 1d.',
    examples: ['30s', '10m'],
    pattern: '^[0-9]+(\\.[0-9]+)?\\s*[a-zA-Z]+$',
  })
  .transform((text, ctx) => {
    const value = parseDuration(text);
    if (value === null) {
      ctx.addIssue({ code: 'custom', message: `"${text}" is not a duration; write 30s, 10m, 2h or 1d` });
      return z.NEVER;
    }
    return value;
  });

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
