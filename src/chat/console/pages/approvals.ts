import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Approval, approvalState } from '../../../model/approval.ts';
import { shortHash } from '../../../model/plan.ts';
import { approvalWords, valuesOf } from '../../../model/search/words.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderCard } from '../cards.ts';
import { listQuery, readSearch } from '../lists/listing.ts';
import { simpleListPage } from '../lists/simple-list.ts';
import { changePath, domId, gatePath, runPath, showAgo, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

/** `state` is how addresses narrowed it before there were searches. */
export const approvalsQuery = z.object({
  ...listQuery,
  state: z
    .union([z.literal('all'), approvalState])
    .optional()
    .catch(undefined),
});

/** Open approvals as their cards, with the buttons; the others as rows. */
export function approvalsPage(host: ChatHost, given: z.infer<typeof approvalsQuery>): LivePage {
  const { state, ...query } = given;
  const q = query.q ?? (state === 'all' ? '' : `state:${state ?? 'open'}`);
  const search = readSearch(q, approvalWords);
  const isOpen = valuesOf(search.result.terms, 'state').join() === 'open';
  return simpleListPage<Approval>({
    path: '/approvals',
    title: 'Approvals',
    search,
    query: { ...query, q: state === undefined ? query.q : q },
    find: (terms, page, now) => host.store.findApprovals({ terms, now, ...page }),
    count: (terms, now) => host.store.countApprovals({ terms, now }),
    async row(approval, viewer) {
      const id = domId('asked', approval.id);
      const shown = approval.state === 'open' ? await renderOpen(approval, viewer) : renderRow(approval, viewer);
      return { id, html: html`<li class="asked" id="${id}">${shown}</li>` };
    },
    states: approvalState.options.map(name => [name, `${name[0]?.toUpperCase()}${name.slice(1)}`, [name]] as const),
    named: count => (count === 1 ? '1 approval' : `${count.toLocaleString('en-GB')} approvals`),
    none: isOpen ? 'Nothing waits for approval.' : 'No approvals here.',
    cards: true,
  });
}

async function renderOpen(approval: Approval, viewer: Viewer): Promise<Html> {
  const card = await viewer.host.details('approval', approval.id);
  if (card === null) return renderRow(approval, viewer);
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
  return html`<div class="row approval-${approval.state}"><a class="row-main" href="${pathOf(approval)}"><span class="row-title">${cutLine(approval.title, 160)}</span></a>
<span class="badge state-badge">${approval.state}</span>
<span class="row-sub">${approval.run === null ? 'subject' : 'plan'} <code>${shortHash(approval.planHash)}</code> · ${approval.votes.length === 0 ? 'no votes' : approval.votes.map(vote => `${vote.person.replace(/^\w+:/, '')} ${vote.vote === 'approve' ? 'approved' : 'denied'}`).join(', ')} · ${showAgo(approval.closedAt ?? approval.createdAt, viewer)}</span>${
    approval.because !== null && html`<span class="row-why">${cutLine(approval.because, 300)}</span>`
  }</div>`;
}
