import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText } from '../../../kernel/text.ts';
import type { NodeFacts } from '../../../model/node.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { CheckedPart, StatusView } from '../../../ports/overview.ts';
import { renderForm } from '../buttons.ts';
import { renderLink } from '../cards.ts';
import { showTime, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

/** How everything is: the parts of /readyz, the files, the journal, the nodes; and what `tocsin doctor` can look at from inside. */
export function statusPage(host: ChatHost): LivePage {
  const state = async (viewer: Viewer) => {
    const [status, journal] = await Promise.all([host.overview.status(), host.journalState()]);
    return html`${renderState(status)}${renderParts(status)}${renderJournal(journal)}${renderFiles(host)}${renderNodes(status, viewer)}`;
  };
  return {
    title: 'Status',
    here: '/status',
    regions: [{ id: 'status', render: state }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Status</h1>
<div id="status">${await state(viewer)}</div>
<h2>Checks of what is outside</h2><section class="card test-form" aria-label="Checks">${renderForm('/console/checks', 'checks-answer', html`<button class="button" id="run-checks">Check now</button>`, viewer)}
<p class="hint">Asks chat platforms and origins for tokens, scopes, channels, groups and accounts, and compares clocks. Changes nothing. <code>tocsin doctor</code> also looks at the database, the programs of steps and the machine.</p>
<div class="slot" id="checks-answer" aria-live="polite" hx-morph-skip></div></section>`,
  };
}

function renderState({ ready, draining, parts, version, store, dispatcher, work }: StatusView): Html {
  const ill = Object.values(parts).filter(trouble => trouble !== null).length;
  const [tone, text] = draining
    ? ['part', 'Stopping: running steps finish, and no new ones begin.']
    : !ready
      ? ['bad', 'Not ready: events are not taken, and answered 503.']
      : ill > 0
        ? ['part', `Events are taken. ${ill === 1 ? 'One part is' : `${ill} parts are`} not well.`]
        : ['good', 'All is well.'];
  return html`<p class="verify verify-${tone}"><b>${text}</b></p>
<dl class="fields"><div><dt>Version</dt><dd>${version}</dd></div><div><dt>Store</dt><dd>${store}</dd></div><div><dt>Doorbell</dt><dd>${dispatcher}</dd></div><div><dt>Runs here</dt><dd>${work.busy} of ${work.places} at once</dd></div></dl>`;
}

function renderParts({ parts }: StatusView): Html {
  const sorted = Object.entries(parts).sort(
    ([a, one], [b, other]) => Number(one === null) - Number(other === null) || (a < b ? -1 : 1),
  );
  return html`<h2>Parts</h2><ul class="rows" id="status-parts">${sorted.map(
    ([part, trouble]) =>
      html`<li class="row ${trouble === null ? 'finding-ok' : 'finding-bad'}"><span class="row-title">${cutLine(part, 100)}</span> <span class="badge">${trouble === null ? 'well' : 'not well'}</span>${trouble !== null && html`<span class="row-why">${cutText(trouble, 1000)}</span>`}</li>`,
  )}</ul>`;
}

function renderJournal({ ok, head, checked, because }: Awaited<ReturnType<ChatHost['journalState']>>): Html {
  const text = ok
    ? checked < head
      ? html`Verified to entry <b>${checked.toLocaleString('en')}</b> of ${head.toLocaleString('en')}; the rest follows.`
      : html`Verified: all <b>${head.toLocaleString('en')}</b> entries form one unbroken chain.`
    : html`<b>It does not verify.</b> ${because} Checked ${checked.toLocaleString('en')} of ${head.toLocaleString('en')} entries.`;
  return html`<h2>Journal</h2><p class="verify verify-${ok ? (checked < head ? 'part' : 'good') : 'bad'}">${text} <a href="/journal">Open it</a></p>`;
}

function renderFiles(host: ChatHost): Html {
  const { problems, runbooks } = host.catalogue();
  if (problems.length === 0)
    return html`<h2>Files</h2><p class="verify verify-good">In force as they are: ${runbooks.length} ${runbooks.length === 1 ? 'runbook' : 'runbooks'}.</p>`;
  return html`<h2>Files</h2><p class="verify verify-bad"><b>${problems.length === 1 ? 'One problem' : `${problems.length} problems`}.</b> The last good set stays in force.</p><ul class="rows">${problems
    .slice(0, 100)
    .map(
      ({ file, line, column, message }) =>
        html`<li class="row finding-bad"><code>${`${file}:${line}:${column}`}</code><span class="row-why">${cutText(message, 600)}</span></li>`,
    )}</ul>`;
}

function renderNodes({ nodes, node, problems }: StatusView, viewer: Viewer): Html {
  const list =
    nodes.length === 0
      ? html`<p class="none">One node, which is this one.</p>`
      : html`<ul class="rows">${nodes.map(one => renderNode(one, one.id === node, viewer))}</ul>`;
  return html`<h2>Nodes</h2>${problems.map(problem => html`<p class="verify verify-bad">${cutText(problem, 600)}</p>`)}${list}`;
}

function renderNode({ id, at, role, version, set, since }: NodeFacts, own: boolean, viewer: Viewer): Html {
  return html`<li class="row"><span class="row-title">${at === '' ? id : cutLine(at, 100)}</span>${own && html` <span class="badge">this one</span>`} <span class="badge">${role}</span><span class="row-sub">version ${version} · files <code>${set.slice(0, 12)}</code> · since ${showTime(since, viewer)} · <code>${id}</code></span></li>`;
}

/** What the checks found, the bad first. */
export function renderChecks(parts: readonly CheckedPart[], viewer: Viewer): Html {
  const all = parts.flatMap(({ findings }) => findings);
  const count = (state: string) => all.filter(one => one.state === state).length;
  if (all.length === 0)
    return html`<p class="notice notice-info">Nothing outside is configured that can be checked. ${showTime(viewer.now, viewer)}</p>`;
  const rank = ['bad', 'warning', 'ok'];
  return html`<p class="notice ${count('bad') > 0 ? 'notice-error' : 'notice-good'}"><b>${count('bad')} bad, ${count('warning')} to look at, ${count('ok')} ok</b> at ${showTime(viewer.now, viewer)}.</p>${parts.map(
    ({ title, findings }) =>
      html`<h3>${cutLine(title, 100)}</h3><ul class="rows">${[...findings]
        .sort((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state))
        .map(
          ({ what, state, because, without, remedy, page }) =>
            html`<li class="row finding-${state}"><span class="row-title">${cutLine(what, 200)}</span> <span class="badge">${state === 'warning' ? 'look at it' : state}</span>${because !== undefined && html`<span class="row-why">${cutText(because, 600)}</span>`}${state !== 'ok' && without !== undefined && html`<span class="row-why">Without it: ${cutText(without, 600)}</span>`}${state !== 'ok' && remedy !== undefined && html`<span class="row-why">${cutText(remedy, 600)}</span>`}${state !== 'ok' && page !== undefined && html`<span class="row-sub">${renderLink('Where it is set', page)}</span>`}</li>`,
        )}</ul>`,
  )}`;
}
