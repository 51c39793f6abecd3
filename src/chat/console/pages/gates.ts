import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Gate, gateState } from '../../../model/gates/gate.ts';
import { subjectText } from '../../../model/gates/subject.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { gatePath, showAgo, showTime, type Viewer } from '../viewer.ts';
import { renderTabs, showIdentity } from './facts.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

export const gatesQuery = z.object({
  state: z.union([z.literal('all'), gateState]).catch('pending'),
  after: afterId,
});

const perPage = 50;

const tabs = [
  ['pending', 'Waiting'],
  ['allowed', 'Allowed'],
  ['denied', 'Denied'],
  ['expired', 'Expired'],
  ['void', 'Void'],
  ['revoked', 'Revoked'],
  ['all', 'All'],
] as const;

/** The questions of callers outside, by what became of them. */
export function gatesPage(host: ChatHost, query: z.infer<typeof gatesQuery>): LivePage {
  const rows = async (viewer: Viewer) => {
    const found = await host.store.documents('gate', {
      limit: perPage,
      ...(query.state === 'all' ? {} : { state: query.state }),
      ...(query.after === undefined ? {} : { after: query.after }),
    });
    if (found.length === 0)
      return html`<p class="none">${query.state === 'pending' ? 'Nobody waits at a gate.' : 'No gates here.'}</p>`;
    return html`<ul class="rows">${found.map(gate => renderRow(gate, viewer))}</ul>${renderOlder('/gate', query, found, perPage)}`;
  };
  return {
    title: 'Gates',
    here: '/gate',
    regions: [{ id: 'gate-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Gates</h1>
${renderTabs('/gate', query, 'state', tabs)}
<div id="gate-rows" aria-live="polite">${await rows(viewer)}</div>`,
  };
}

function renderRow(gate: Gate, viewer: Viewer): Html {
  const what = gate.state === 'pending' ? 'Let through?' : gate.because;
  return html`<li class="row gate-${gate.state}"><a class="row-main" href="${gatePath(gate.id)}"><span class="row-title">${cutLine(subjectText(gate.subject), 160)}</span></a>
<span class="badge state-badge">${gateStateText(gate, viewer.now)}</span>
<span class="row-sub">gate <code>${cutLine(gate.name, 63)}</code> · ${doorNames[gate.door]} · asked by ${cutLine(showIdentity(gate.requestedBy), 80)} ${showAgo(gate.createdAt, viewer)}${
    gate.state === 'pending' && html` · asked until ${showTime(gate.expiresAt, viewer)}`
  }</span><span class="row-why">${cutLine(what, 300)}</span></li>`;
}

export const doorNames: Readonly<Record<Gate['door'], string>> = {
  http: 'HTTP',
  kubernetes: 'Kubernetes',
  github: 'GitHub',
  gitlab: 'GitLab',
  terraform: 'Terraform',
};

const states: Readonly<Record<Gate['state'], string>> = {
  pending: 'waiting for people',
  allowed: 'allowed',
  denied: 'denied',
  expired: 'expired: denied',
  void: 'void: denied',
  revoked: 'revoked: denied',
};

/** What its caller is told now, in words. */
export function gateStateText({ state, holdsUntil }: Gate, now: number): string {
  return state === 'allowed' && holdsUntil !== null && holdsUntil <= now ? 'its time is over: denied' : states[state];
}
