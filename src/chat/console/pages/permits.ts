import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText } from '../../../kernel/text.ts';
import { streamOf } from '../../../model/journal.ts';
import type { Permit } from '../../../model/ledger/permit.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { gatePath, permitPath, runPath, showAgo, showTime, type Viewer } from '../viewer.ts';
import { code, renderFacts, renderStreams, renderTabs } from './facts.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

export const permitsQuery = z.object({
  state: z.enum(['open', 'ended', 'all']).catch('open'),
  after: afterId,
});

const perPage = 50;

const tabs = [
  ['open', 'Open'],
  ['ended', 'Ended'],
  ['all', 'All'],
] as const;

/** What may be done now, by whom and until when. */
export function permitsPage(host: ChatHost, query: z.infer<typeof permitsQuery>): LivePage {
  const rows = async (viewer: Viewer) => {
    const found = await host.store.documents('permit', {
      limit: perPage,
      ...(query.state === 'all' ? {} : { state: query.state }),
      ...(query.after === undefined ? {} : { after: query.after }),
    });
    if (found.length === 0) return html`<p class="none">No permits here.</p>`;
    return html`${renderPermits(found, viewer)}${renderOlder('/permits', query, found, perPage)}`;
  };
  return {
    title: 'Permits',
    here: '/permits',
    regions: [{ id: 'permit-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<p class="crumb"><a href="/changes">Changes</a></p>
<h1 class="page-title">Permits</h1>
${renderTabs('/permits', query, 'state', tabs)}
<div id="permit-rows">${await rows(viewer)}</div>`,
  };
}

export function renderPermits(permits: readonly Permit[], viewer: Viewer): Html {
  return html`<ul class="rows">${permits.map(permit => renderRow(permit, viewer))}</ul>`;
}

function renderRow(permit: Permit, viewer: Viewer): Html {
  const over = isOver(permit, viewer.now);
  const mark = over ? 'ended' : permit.origin === 'break-glass' ? 'break-glass' : 'open';
  return html`<li class="row permit-${mark}"><a class="row-main" href="${permitPath(permit.id)}"><span class="row-title">${cutLine(whatText(permit), 200)}</span></a>
<span class="badge state-badge">${over ? 'over' : originNames[permit.origin]}</span>
<span class="row-sub">${cutLine(whoText(permit), 200)} · from ${showTime(permit.from, viewer)} ${permit.until === null ? 'without an end' : html`until ${showTime(permit.until, viewer)}`}</span><span class="row-why">${cutLine(permit.because, 300)}</span></li>`;
}

function isOver({ state, until }: Permit, now: number): boolean {
  return state === 'ended' || (until !== null && until <= now);
}

const originNames: Readonly<Record<Permit['origin'], string>> = {
  gate: 'a gate',
  run: 'a run',
  import: 'a system of changes',
  claim: 'given afterwards',
  'break-glass': 'break-glass',
};

function whatText({ actions, resources, environment, account, region }: Permit): string {
  const what = actions.length === 0 ? 'Anything' : actions.join(', ');
  const on = resources.length === 0 ? '' : ` on ${resources.join(', ')}`;
  const where = [environment, account, region].filter(place => place !== null).join(', ');
  return `${what}${on}${where === '' ? '' : ` in ${where}`}`;
}

function whoText({ principal, key, nonce }: Permit): string {
  if (principal !== '') return `by ${principal}`;
  if (nonce !== '') return 'by whoever carries the word of its run';
  return key === '' ? 'by anybody' : `by anybody, for ${key}`;
}

/** What it stands for, as a link where there is a page of it. */
function renderOrigin({ origin, of }: Permit): Html {
  const name = cutLine(of, 200);
  if (origin === 'gate') return html`${originNames.gate}: <a href="${gatePath(of)}">${name}</a>`;
  if (origin === 'run') return html`${originNames.run}: <a href="${runPath(of)}">${name}</a>`;
  return html`${originNames[origin]}: <code>${name}</code>`;
}

/** Never the nonce: whoever reads it could make a change look permitted. */
export function renderPermit(permit: Permit, viewer: Viewer): Html {
  const list = (texts: readonly string[], none: string) =>
    texts.length === 0 ? none : html`<code>${cutText(texts.join('\n'), 4000)}</code>`;
  return renderFacts([
    ['Given by', renderOrigin(permit)],
    ['Why', cutText(permit.because, 2000)],
    ['Who', permit.principal === '' ? whoText(permit) : code(permit.principal)],
    ['Key', permit.nonce === '' ? code(permit.key) : 'the word of its run, which is not shown'],
    ['What', list(permit.actions, 'anything')],
    ['On', list(permit.resources, 'anything')],
    ['Account', code(permit.account) ?? 'any'],
    ['Region', code(permit.region) ?? 'any'],
    ['Environment', code(permit.environment) ?? 'any'],
    ['From', showTime(permit.from, viewer)],
    ['Until', permit.until === null ? 'it is ended' : showTime(permit.until, viewer)],
  ]);
}

/** One permit. Null when there is none of this id. */
export async function permitPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const first = await host.store.document('permit', id);
  if (first === null) return null;
  const read = async () => (await host.store.document('permit', id)) ?? first;
  const head = async (viewer: Viewer) => {
    const permit = await read();
    const over = isOver(permit, viewer.now);
    return html`<p class="state-line permit-${over ? 'ended' : 'open'}"><span class="badge state-badge">${over ? 'over' : 'open'}</span><span class="because">given ${showAgo(permit.createdAt, viewer)}</span></p>${renderPermit(permit, viewer)}`;
  };
  return {
    title: `Permit ${id}`,
    here: '/permits',
    regions: [{ id: 'permit-head', render: head }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<p class="crumb"><a href="/changes">Changes</a> · <a href="/permits">Permits</a></p>
<h1 class="page-title">${cutLine(whatText(first), 200)}</h1>
<div id="permit-head">${await head(viewer)}</div>
<h2>Journal</h2>${await renderStreams([streamOf.permit(id)], host, viewer)}`,
  };
}
