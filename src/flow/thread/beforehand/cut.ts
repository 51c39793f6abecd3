import type { Hidden } from '../../../ports/chat.ts';
import { type Finding, quoted } from './finding.ts';

/** Sentences about cuts on one card. */
const mostCuts = 3;
/** Characters of a hidden end that are shown: a deletion at the end of a long list must be seen. */
const endShown = 80;

/** What a platform does not show of the card, by its own cuts. Of one value only the worst platform is named. */
export function findCuts(hidden: readonly (Hidden & { platform: string })[]): Finding[] {
  const worst = new Map<string, Hidden & { platform: string }>();
  for (const one of hidden) {
    const known = worst.get(one.what);
    if (known === undefined || one.count > known.count) worst.set(one.what, one);
  }
  const found = [...worst.values()].sort((a, b) => b.count - a.count);
  const findings = found.slice(0, mostCuts).map(one => ({
    kind: 'cut' as const,
    key: `cut ${one.what}`,
    text: cutText(one),
  }));
  const left = found.length - findings.length;
  if (left <= 0) return findings;
  return [...findings, { kind: 'cut', key: 'cut more', text: `${left} more values of this card are cut, too.` }];
}

function cutText({ platform, what, count, end }: Hidden & { platform: string }): string {
  const amount = `${count.toLocaleString('en-GB')} ${count === 1 ? 'character' : 'characters'}`;
  return `${platform} hides ${amount} of ${what}. The hidden end is ${quotedEnd(end)}.`;
}

function quotedEnd(end: string): string {
  const letters = [...end.slice(-endShown * 2).replace(/\s+/g, ' ')];
  return letters.length > endShown ? `"…${letters.slice(-endShown).join('')}"` : quoted(letters.join(''), endShown);
}

/** What the card itself leaves out of the targets, whatever the platform. */
export function findLeftTargets(targets: readonly string[], shown: number): Finding[] {
  const left = targets.length - shown;
  if (left <= 0) return [];
  const last = quoted(targets.at(-1) ?? '');
  const text = `${left} of the ${targets.length} targets are not on the card; the last of them is ${last}.`;
  return [{ kind: 'cut', key: 'cut targets', text }];
}
