import { type Html, html } from '../../../kernel/html.ts';
import type { SearchTerm } from '../../../model/search/parse.ts';
import { valuesOf, withKey } from '../../../model/search/words.ts';
import type { StateCount } from '../../../ports/store.ts';
import type { LivePage } from '../pages/page.ts';
import type { Viewer } from '../viewer.ts';
import { renderKeys } from './keys.ts';
import { listPath, renderFacets, renderMore, renderSearch, type Search } from './listing.ts';
import { createRowList, type ListRow } from './live-rows.ts';

/** What one page of a list is made of: `find` and `count` go by the terms, `row` shows an item. */
export interface SimpleList<T extends { id: string }> {
  path: string;
  title: string;
  search: Search;
  query: { q?: string | undefined; show: number; after?: string | undefined };
  find(terms: readonly SearchTerm[], page: { limit: number; after?: string }, now: number): Promise<readonly T[]>;
  count(terms: readonly SearchTerm[], now: number): Promise<readonly StateCount[]>;
  row(item: T, viewer: Viewer): Promise<ListRow> | ListRow;
  /** The states that are offered as a choice, each with those that it stands for. */
  states: readonly (readonly [value: string, label: string, states: readonly string[]])[];
  /** `3 runs` */
  named(count: number): string;
  none: string;
  /** Whether the items are cards below each other, or rows of one list. */
  cards?: boolean;
}

export function simpleListPage<T extends { id: string }>(list: SimpleList<T>): LivePage {
  const { path, title, search, query } = list;
  const terms = search.result.terms;
  const after = query.after === undefined ? {} : { after: query.after };
  const rows = createRowList('list-rows', async viewer => {
    if (!search.result.ok) return [];
    const found = await list.find(terms, { limit: query.show, ...after }, viewer.now);
    if (found.length > 0) return await Promise.all(found.map(async item => await list.row(item, viewer)));
    return [{ id: 'no-rows', html: html`<li class="none" id="no-rows">${list.none}</li>` }];
  });
  const rest = async (viewer: Viewer) => {
    const total = sum(await list.count(terms, viewer.now));
    if (!search.result.ok || (query.after === undefined && total <= query.show)) return html``;
    const found = await list.find(terms, { limit: query.show, ...after }, viewer.now);
    const last = found.at(-1);
    const place = last === undefined ? undefined : { id: last.id, element: (await list.row(last, viewer)).id };
    return renderMore(path, query, place, total, found.length);
  };
  const counts = async (viewer: Viewer) => await renderCounts(list, viewer);
  return {
    title,
    here: path,
    regions: [
      { id: 'list-counts', render: counts },
      { id: 'more', render: rest },
    ],
    rows,
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const shown = await rows.read(viewer);
      return html`<div class="list-page" id="list-page"><h1 class="page-title">${title}</h1>${renderSearch(path, search, null)}
<div id="list-counts">${await counts(viewer)}</div>
<ul class="${list.cards === true ? 'card-list' : 'rows'}" id="list-rows" ${list.cards !== true && html`data-keys="yes"`} aria-label="${title}">${shown.map(row => row.html)}</ul>
<div class="more" id="more">${await rest(viewer)}</div>${renderExports(path, search)}${list.cards !== true && renderKeys()}</div>`;
    },
  };
}

function sum(counts: readonly StateCount[], states?: readonly string[]): number {
  return counts.reduce(
    (total, { state, count }) => total + (states === undefined || states.includes(state) ? count : 0),
    0,
  );
}

async function renderCounts<T extends { id: string }>(list: SimpleList<T>, viewer: Viewer): Promise<Html> {
  const { search, path, named } = list;
  if (!search.result.ok) return html``;
  const { terms } = search.result;
  const others = terms.filter(term => term.kind !== 'key' || term.key !== 'state');
  const [byState, found] = await Promise.all([list.count(others, viewer.now), list.count(terms, viewer.now)]);
  const [state = null, ...more] = valuesOf(terms, 'state');
  const tabs = list.states.map(([value, label, states]) => ({
    label,
    href: listPath(path, { q: withKey(terms, 'state', value) }),
    count: sum(byState, states),
    current: state === value && more.length === 0,
  }));
  const everything = {
    label: 'All',
    href: listPath(path, { q: withKey(terms, 'state', null) }),
    count: sum(byState),
    current: state === null,
  };
  return html`${renderFacets('State', [...tabs, everything])}<p class="total" id="total">${named(sum(found))}</p>`;
}

/** What is found as a file, all of it. */
export function renderExports(path: string, search: Search): Html {
  if (!search.result.ok) return html``;
  const link = (format: string) => listPath(`/console/export${path}.${format}`, { q: search.text });
  return html`<p class="exports">Export what is found: <a href="${link('csv')}" download>CSV</a> <a href="${link('json')}" download>JSON</a></p>`;
}
