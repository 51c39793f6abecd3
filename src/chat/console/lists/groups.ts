import { html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { severity } from '../../../model/event.ts';
import { type SearchTerm, showSearch } from '../../../model/search/parse.ts';
import type { AlertCount } from '../../../ports/store.ts';
import { domId } from '../viewer.ts';
import { listPath } from './listing.ts';
import type { ListRow } from './live-rows.ts';

/** Alerts with the same values of some labels, with exact counts. */
export interface Group {
  values: readonly string[];
  count: number;
  severities: Readonly<Record<string, number>>;
  states: Readonly<Record<string, number>>;
}

/** The most groups that a page shows; those with the worst and the most alerts come first. */
const mostGroups = 200;

export function groupsOf(counts: readonly AlertCount[]): { groups: readonly Group[]; more: number } {
  const known = new Map<string, AlertCount[]>();
  for (const count of counts) {
    const key = JSON.stringify(count.values);
    known.set(key, [...(known.get(key) ?? []), count]);
  }
  const groups = [...known.values()].map(parts => ({
    values: parts[0]?.values ?? [],
    count: parts.reduce((sum, part) => sum + part.count, 0),
    severities: tally(parts, part => part.severity),
    states: tally(parts, part => part.state),
  }));
  groups.sort(worstFirst);
  return { groups: groups.slice(0, mostGroups), more: Math.max(0, groups.length - mostGroups) };
}

function tally(parts: readonly AlertCount[], name: (part: AlertCount) => string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const part of parts) sums[name(part)] = (sums[name(part)] ?? 0) + part.count;
  return sums;
}

function worstFirst(a: Group, b: Group): number {
  for (const name of severity.options) {
    const differ = (b.severities[name] ?? 0) - (a.severities[name] ?? 0);
    if (differ !== 0) return differ;
  }
  return b.count - a.count || (a.values.join('\n') < b.values.join('\n') ? -1 : 1);
}

/** The search of the alerts of a group. */
export function openTerms(group: Group, by: readonly string[]): SearchTerm[] {
  return by.map((name, index) => ({ kind: 'label', not: false, name, value: group.values[index] ?? '' }));
}

export interface Grouping {
  path: string;
  query: Record<string, string | number | undefined> & { open?: string | undefined };
  terms: readonly SearchTerm[];
  by: readonly string[];
}

/** A group as a row. It is folded and unfolded by a link, so that an address says what is open, and no script is needed. */
export function renderGroup(group: Group, { path, query, terms, by }: Grouping): ListRow & { open: boolean } {
  const inside = showSearch(openTerms(group, by));
  const open = query.open === inside;
  const id = domId('group', JSON.stringify(group.values));
  const name = by.map((label, index) => `${label}: ${group.values[index] || '(none)'}`).join(' · ');
  const fold = listPath(path, { ...query, open: open ? undefined : inside });
  const all = listPath(path, {
    ...query,
    q: showSearch([...terms, ...openTerms(group, by)]),
    by: undefined,
    open: undefined,
  });
  const worst = severity.options.find(one => (group.severities[one] ?? 0) > 0) ?? 'info';
  const counts = severity.options.filter(one => (group.severities[one] ?? 0) > 0);
  const states = Object.entries(group.states).filter(([state]) => state !== 'firing');
  return {
    id,
    open,
    html: html`<li class="row group severity-${worst}" id="${id}"><a class="row-main" href="${`${fold}#${id}`}" aria-expanded="${open ? 'true' : 'false'}"><span class="fold" aria-hidden="true">${open ? '▾' : '▸'}</span> <span class="row-title">${cutLine(name, 200)}</span></a><span class="row-notes">${counts.map(
      one =>
        html`<span class="badge severity-${one} tone-badge">${(group.severities[one] ?? 0).toLocaleString('en-GB')} ${one}</span>`,
    )}${states.map(([state, count]) => html`<span class="sub">${count.toLocaleString('en-GB')} ${state}</span>`)}</span><a class="row-all" href="${all}">${group.count === 1 ? 'the one alert' : `all ${group.count.toLocaleString('en-GB')} alerts`}</a></li>`,
  };
}
