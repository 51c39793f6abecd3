import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText } from '../../../kernel/text.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Gate } from '../../../model/gates/gate.ts';
import { digestOf, type Subject, subjectText } from '../../../model/gates/subject.ts';
import { streamOf } from '../../../model/journal.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderButtons } from '../buttons.ts';
import { domId, permitPath, showTime, threadPath, type Viewer } from '../viewer.ts';
import { code, renderFacts, renderLinks, renderStreams, showIdentity } from './facts.ts';
import { doorNames, gateStateText } from './gates.ts';
import type { LivePage } from './page.ts';

/** One question of a gate: what was decided and why, what it is about, and who said what. Null when there is none of this id. */
export async function gatePage(host: ChatHost, id: string): Promise<LivePage | null> {
  const first = await host.store.document('gate', id);
  if (first === null) return null;
  const read = async () => (await host.store.document('gate', id)) ?? first;
  const head = async (viewer: Viewer) => renderHead(await read(), viewer);
  const facts = async (viewer: Viewer) => renderAll(await read(), host, viewer);
  const actions = (viewer: Viewer) => renderActions(id, viewer);
  const journal = async (viewer: Viewer) => renderStreams(streamsOf(await read()), host, viewer);
  return {
    title: subjectText(first.subject),
    here: '/gate',
    regions: [
      { id: 'gate-head', render: head },
      { id: 'gate-actions', render: actions },
      { id: 'gate-facts', render: facts },
      { id: 'gate-journal', render: journal },
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const thread = await host.store.post('console', `gate/${id}`);
      return html`<p class="crumb"><a href="/gate">Gates</a>${thread !== null && html` · <a href="${threadPath(thread.key)}">Thread</a>`}</p>
<h1 class="page-title">${cutLine(subjectText(first.subject), 200)}</h1>
<div id="gate-head" aria-live="polite">${await head(viewer)}</div>
<div id="gate-actions">${await actions(viewer)}</div>
<div id="gate-facts">${await facts(viewer)}</div>
<h2>Journal</h2>
<div id="gate-journal">${await journal(viewer)}</div>`;
    },
  };
}

function streamsOf({ id, approval, permit }: Gate): string[] {
  return [
    streamOf.gate(id),
    ...(approval === null ? [] : [streamOf.approval(approval)]),
    ...(permit === null ? [] : [streamOf.permit(permit)]),
  ];
}

function renderHead(gate: Gate, viewer: Viewer): Html {
  return html`<p class="state-line gate-${gate.state}"><span class="badge state-badge">${gateStateText(gate, viewer.now)}</span><span class="because">${cutText(gate.because, 2000)}</span></p>`;
}

/** The buttons of its card: the votes while it is open, Revoke once it is allowed. */
async function renderActions(id: string, viewer: Viewer): Promise<Html> {
  const buttons = (await viewer.host.details('gate', id))?.buttons.filter(button => button.does.kind === 'act') ?? [];
  return html`${renderButtons(buttons, 'gate-actions', viewer)}<div class="slot" id="${domId('ans', 'gate-actions')}" aria-live="polite" hx-morph-skip></div>`;
}

async function renderAll(gate: Gate, host: ChatHost, viewer: Viewer): Promise<Html> {
  const approval = gate.approval === null ? null : await host.store.approval(gate.approval);
  return html`<h2>Subject</h2>${renderSubject(gate)}
<h2>Decision</h2>${renderDecision(gate, approval, viewer)}
${approval !== null && html`<h2>Votes</h2>${renderVotes(approval, viewer)}`}
<h2>Known to be bad</h2>${renderBad(gate, viewer)}
<h2>Evidence</h2>${renderEvidence(gate)}`;
}

const names: Readonly<Record<Exclude<keyof Subject, 'links' | 'image'>, string>> = {
  service: 'Service',
  environment: 'Environment',
  repository: 'Repository',
  sha: 'Commit',
  change: 'Change',
  actor: 'For',
};

function renderSubject({ subject, hash }: Gate): Html {
  const { image } = subject;
  return renderFacts([
    ...Object.entries(names).map(([key, label]) => [label, code(subject[key as keyof typeof names])] as const),
    ['Image', image === undefined ? null : code(image.slice(0, image.indexOf('@')))],
    ['Digest', code(digestOf(subject))],
    ['Links', renderLinks(subject.links)],
    ['What people approve', code(hash)],
  ]);
}

const verdicts = {
  auto: 'let through without asking',
  notify: 'let through, and told in chat',
  approve: 'ask people',
  deny: 'deny',
} as const;

function renderDecision(gate: Gate, approval: Approval | null, viewer: Viewer): Html {
  const { decision, callback } = gate;
  const at = (time: number | null) => (time === null ? null : showTime(time, viewer));
  return renderFacts([
    ['Policy said', verdicts[decision.verdict]],
    ['Rule', cutLine(decision.rule, 200)],
    ['Why', cutText(decision.because, 2000)],
    ['Gate', code(gate.name)],
    ['Door', doorNames[gate.door]],
    ['Asked by', cutLine(showIdentity(gate.requestedBy), 200)],
    ['Asked', at(gate.createdAt)],
    // The next group has time of its own, which only the approval knows.
    ['Denied unless decided by', gate.state === 'pending' && at(approval?.expiresAt ?? gate.expiresAt)],
    ['Decided', at(gate.closedAt)],
    [
      'The allow holds',
      gate.state === 'allowed' && (gate.holdsUntil === null ? 'until it is revoked' : at(gate.holdsUntil)),
    ],
    ['Permit', gate.permit !== null && html`<a href="${permitPath(gate.permit)}">${gate.permit}</a>`],
    ...Object.entries(callback).map(([name, value]) => [`Door: ${name}`, code(value)] as const),
  ]);
}

/** Who was asked, who has voted, and how many are missing. */
function renderVotes(approval: Approval, viewer: Viewer): Html {
  const { ask, votes, state } = approval;
  const given = votes.filter(vote => vote.vote === 'approve').length;
  const missing = Math.max(0, ask.quorum - given);
  const barred = approval.barred.map(showIdentity).join(', ');
  const facts = renderFacts([
    ['May vote', cutLine(ask.by.join(', '), 500)],
    [
      'Needed',
      `${ask.quorum} ${ask.quorum === 1 ? 'approval' : 'approvals'}${state === 'open' ? `, ${missing} missing` : ''}`,
    ],
    ['May not vote', cutLine(barred, 500)],
    [
      'Came of it',
      state !== 'open' && cutText(`${state}${approval.because === null ? '' : `: ${approval.because}`}`, 1000),
    ],
  ]);
  if (votes.length === 0) return html`${facts}<p class="none">Nobody has voted.</p>`;
  return html`${facts}<ul class="rows">${votes.map(
    ({ person, vote, reason, via, at }) =>
      html`<li class="row vote-${vote}"><span class="row-title">${cutLine(person, 80)}</span><span class="badge">${vote === 'approve' ? 'approved' : 'denied'}</span><span class="row-sub">by ${via}, ${showTime(at, viewer)}</span>${
        reason !== null && html`<span class="row-why">${cutText(reason, 2000)}</span>`
      }</li>`,
  )}</ul>`;
}

function renderBad({ knownBad }: Gate, viewer: Viewer): Html {
  if (knownBad.length === 0) return html`<p class="none">Nothing of it is on a list.</p>`;
  return html`<ul class="rows">${knownBad.map(
    ({ what, reason, from, by, blocks, until }) =>
      html`<li class="row gate-denied"><code>${cutLine(what, 300)}</code><span class="badge">${blocks === 'all' ? 'keeps out everything' : 'keeps out new workloads'}</span><span class="row-why">${cutText(reason, 1000)}</span><span class="row-sub">${cutLine(`${showIdentity(by)}, ${from}`, 200)}${until !== null && html` · until ${showTime(until, viewer)}`}</span></li>`,
  )}</ul>`;
}

const kinds = { sbom: 'Bill of materials', scan: 'Scan', provenance: 'Provenance' } as const;

function renderEvidence({ evidence }: Gate): Html {
  if (evidence.length === 0) return html`<p class="none">No evidence came with it.</p>`;
  return html`<ul class="rows">${evidence.map(
    ({ kind, format, digest, from, verified, because, says }) =>
      html`<li class="row ${verified ? 'evidence-verified' : 'evidence-unverified'}"><span class="row-title">${kinds[kind]}</span><span class="badge">${verified ? 'verified' : 'not verified: counts as absent'}</span><span class="row-sub">${cutLine(format, 60)} · from ${cutLine(from, 300)} · <code>${digest.slice(0, 16)}</code></span><span class="row-why">${cutText(verified ? says : (because ?? 'No reason is known.'), 1000)}</span></li>`,
  )}</ul>`;
}
