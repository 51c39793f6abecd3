import { distance } from 'fastest-levenshtein';
import { skeleton } from '../../../kernel/look-alike.ts';
import { type Finding, listed, quoted } from './finding.ts';

/** Runbooks whose names are easily taken for this one's: one letter is another, more or less, two are swapped, or they look the same. */
export function findNearNames(runbook: string, names: Iterable<string>): Finding[] {
  const near = [...names].filter(other => other !== runbook && isNear(runbook, other)).sort();
  if (near.length === 0) return [];
  const what = near.length === 1 ? `the runbook ${quoted(near[0] ?? '')}` : `the runbooks ${listed(near)}`;
  const text = `The runbook is ${quoted(runbook)}, one letter from ${what}: check which one you mean.`;
  return [{ kind: 'near-name', key: `near-name ${near.join(' ')}`, text }];
}

function isNear(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  if (skeleton(a) === skeleton(b)) return true;
  if (Math.min(a.length, b.length) < 3) return false;
  const far = distance(a, b);
  return far === 1 ? !isNumbered(a, b) : far === 2 && a.length === b.length && isSwapped(a, b);
}

/** `backup-1` and `backup-2` are a series, which is how people tell them apart. */
function isNumbered(a: string, b: string): boolean {
  return a.replace(/\d+/g, '#') === b.replace(/\d+/g, '#');
}

function isSwapped(a: string, b: string): boolean {
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}
