import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { digits } from '../../../kernel/number.ts';
import { longestSearch, parseSearch, type SearchResult, type SearchWords } from '../../../model/search/parse.ts';
import { explainSearch } from '../../../model/search/words.ts';

/** How many rows a list begins with, and how many one page has at most; further ones are on the next page. */
export const firstRows = 100;
export const mostRows = 1000;

/** A search in an address. One that is too long stays too long, and is told so: left out, it would find everything. */
export const searchText = z.preprocess(
  given => (Array.isArray(given) ? given.join(' ') : given),
  z.string().transform(text => text.slice(0, 2 * longestSearch)),
);

/** What addresses of all lists may say. What is no such thing is as if it were left out. */
export const listQuery = {
  q: searchText.optional().catch(undefined),
  show: digits(z.int().min(firstRows).max(mostRows)).default(firstRows).catch(firstRows),
  after: z.string().min(1).max(200).optional().catch(undefined),
};

/** The address of a list; what is empty is left out, except for an empty search: it is another than none. */
export function listPath(path: string, query: Record<string, string | number | undefined>): string {
  const given = Object.entries(query).filter(
    ([name, value]) =>
      value !== undefined && (value !== '' || name === 'q') && !(name === 'show' && value === firstRows),
  );
  const pairs = given.map(([name, value]): [string, string] => [name, `${value}`]);
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

/** A search as it was typed, with what it says. */
export interface Search {
  text: string;
  words: SearchWords;
  result: SearchResult;
}

export function readSearch(text: string, words: SearchWords): Search {
  return { text, words, result: parseSearch(text, words) };
}

/** The box for a search, further fields beside it, and how to search. It is a form of its own address, and works without a script. */
export function renderSearch(
  path: string,
  search: Search,
  more: Html | null,
  kept: Record<string, string | undefined> = {},
): Html {
  const problem = search.result.ok ? null : renderFault(path, search, kept);
  return html`<form method="get" action="${path}" class="search-form" role="search">
<label for="search">Search</label><input type="search" id="search" name="q" value="${search.text}" maxlength="${longestSearch}" autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="${problem === null ? 'search-hint' : 'search-fault'}" ${problem !== null && html`aria-invalid="true"`}>${Object.entries(
    kept,
  ).map(
    ([name, value]) => value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`,
  )}${more}<button class="button">Search</button>
<details class="search-help" id="search-help"><summary id="search-hint">How to search</summary>${renderHelp(search.words)}</details></form>${problem}`;
}

function renderHelp({ keys, labels }: SearchWords): Html {
  return html`<dl>${
    labels &&
    html`<div><dt><code>cluster=eu-1</code> <code>team!=web</code></dt><dd>a label; <code>team=</code> is for those without it</dd></div>`
  }${Object.entries(keys).map(
    ([name, { about, values }]) =>
      html`<div><dt><code>${name}:${values === undefined ? '…' : values.slice(0, 3).join(',')}</code></dt><dd>${about.replaceAll('`', '')}${values !== undefined && html`: ${values.join(', ')}`}</dd></div>`,
  )}<div><dt><code>age&gt;1h</code></dt><dd>older or younger than that</dd></div><div><dt><code>disk</code> <code>"two words"</code></dt><dd>a text, whatever its case</dd></div><div><dt><code>-word</code></dt><dd>not that; all parts of a search must hold</dd></div></dl>`;
}

/** What is wrong with a search, with the place marked, and the nearest that would do as a link. */
function renderFault(path: string, { text, result }: Search, kept: Record<string, string | undefined>): Html {
  if (result.ok) return html``;
  const { at, length, near } = result.problem;
  const part = text.slice(at, at + length) || ' ';
  const fixed = near === null ? null : `${text.slice(0, at)}${near}${text.slice(at + length)}`;
  return html`<div class="search-fault" id="search-fault" role="alert"><p>${explainSearch(result)}</p><p><code>${text.slice(0, at)}<mark>${part}</mark>${text.slice(at + length)}</code></p>${
    fixed !== null &&
    html`<p><a href="${listPath(path, { ...kept, q: fixed })}">Search for <code>${fixed}</code></a></p>`
  }</div>`;
}

/** One of several ways to narrow a list, with how many it leaves. */
export interface Facet {
  label: string;
  href: string;
  count: number | null;
  current: boolean;
}

export function renderFacets(name: string, facets: readonly Facet[]): Html {
  return html`<nav class="tabs" aria-label="${name}">${facets.map(
    ({ label, href, count, current }) =>
      html`<a href="${href}" ${current && html`aria-current="true"`}>${label}${count !== null && html` <span class="tally">${count.toLocaleString('en-GB')}</span>`}</a>`,
  )}</nav>`;
}

/**
 * What follows the rows: further ones below them on the same page, and from a length on the next page. With a script the rows are added in
 * place; the address then says how many are shown, so that coming back leads to the same place.
 */
export function renderMore(
  path: string,
  query: Record<string, string | number | undefined> & { show: number },
  last: { id: string; element: string } | undefined,
  total: number,
  shown: number,
): Html {
  if (last === undefined || shown >= total || shown < query.show) return html``;
  const rest =
    query.after === undefined
      ? html` <span class="tally">${(total - shown).toLocaleString('en-GB')} more</span>`
      : null;
  if (query.show >= mostRows)
    return html`<a class="button plain" href="${listPath(path, { ...query, show: firstRows, after: last.id })}">Next page</a>${rest}`;
  const href = listPath(path, { ...query, show: Math.min(mostRows, query.show + firstRows) });
  return html`<a class="button plain" data-more="yes" hx-get="${href}" hx-target="#main" hx-select="#main > *" hx-swap="innerMorph" href="${`${href}#${last.element}`}">Show older</a>${rest}`;
}
