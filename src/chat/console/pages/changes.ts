import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Held, heldState } from '../../../model/ledger/held.ts';
import type { GlassWindow } from '../../../model/ledger/window.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderForm } from '../buttons.ts';
import { changePath, domId, permitPath, showAgo, showElapsed, showTime, threadPath, type Viewer } from '../viewer.ts';
import { renderTabs } from './facts.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

export const changesQuery = z.object({
  state: z.union([z.literal('all'), heldState]).catch('unpermitted'),
  proof: z.enum(['any', 'proven', 'unproven']).catch('any'),
  /** A part of who, what or where. */
  find: z.string().trim().min(1).max(100).optional().catch(undefined),
  after: afterId,
});
type ChangesQuery = z.infer<typeof changesQuery>;

const perPage = 50;

export const heldStates: Readonly<Record<Held['state'], string>> = {
  open: 'not judged yet',
  permitted: 'permitted',
  known: 'known automation',
  'break-glass': 'in a break-glass window',
  failed: 'failed: nothing was changed',
  unpermitted: 'unpermitted',
  claimed: 'permitted afterwards',
  undone: 'undone',
  ended: 'stands no more',
};

const tabs = [
  ['unpermitted', 'Unpermitted'],
  ['open', 'Not judged yet'],
  ['permitted', 'Permitted'],
  ['known', 'Known'],
  ['break-glass', 'Break-glass'],
  ['claimed', 'Claimed'],
  ['undone', 'Undone'],
  ['ended', 'Ended'],
  ['failed', 'Failed'],
  ['all', 'All'],
] as const;

/** What was done to the environment, held against what was approved. */
export function changesPage(host: ChatHost, query: ChangesQuery): LivePage {
  const rows = async (viewer: Viewer) => {
    const { found, last, full } = await findChanges(host, query);
    const none = html`<p class="none">${noneText(query, full)}</p>`;
    const older = full && last !== null ? renderOlder('/changes', query, [last], 1) : null;
    return html`${found.length === 0 ? none : html`<ul class="rows">${found.map(held => renderRow(held, viewer))}</ul>`}${older}`;
  };
  const windows = async (viewer: Viewer) => renderWindows(await openWindows(host), viewer);
  return {
    title: 'Changes',
    here: '/changes',
    regions: [
      { id: 'change-windows', render: windows },
      { id: 'change-rows', render: rows },
    ],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Changes</h1>
<p class="crumb"><a href="/permits">Permits: what may be done now</a></p>
<div id="change-windows" aria-live="polite">${await windows(viewer)}</div>
${renderTabs('/changes', { ...query, proof: query.proof === 'any' ? undefined : query.proof }, 'state', tabs)}
${renderFilter(query)}
<div id="change-rows" aria-live="polite">${await rows(viewer)}</div>`,
  };
}

function noneText({ state, find, proof }: ChangesQuery, more: boolean): string {
  if (find !== undefined || proof !== 'any')
    return more ? 'Nothing of it among those that were looked at; older ones are below.' : 'Nothing of it.';
  return state === 'unpermitted' ? 'No change stands that nobody approved.' : 'No changes here.';
}

function renderFilter(query: ChangesQuery): Html {
  const options = [
    ['any', 'any source'],
    ['proven', 'proven sources'],
    ['unproven', 'unproven sources'],
  ] as const;
  return html`<form method="get" action="/changes" class="filter" role="search"><input type="hidden" name="state" value="${query.state}">
<label for="change-find">Who, what or where</label><input id="change-find" name="find" maxlength="100" autocomplete="off" value="${query.find}">
<label for="change-proof">Told by</label><select id="change-proof" name="proof">${options.map(
    ([value, label]) => html`<option value="${value}" ${value === query.proof && html`selected`}>${label}</option>`,
  )}</select><button class="button">Filter</button></form>`;
}

/** The most changes that one page looks through for its filter. */
const mostRead = 1000;

/** The next page of those that fit, and the last that was looked at. */
async function findChanges(
  host: ChatHost,
  query: ChangesQuery,
): Promise<{ found: Held[]; last: Held | null; full: boolean }> {
  const found: Held[] = [];
  let last: Held | null = null;
  const limit = query.find === undefined && query.proof === 'any' ? perPage : 200;
  for (let read = 0; read < mostRead; read += limit) {
    const after: string | undefined = last?.id ?? query.after;
    const some: Held[] = await host.store.documents('held', {
      limit,
      ...(query.state === 'all' ? {} : { state: query.state }),
      ...(after === undefined ? {} : { after }),
    });
    for (const held of some) {
      last = held;
      if (fits(held, query) && found.push(held) === perPage) return { found, last, full: true };
    }
    if (some.length < limit) return { found, last, full: false };
  }
  return { found, last, full: true };
}

function fits(held: Held, { proof, find }: ChangesQuery): boolean {
  if (proof !== 'any' && held.trusted !== (proof === 'proven')) return false;
  if (find === undefined) return true;
  const { title, principal, action, resource, source, account, region, environment } = held;
  const text = [title, principal, action, resource, source, account, region, environment].join('\n').toLowerCase();
  return text.includes(find.toLowerCase());
}

function renderRow(held: Held, viewer: Viewer): Html {
  return html`<li class="row held-${held.state}"><a class="row-main" href="${changePath(held.id)}"><span class="row-title">${cutLine(held.title, 160)}</span></a>
<span class="badge state-badge">${heldStates[held.state]}</span>${renderStands(held, viewer)}
<span class="row-sub"><code>${cutLine(held.principal || 'nobody is named', 120)}</code> · ${cutLine(held.action, 80)} on <code>${cutLine(held.resource, 160)}</code>${whereText(held) !== '' && html` · ${cutLine(whereText(held), 120)}`}</span>
<span class="row-sub">${showAgo(held.occurredAt, viewer)} · told by ${cutLine(held.source, 63)}${!held.trusted && html`, <b class="unproven">not proven</b>`}</span><span class="row-why">${cutLine(held.because, 300)}</span></li>`;
}

/** The changes that an alert stands for. */
export async function renderChangesOf(alert: string, host: ChatHost, viewer: Viewer): Promise<Html> {
  const found = await host.store.documents('held', { key: alert, limit: perPage + 1 });
  return html`<ul class="rows">${found.slice(0, perPage).map(held => renderRow(held, viewer))}</ul>${
    found.length > perPage && html`<p class="none">and more, in the list of changes</p>`
  }`;
}

export function whereText({ environment, account, region }: Held): string {
  return [environment, account, region].filter(place => place !== null).join(', ');
}

/** How long what nobody approved has stood: the window of exposure. */
export function renderStands(held: Held, viewer: Viewer): Html | null {
  if (held.state === 'unpermitted')
    return html`<span class="stands">stands for ${showElapsed(held.occurredAt, held.endedAt, viewer)}</span>`;
  return held.endedAt === null
    ? null
    : html`<span class="sub">stood for ${showElapsed(held.occurredAt, held.endedAt, viewer)}</span>`;
}

const mostWindows = 50;

function openWindows(host: ChatHost): Promise<GlassWindow[]> {
  return host.store.documents('break-glass', { state: 'open', limit: mostWindows });
}

function renderWindows(windows: readonly GlassWindow[], viewer: Viewer): Html {
  if (windows.length === 0) return html``;
  return html`<section class="banner banner-problem" aria-label="Break-glass"><p><b>${windows.length === 1 ? 'The glass is broken.' : `The glass is broken ${windows.length} times.`}</b> What these people do by their own principals needs no other permit, and is listed at the end.</p><ul class="rows">${windows.map(window => renderWindow(window, viewer))}</ul></section>`;
}

function renderWindow({ id, person, reason, openedAt, until, permit }: GlassWindow, viewer: Viewer): Html {
  const slot = domId('glass', id);
  const act = JSON.stringify({ kind: 'break-glass-end', window: id, reason: null });
  const end = renderForm(
    '/console/act',
    slot,
    html`<button class="button danger small">End it<span class="hush"> for ${person}</span></button>`,
    viewer,
    { act, label: 'Ended' },
  );
  return html`<li class="row permit-break-glass"><a class="row-main" href="${threadPath(`glass/${id}`)}"><span class="row-title">${cutLine(person, 80)}</span></a>
<span class="row-sub">since ${showTime(openedAt, viewer)} until ${showTime(until, viewer)} · <a href="${permitPath(permit)}">permit</a></span><span class="row-why">${cutLine(reason, 300)}</span>${end}<div class="slot" id="${slot}" aria-live="polite" hx-morph-skip></div></li>`;
}
