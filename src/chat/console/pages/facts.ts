import { type Html, type HtmlValue, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { Entry } from '../../../model/journal.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderLink } from '../cards.ts';
import type { Viewer } from '../viewer.ts';
import { renderEntry } from './journal.ts';

/** A label with its value; what is null is left out. */
export type ShownFact = readonly [label: string, value: HtmlValue];

/** Facts below each other; long values get the width of the page. */
export function renderFacts(facts: readonly ShownFact[]): Html {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '');
  return html`<dl class="fields wide">${known.map(
    ([label, value]) => html`<div><dt>${cutLine(label, 80)}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

export function code(text: string | null | undefined, most = 600): Html | null {
  return text === null || text === undefined || text === '' ? null : html`<code>${cutLine(text, most)}</code>`;
}

export function renderLinks(links: readonly { label: string; url: string }[] | undefined): Html | null {
  return links === undefined || links.length === 0
    ? null
    : html`<span class="links">${links.map(({ label, url }) => renderLink(label, url))}</span>`;
}

/** The name of an identity, without its kind: `person:alice` is `alice`, and a service says that it is one. */
export function showIdentity(identity: string): string {
  return identity.replace(/^person:/, '');
}

/** The most entries of the journal that a page of one subject shows. */
const mostEntries = 200;

/** The entries of a few streams in the order of the journal, the newest first. */
export async function renderStreams(streams: readonly string[], host: ChatHost, viewer: Viewer): Promise<Html> {
  const found: Entry[] = (await Promise.all(streams.map(stream => host.store.stream(stream)))).flat();
  const newest = found.sort((a, b) => b.seq - a.seq).slice(0, mostEntries);
  if (newest.length === 0) return html`<p class="none">The journal says nothing of it.</p>`;
  return html`<ol class="entries" reversed>${newest.map(entry => renderEntry(entry, viewer))}</ol>`;
}

/** The links that choose what a list shows. */
export function renderTabs(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  by: string,
  tabs: readonly (readonly [value: string, label: string])[],
): Html {
  const given = Object.entries(query).filter(([name, value]) => name !== 'after' && name !== by && value !== undefined);
  return html`<nav class="tabs" aria-label="Filter">${tabs.map(([value, label]) => {
    const search = new URLSearchParams([...(given as [string, string][]), [by, value]]);
    return html`<a href="${`${path}?${search}`}" ${value === query[by] && html`aria-current="true"`}>${label}</a>`;
  })}</nav>`;
}
