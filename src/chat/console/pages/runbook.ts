import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText } from '../../../kernel/text.ts';
import type { ChatHost, RunbookView } from '../../../ports/chat.ts';
import type { TestsView } from '../../../ports/overview.ts';
import { renderRunForm } from '../run-form.ts';
import { showAgo, type Viewer } from '../viewer.ts';
import { renderGraph, stepAnchor } from './graph.ts';
import type { LivePage } from './page.ts';
import { riskText } from './runbooks.ts';
import { renderRuns } from './runs.ts';

/** One runbook: what it does, a form to run it, its steps as a graph and in words, its tests and last runs. Null when there is none. */
export async function runbookPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const find = () => host.catalogue().runbooks.find(one => one.id === id);
  const first = find();
  if (first === undefined) return null;
  const recent = async (viewer: Viewer) => {
    const runs = await host.store.runs({ runbook: id, limit: 10 });
    return runs.length === 0
      ? html`<p class="none">It has not run yet.</p>`
      : html`${renderRuns(runs, viewer)}<p class="more"><a href="${`/runs?${new URLSearchParams({ runbook: id })}`}">All its runs</a></p>`;
  };
  const tests = async (viewer: Viewer) => renderTests(await host.overview.tests(id), id, viewer);
  return {
    title: first.title,
    here: '/runbooks',
    regions: [
      { id: 'runbook-runs', render: recent },
      { id: 'runbook-tests', render: tests },
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const runbook = find() ?? first;
      const who = viewer.who?.kind === 'person' ? viewer.who.id : null;
      return html`<p class="crumb"><a href="/runbooks">Runbooks</a>${who !== null && html` · <a href="${`/people?${new URLSearchParams({ person: who, runbook: id })}`}">Who may run it</a>`}</p>
<h1 class="page-title">${cutLine(runbook.title, 200)}</h1>
<p class="state-line"><span class="badge risk-${runbook.risk}">${riskText(runbook.risk)}</span><code>${runbook.id}</code></p>
<p class="text">${runbook.about}</p>
${renderRunForm(runbook, viewer)}
<h2>Steps</h2>${runbook.shape !== undefined && runbook.shape.length > 1 && renderGraph(runbook.shape)}${renderSteps(runbook)}
<h2>Starts by itself</h2>${runbook.on.length === 0 ? html`<p class="none">Never: people start it.</p>` : html`<ul class="plain-list">${runbook.on.map(text => html`<li><code>${text}</code></li>`)}</ul>`}
<h2>Tests</h2><div id="runbook-tests">${await tests(viewer)}</div>
<h2>Last runs</h2><div id="runbook-runs">${await recent(viewer)}</div>`;
    },
  };
}

function renderSteps(runbook: RunbookView): Html {
  if (runbook.steps.length === 0)
    return html`<p class="none">It is written in TypeScript: its steps are known when it runs.</p>`;
  return html`<ol class="step-list">${runbook.steps.map(
    (step, index) =>
      html`<li class="step-item" id="${stepAnchor(step.id)}"><p class="step-line"><span class="step-number">${index + 1}</span><span class="step-title">${cutLine(step.title, 200)}</span><span class="badge">${step.type}</span></p><pre class="code" tabindex="0" aria-label="${`What ${step.title || step.id} does`}">${step.shows}</pre></li>`,
  )}</ol>`;
}

function renderTests(tests: TestsView | null, id: string, viewer: Viewer): Html {
  if (tests === null || tests.file === null)
    return html`<p class="none">It has none. <code>runbooks/${id}.test.yaml</code> would say what it should do, and <code>tocsin test</code> runs it without effects.</p>`;
  const { file, cases, checkedAt, because } = tests;
  const failed = cases.filter(one => one.ok === false).length;
  const head =
    checkedAt === null
      ? html`<p class="verify verify-part"><b>Not known</b> whether they pass: ${cutText(because ?? 'nobody looked', 600)}. <code>tocsin test ${id}</code></p>`
      : failed > 0
        ? html`<p class="verify verify-bad"><b>${failed} of ${cases.length} ${failed === 1 ? 'fails' : 'fail'}.</b> Run dry ${showAgo(checkedAt, viewer)}, from <code>${file}</code>.</p>`
        : html`<p class="verify verify-good"><b>${cases.length === 1 ? 'The one case passes.' : `All ${cases.length} cases pass.`}</b> Run dry ${showAgo(checkedAt, viewer)}, from <code>${file}</code>.</p>`;
  return html`${head}<ul class="rows">${cases.map(
    ({ name, ok, differences }) =>
      html`<li class="row ${ok === null ? '' : ok ? 'test-ok' : 'test-bad'}"><span class="row-title">${cutLine(name, 200)}</span>${ok !== null && html` <span class="badge">${ok ? 'passes' : 'fails'}</span>`}${differences.slice(0, 20).map(text => html`<span class="row-why">${cutText(text, 600)}</span>`)}</li>`,
  )}</ul>`;
}
