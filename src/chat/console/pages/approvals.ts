import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Approval, approvalState } from '../../../model/approval.ts';
import { shortHash } from '../../../model/plan.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderCard } from '../cards.ts';
import { changePath, domId, gatePath, runPath, showAgo, type Viewer } from '../viewer.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

export const approvalsQuery = z.object({
  state: z.union([z.literal('all'), approvalState]).catch('open'),
  after: afterId,
});

const perPage = 50;

/** Open approvals as their cards, with the buttons; the others as a list. */
export function approvalsPage(host: ChatHost, query: z.infer<typeof approvalsQuery>): LivePage {
  const rows = async (viewer: Viewer) => {
    const found = await host.store.approvals({
      limit: perPage,
      ...(query.state === 'all' ? {} : { state: query.state }),
      ...(query.after === undefined ? {} : { after: query.after }),
    });
    if (found.length === 0)
      return html`<p class="none">${query.state === 'open' ? 'Nothing waits for approval.' : 'No approvals here.'}</p>`;
    const open: Html[] = [];
    for (const approval of found.filter(one => one.state === 'open')) open.push(await renderOpen(approval, viewer));
    const closed = found.filter(one => one.state !== 'open');
    return html`${open}${closed.length > 0 && html`<ul class="rows">${closed.map(one => renderRow(one, viewer))}</ul>`}${renderOlder('/approvals', query, found, perPage)}`;
  };
  return {
    title: 'Approvals',
    here: '/approvals',
    regions: [{ id: 'approval-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Approvals</h1>
<nav class="tabs" aria-label="Filter">${['open', 'approved', 'denied', 'expired', 'void', 'all'].map(
      name =>
        html`<a href="/approvals?state=${name}" ${name === query.state && html`aria-current="true"`}>${name[0]?.toUpperCase()}${name.slice(1)}</a>`,
    )}</nav>
<div id="approval-rows" aria-live="polite">${await rows(viewer)}</div>`,
  };
}

async function renderOpen(approval: Approval, viewer: Viewer): Promise<Html> {
  const card = await viewer.host.details('approval', approval.id);
  if (card === null) return html`<ul class="rows">${renderRow(approval, viewer)}</ul>`;
  const shown = renderCard(card, { id: domId('approval', approval.id), at: approval.createdAt, href: null }, viewer);
  return approval.gate === null
    ? shown
    : html`${shown}<p class="more"><a href="${gatePath(approval.gate)}">All of this gate</a></p>`;
}

/** What waits for it. */
function pathOf({ run, gate, claim }: Approval): string {
  if (run !== null) return runPath(run);
  return claim === null ? gatePath(gate ?? '') : changePath(claim);
}

function renderRow(approval: Approval, viewer: Viewer): Html {
  return html`<li class="row approval-${approval.state}"><a class="row-main" href="${pathOf(approval)}"><span class="row-title">${cutLine(approval.title, 160)}</span></a>
<span class="badge state-badge">${approval.state}</span>
<span class="row-sub">${approval.run === null ? 'subject' : 'plan'} <code>${shortHash(approval.planHash)}</code> · ${approval.votes.length === 0 ? 'no votes' : approval.votes.map(vote => `${vote.person.replace(/^\w+:/, '')} ${vote.vote === 'approve' ? 'approved' : 'denied'}`).join(', ')} · ${showAgo(approval.closedAt ?? approval.createdAt, viewer)}</span>${
    approval.because !== null && html`<span class="row-why">${cutLine(approval.because, 300)}</span>`
  }</li>`;
}
