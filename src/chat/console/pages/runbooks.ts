import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { ChatHost, ParamView, RunbookView } from '../../../ports/chat.ts';
import { renderForm } from '../buttons.ts';
import type { Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';
import { renderRuns } from './runs.ts';

export function runbooksPage(host: ChatHost): LivePage {
  const rows = async () => {
    const { runbooks } = host.catalogue();
    if (runbooks.length === 0)
      return html`<p class="none">There are no runbooks. Put one in the folder that tocsin.yaml names.</p>`;
    return html`<ul class="rows">${runbooks.map(renderRow)}</ul>`;
  };
  return {
    title: 'Runbooks',
    here: '/runbooks',
    regions: [{ id: 'runbook-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async () => html`<h1 class="page-title">Runbooks</h1><div id="runbook-rows">${await rows()}</div>`,
  };
}

function renderRow(runbook: RunbookView): Html {
  return html`<li class="row"><a class="row-main" href="${`/runbooks/${encodeURIComponent(runbook.id)}`}"><span class="row-title">${cutLine(runbook.title, 160)}</span> <code>${runbook.id}</code></a>
<span class="badge risk-${runbook.risk}">${riskText(runbook.risk)}</span>
<span class="row-sub">${cutLine(runbook.about, 300)}</span></li>`;
}

export function riskText(risk: string): string {
  return risk === 'none' ? 'reads only' : `${risk} risk`;
}

/** One runbook: what it does, when it starts by itself, and a form to run it. Null when there is none of this name. */
export async function runbookPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const find = () => host.catalogue().runbooks.find(one => one.id === id);
  const first = find();
  if (first === undefined) return null;
  const recent = async (viewer: Viewer) => {
    const runs = await host.store.runs({ runbook: id, limit: 10 });
    return runs.length === 0 ? html`<p class="none">It has not run yet.</p>` : renderRuns(runs, viewer);
  };
  return {
    title: first.title,
    here: '/runbooks',
    regions: [{ id: 'runbook-runs', render: recent }],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const runbook = find() ?? first;
      return html`<p class="crumb"><a href="/runbooks">Runbooks</a></p>
<h1 class="page-title">${cutLine(runbook.title, 200)}</h1>
<p class="state-line"><span class="badge risk-${runbook.risk}">${riskText(runbook.risk)}</span><code>${runbook.id}</code></p>
<p class="text">${runbook.about}</p>
${renderRunForm(runbook, viewer)}
<h2>Steps</h2>${renderSteps(runbook)}
<h2>Starts by itself</h2>${runbook.on.length === 0 ? html`<p class="none">Never: people start it.</p>` : html`<ul class="plain-list">${runbook.on.map(text => html`<li><code>${text}</code></li>`)}</ul>`}
<h2>Last runs</h2><div id="runbook-runs">${await recent(viewer)}</div>`;
    },
  };
}

function renderSteps(runbook: RunbookView): Html {
  if (runbook.steps.length === 0)
    return html`<p class="none">It is written in TypeScript: its steps are known when it runs.</p>`;
  return html`<ol class="step-list">${runbook.steps.map(
    (step, index) =>
      html`<li class="step-item"><p class="step-line"><span class="step-number">${index + 1}</span><span class="step-title">${cutLine(step.title, 200)}</span><span class="badge">${step.type}</span></p><pre class="code" tabindex="0">${step.shows}</pre></li>`,
  )}</ol>`;
}

function renderRunForm(runbook: RunbookView, viewer: Viewer): Html {
  const body = html`${runbook.params.map(renderField)}
<div class="field"><label for="run-reason">Reason (optional)</label><input id="run-reason" name="reason" maxlength="500" autocomplete="off"></div>
<button class="button primary">Run</button>`;
  return html`<section class="card run-form" aria-label="Run it">${renderForm('/console/run', 'run-answer', body, viewer, { runbook: runbook.id })}<div class="slot" id="run-answer" aria-live="polite"></div></section>`;
}

function renderField(param: ParamView): Html {
  const id = `param-${param.name}`;
  const hint = `${id}-about`;
  return html`<div class="field"><label for="${id}">${param.name}${param.required && html` <span class="needed">required</span>`}</label>${renderInput(param, id, hint)}<p class="hint" id="${hint}">${param.about}</p></div>`;
}

function renderInput(param: ParamView, id: string, hint: string): Html {
  const name = `param.${param.name}`;
  if (param.type === 'enum' || param.type === 'person' || param.type === 'boolean') {
    const options = param.type === 'boolean' ? ['true', 'false'] : param.options;
    return html`<select id="${id}" name="${name}" aria-describedby="${hint}" ${param.required && html`required`}>${
      (!param.required || param.default === null) &&
      html`<option value="">${param.required ? 'Choose…' : '(not given)'}</option>`
    }${options.map(option => html`<option value="${option}" ${option === param.default && html`selected`}>${option}</option>`)}</select>`;
  }
  const kind = param.type === 'number' ? html`inputmode="decimal"` : null;
  return html`<input id="${id}" name="${name}" value="${param.default ?? ''}" aria-describedby="${hint}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="4000" ${kind} ${param.required && html`required`}>`;
}
