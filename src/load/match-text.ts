import { type Faults, showPath } from './problems.ts';
import type { Path } from './yaml.ts';

type Wanted = string | number | boolean | (string | number | boolean)[] | { re: string };

/**
 * Warns of what a label must have to match, and labels as good as never have: white space at its ends, or a line end. A label may hold any
 * text, so it is no error; what is mostly meant is a block (`|`), which ends with a line end, or quotes around too much.
 */
export function warnOfWhiteSpace(faults: Faults, path: Path, wanted: Wanted): void {
  if (Array.isArray(wanted)) {
    for (const [index, one] of wanted.entries()) warnOfValue(faults, [...path, index], one);
    return;
  }
  if (typeof wanted === 'object') warnOfPattern(faults, [...path, 're'], wanted.re);
  else warnOfValue(faults, path, wanted);
}

function warnOfValue(faults: Faults, path: Path, value: string | number | boolean): void {
  const text = String(value);
  const what = oddity(text);
  if (what === null) return;
  warn(faults, path, `this value ${what}`, text, text.trim());
}

function warnOfPattern(faults: Faults, path: Path, pattern: string): void {
  // White space that may be left out is not needed: " *web".
  const what = needsLineEnd(pattern) ? 'needs a line end' : oddity(pattern.replace(/^\s[*?{]/, ''));
  if (what === null) return;
  const meant = pattern.replace(/(?:\\r|\\n|\s)+$/, '').trimStart();
  warn(faults, path, `this pattern ${what}, and it must match the whole label`, pattern, meant);
}

function warn(faults: Faults, path: Path, what: string, given: string, meant: string): void {
  const isWhole = meant !== '' && oddity(meant) === null && !needsLineEnd(meant);
  faults.add(path, `${showPath(path)}: ${what}; labels hardly ever have that, so that it may never match`, {
    level: 'warning',
    given: JSON.stringify(given),
    allowed: isWhole ? `${JSON.stringify(meant)}, on one line (a block needs |- instead of |)` : 'text on one line',
  });
}

function oddity(text: string): string | null {
  if (/[\r\n]/.test(text)) return 'has a line end';
  if (/^\s/.test(text)) return 'begins with white space';
  return /\s$/.test(text) ? 'ends with white space' : null;
}

/** True for a pattern without alternatives that has a line end, written out or as \n or \r, that may not be left out. */
function needsLineEnd(pattern: string): boolean {
  if (pattern.includes('|')) return false;
  const classes = /\[\^?\]?(?:\\.|[^\]\\])*\]/gs;
  const rest = pattern.replace(classes, 'x').replace(/\\[^nr]/gs, 'x');
  // A group may be left out as a whole.
  return !rest.includes('(') && /(?:\\[nr]|[\r\n])(?![*?{])/.test(rest);
}
