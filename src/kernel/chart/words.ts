import { visibleLine } from '../text.ts';

/** Cut with the number of characters that are left out, shorter than elsewhere: there is little room. */
export function short(text: string, most: number): string {
  const line = visibleLine(text);
  if (line.length <= most) return line;
  const left = [...line.slice(most - 6)].length;
  return `${line.slice(0, most - 6).replace(/[\ud800-\udbff]$/, '')}… +${left}`;
}

/** Units of thousand, from small to large. */
const units = [
  [1e-9, 'n'],
  [1e-6, 'µ'],
  [1e-3, 'm'],
  [1, ''],
  [1e3, 'k'],
  [1e6, 'M'],
  [1e9, 'G'],
  [1e12, 'T'],
  [1e15, 'P'],
] as const;

/** A value as people read it, with three digits that count: `0.97`, `1.54 k`, `312 M`. */
export function showNumber(value: number): string {
  if (Number.isNaN(value)) return 'no number';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : '-infinite';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e18 || size < 1e-9) return value.toExponential(2);
  // Small shares are read as they are: 0.05, not 50 m.
  if (size >= 0.001 && size < 10_000) return plain(value);
  const [unit, sign] = units.findLast(([from]) => size >= from) ?? units[3];
  return `${plain(value / unit)} ${sign}`.trim();
}

function plain(value: number): string {
  const shown = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return String(shown);
}
