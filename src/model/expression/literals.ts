import { messageOf } from '../../kernel/errors.ts';
import { zoneFault } from '../../kernel/zone.ts';
import { zoned } from './clock.ts';
import { readers, readZone } from './conversions.ts';
import { CompileProblem } from './problem.ts';
import { recentPattern } from './regex.ts';
import { parseSelector } from './selector.ts';
import { type Call, type Expr, textOf } from './tree.ts';
import { parseWindow } from './window.ts';
import { type Prepared, windowKey } from './work.ts';

/** Where the nodes of a tree begin, by id. */
export type Positions = Readonly<Record<string, number>>;

const forms: Readonly<Record<string, string>> = {
  int: 'decimal digits such as "42"',
  uint: 'decimal digits such as "42"',
  double: 'a decimal number such as "0.9"',
  bool: '"true" or "false"',
  timestamp: 'RFC 3339 with a zone, such as "2026-01-31T08:00:00Z" or "2026-01-31T08:00:00+01:00"',
  duration: '"90s", "10m" or "1h30m"',
};

/** Reads what a call writes out: patterns, windows, zones, times and numbers. Throws CompileProblem for what is none. */
export function checkLiterals({ function: name, target, args }: Call, prepared: Prepared, positions: Positions): void {
  const [first, second, third] = args;
  if (name === 're') attempt(second, positions, text => prepared.patterns.set(text, recentPattern(text)));
  if (target !== undefined && (name === 'firing' || name === 'silenced')) attempt(first, positions, parseSelector);
  if (name === 'inWindow') checkWindow(second, third, prepared, positions);
  if (target !== undefined && zoned.has(name)) checkZone(first, positions, true);
  const read = target === undefined && args.length === 1 ? readers[name] : undefined;
  if (read !== undefined) attempt(first, positions, read, forms[name]);
}

function checkWindow(window: Expr | undefined, zone: Expr | undefined, prepared: Prepared, positions: Positions) {
  const zoneText = textOf(zone);
  if (textOf(window) === null) throw problemAt(window, positions, 'the window is written out as a text');
  if (zoneText === null) throw problemAt(zone, positions, 'the time zone is written out as a text');
  checkZone(zone, positions, false);
  attempt(window, positions, text => prepared.windows.set(windowKey(text, zoneText), parseWindow(text, zoneText)));
}

/** A window follows the clock changes of a place, so it takes no fixed offset. */
function checkZone(expr: Expr | undefined, positions: Positions, offsets: boolean) {
  const text = textOf(expr);
  if (text === null || (offsets && isOffset(text))) return;
  const fault = zoneFault(text);
  if (fault === null) return;
  const allowed = offsets ? `${fault.allowed}, or an offset such as +02:00` : fault.allowed;
  throw problemAt(expr, positions, `"${text}" ${fault.message}`, { allowed, nearest: fault.nearest });
}

function isOffset(text: string): boolean {
  if (!/^[+-]?\d\d:\d\d$/.test(text)) return false;
  readZone(text);
  return true;
}

function attempt(expr: Expr | undefined, positions: Positions, use: (text: string) => unknown, allowed?: string) {
  const text = textOf(expr);
  if (text === null) return;
  try {
    use(text);
  } catch (error) {
    throw problemAt(expr, positions, messageOf(error), { allowed });
  }
}

export function problemAt(
  expr: Expr | undefined,
  positions: Positions,
  message: string,
  more: ConstructorParameters<typeof CompileProblem>[2] = {},
): CompileProblem {
  const start = positions[String(expr?.id)] ?? 0;
  const text = textOf(expr);
  return new CompileProblem(message, { start, end: start + (text === null ? 0 : text.length + 2) }, more);
}
