import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Alert, alertState } from '../../../model/alert.ts';
import { severity } from '../../../model/event.ts';
import type { SearchTerm } from '../../../model/search/parse.ts';
import { alertWords, valuesOf, withKey } from '../../../model/search/words.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { AlertCount, AlertSort } from '../../../ports/store.ts';
import { renderBulk } from '../lists/bulk.ts';
import { countAlerts, oncePerViewer } from '../lists/counts.ts';
import { type Grouping, groupsOf, openTerms, renderGroup } from '../lists/groups.ts';
import { renderKeys } from '../lists/keys.ts';
import {
  firstRows,
  listPath,
  listQuery,
  readSearch,
  renderFacets,
  renderMore,
  renderSearch,
  type Search,
} from '../lists/listing.ts';
import { createRowList, type ListRow } from '../lists/live-rows.ts';
import { renderExports } from '../lists/simple-list.ts';
import { readViews, renderGone, renderViews } from '../lists/views.ts';
import { domId, showAgo, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

const sorts = {
  newest: 'Newest',
  oldest: 'Oldest',
  severity: 'Severity',
  changed: 'Last news',
  title: 'Title',
} as const satisfies Record<AlertSort, string>;

/** `by` names up to two labels to group by, `open` is the search of the group that is unfolded. */
export const alertsQuery = z.object({
  ...listQuery,
  sort: z.enum(['newest', 'oldest', 'severity', 'changed', 'title']).catch('newest'),
  by: z.string().trim().max(400).optional().catch(undefined),
  open: z.string().max(2000).optional().catch(undefined),
  /** As addresses had it before there were searches. */
  state: z
    .union([z.literal('all'), alertState])
    .optional()
    .catch(undefined),
});
export type AlertsQuery = z.infer<typeof alertsQuery>;

/** What an address without a search shows: what is not over. */
const live = 'state:live';

export function alertsPage(host: ChatHost, given: AlertsQuery): LivePage {
  const { state, ...asked } = given;
  const q = asked.q ?? (state === undefined ? live : state === 'all' ? '' : `state:${state}`);
  // An address without a search stays without one.
  const query = { ...asked, q: state === undefined ? asked.q : q };
  const search = readSearch(q, alertWords);
  const by = [...new Set((query.by ?? '').split(',').map(name => name.trim()))].filter(name => name !== '').slice(0, 2);
  const find = oncePerViewer(async viewer => await findShown(query, search, viewer));
  const page: Shown = { query, search, by, host, find };
  const list = createRowList('alert-list', async viewer => await readRows(page, viewer));
  const counts = async (viewer: Viewer) => await renderCounts(page, viewer);
  const views = async (viewer: Viewer) =>
    renderViews(await readViews(viewer), listPath('/alerts', { ...query, show: undefined }), viewer);
  const bulk = async (viewer: Viewer) => renderBulk(search, viewer);
  return {
    title: 'Alerts',
    here: '/alerts',
    regions: [
      { id: 'alert-views', render: views },
      { id: 'alert-counts', render: counts },
      { id: 'bulk-all', render: bulk },
      { id: 'more', render: async viewer => await renderRest(page, viewer) },
    ],
    rows: list,
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const rows = await list.read(viewer);
      return html`<div class="list-page" id="list-page"><h1 class="page-title">Alerts</h1>
<div id="alert-views">${await views(viewer)}</div>${renderSearch('/alerts', search, renderChoice(query))}${await renderGone(search, by, host)}
<div id="alert-counts">${await counts(viewer)}</div>
<div id="bulk-all">${await bulk(viewer)}</div><div class="slot" id="bulk-answer" role="status" aria-live="polite" tabindex="-1" hx-morph-skip></div>
<ul class="rows compact" id="alert-list" data-keys="alerts" aria-label="${by.length === 0 ? 'Alerts' : `Alerts by ${by.join(' and ')}`}">${rows.map(row => row.html)}</ul>
<div class="more" id="more">${await renderRest(page, viewer)}</div>${renderExports('/alerts', search)}${renderKeys(true)}</div>`;
    },
  };
}

interface Shown {
  query: AlertsQuery;
  search: Search;
  by: readonly string[];
  host: ChatHost;
  /** The alerts of the page, where they are not grouped. */
  find: (viewer: Viewer) => Promise<readonly Alert[]>;
}

async function findShown({ sort, show, after }: AlertsQuery, { result }: Search, viewer: Viewer): Promise<Alert[]> {
  const { terms } = result;
  const place = after === undefined ? {} : { after };
  return await viewer.host.store.findAlerts({ terms, now: viewer.now, sort, limit: show, ...place });
}

async function readRows(page: Shown, viewer: Viewer): Promise<readonly ListRow[]> {
  if (!page.search.result.ok) return [];
  return page.by.length === 0 ? await readAlerts(page, viewer) : await readGroups(page, viewer);
}

async function readAlerts(page: Shown, viewer: Viewer): Promise<readonly ListRow[]> {
  const alerts = await page.find(viewer);
  return alerts.length === 0 ? [noRows('No alerts here.')] : alerts.map(alert => alertRow(alert, viewer));
}

function noRows(text: string): ListRow {
  return { id: 'no-rows', html: html`<li class="none" id="no-rows">${text}</li>` };
}

/** The groups, and below one that is open its alerts. */
async function readGroups({ query, search, by, host }: Shown, viewer: Viewer): Promise<readonly ListRow[]> {
  const { terms } = search.result;
  const found = groupsOf(await countAlerts(viewer, terms, by));
  if (found.groups.length === 0) return [noRows('No alerts here.')];
  const grouping: Grouping = { path: '/alerts', query, terms, by };
  const rows: ListRow[] = [];
  for (const group of found.groups) {
    const row = renderGroup(group, grouping);
    rows.push(row);
    if (!row.open) continue;
    const inside = [...terms, ...openTerms(group, by)];
    const alerts = await host.store.findAlerts({ terms: inside, now: viewer.now, sort: query.sort, limit: firstRows });
    rows.push(...alerts.map(alert => alertRow(alert, viewer, true)));
  }
  if (found.more > 0)
    rows.push({
      id: 'more-groups',
      html: html`<li class="none" id="more-groups">and ${found.more} smaller groups</li>`,
    });
  return rows;
}

async function renderRest({ query, search, by, find }: Shown, viewer: Viewer): Promise<Html> {
  const { result } = search;
  if (!result.ok || by.length > 0) return html``;
  const { found } = await readCounts(result.terms, viewer);
  const total = sum(found, () => true);
  if (query.after === undefined && total <= query.show) return html``;
  const page = await find(viewer);
  const last = page.at(-1);
  const place = last === undefined ? undefined : { id: last.id, element: domId('alert', last.id) };
  return renderMore('/alerts', query, place, total, page.length);
}

function sum(counts: readonly AlertCount[], which: (count: AlertCount) => boolean): number {
  return counts.reduce((total, count) => total + (which(count) ? count.count : 0), 0);
}

/** What is found, and the same in all states. A search for states adds nothing to ask: counts are told by state. */
async function readCounts(
  terms: readonly SearchTerm[],
  viewer: Viewer,
): Promise<{ byState: AlertCount[]; found: AlertCount[] }> {
  const byState = await countAlerts(
    viewer,
    terms.filter(term => !isState(term)),
  );
  const states = terms.filter(isState);
  const found = byState.filter(({ state }) =>
    states.every(
      ({ not, values }) => not !== values.some(value => value === state || (value === 'live' && state !== 'resolved')),
    ),
  );
  return { byState, found };
}

function isState(term: SearchTerm): term is SearchTerm & { kind: 'key' } {
  return term.kind === 'key' && term.key === 'state';
}

/** Exact counts: by state without regard to the state that is searched for, by severity of what is found. */
async function renderCounts({ query, search }: Shown, viewer: Viewer): Promise<Html> {
  const { result } = search;
  if (!result.ok) return html``;
  const { byState, found } = await readCounts(result.terms, viewer);
  const go = (key: string, value: string | null) =>
    listPath('/alerts', {
      ...query,
      q: withKey(result.terms, key, value),
      show: undefined,
      after: undefined,
      open: undefined,
    });
  const states = ['live', 'firing', 'silenced', 'resolved'] as const;
  const [state = null, ...more] = valuesOf(result.terms, 'state');
  const ofState = (name: string) => (count: AlertCount) =>
    name === 'live' ? count.state !== 'resolved' : count.state === name;
  const total = sum(found, () => true);
  const stateTabs = states.map(name => ({
    label: name === 'live' ? 'Live' : `${name[0]?.toUpperCase()}${name.slice(1)}`,
    href: go('state', name),
    count: sum(byState, ofState(name)),
    current: state === name && more.length === 0,
  }));
  const everything = {
    label: 'All',
    href: go('state', null),
    count: sum(byState, () => true),
    current: state === null,
  };
  const chosen = valuesOf(result.terms, 'severity');
  const severities = severity.options.map(name => ({
    label: name,
    href: go('severity', chosen.includes(name) && chosen.length === 1 ? null : name),
    count: sum(found, count => count.severity === name),
    current: chosen.includes(name),
  }));
  return html`${renderFacets('State', [...stateTabs, everything])}${renderFacets('Severity', severities)}<p class="total" id="total">${total === 1 ? '1 alert' : `${total.toLocaleString('en-GB')} alerts`}</p>`;
}

/** Grouping and order, beside the search. */
function renderChoice({ by, sort }: AlertsQuery): Html {
  return html`<label for="group-by">Group by</label><input id="group-by" name="by" value="${by}" maxlength="400" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="label, or two: cluster, team">
<label for="sort">Sort by</label><select id="sort" name="sort">${Object.entries(sorts).map(
    ([value, label]) => html`<option value="${value}" ${value === sort && html`selected`}>${label}</option>`,
  )}</select>`;
}

/** One line on a wide screen. The box is part of the form that acts on what is selected. */
export function alertRow(alert: Alert, viewer: Viewer, isInGroup = false): ListRow {
  const id = domId('alert', alert.id);
  const title = cutLine(alert.title, 160);
  const since = alert.state === 'resolved' && alert.resolvedAt !== null ? alert.resolvedAt : alert.startsAt;
  const notes = [
    alert.state !== 'firing' && html`<span class="badge state-badge">${alert.state}</span>`,
    alert.acknowledgedBy !== null &&
      html`<span class="badge">acknowledged by ${cutLine(alert.acknowledgedBy, 40)}</span>`,
    alert.count > 1 && html`<span class="sub" title="${`delivered ${alert.count} times`}">×${alert.count}</span>`,
  ];
  return {
    id,
    html: html`<li class="row alert-${alert.state} severity-${alert.severity}${isInGroup ? ' in-group' : ''}" id="${id}"><input type="checkbox" class="pick" form="bulk" name="${`pick.${alert.id}`}" value="yes" id="${`pick-${id}`}" aria-label="${`Select ${title}`}"><span class="severity-word">${alert.severity}</span><a class="row-main" href="${`/alerts/${encodeURIComponent(alert.id)}`}"><span class="row-title">${title}</span></a><span class="row-notes">${notes}</span><span class="row-from">${cutLine(alert.source, 40)}</span><span class="row-since">${showAgo(since, viewer)}</span></li>`,
  };
}
