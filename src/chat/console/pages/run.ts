import { type Html, html, nothing } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { shortHash } from '../../../model/plan.ts';
import { type Run, type Step, stepWord } from '../../../model/run.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderButtons } from '../buttons.ts';
import { renderBlock, renderOutputBox, renderProgress, stateClass } from '../cards.ts';
import { renderOutputNow } from '../outputs.ts';
import { domId, logPath, showElapsed, showTime, threadPath, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';
import { doneSteps, stateText } from './runs.ts';
import { findThread } from './threads.ts';

/** One run: its state, the plan as it runs, its steps with their output. Null when there is no such run. */
export async function runPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const first = await host.store.run(id);
  if (first === null) return null;
  const read = async () => (await host.store.run(id)) ?? first;
  return {
    title: first.title,
    here: '/runs',
    regions: [
      { id: 'run-head', render: async viewer => renderHead(await read(), viewer) },
      { id: 'run-steps', render: async viewer => renderSteps(await read(), viewer, new Map()) },
      { id: 'run-actions', render: viewer => renderActions(id, viewer) },
      { id: 'run-plan', render: viewer => renderPlan(id, viewer) },
    ],
    list: null,
    boxes: async () =>
      (await read()).steps.filter(hasOutput).map(step => ({
        run: id,
        step: step.id,
        live: step.state === 'running',
        tail: '',
      })),
    async render(viewer) {
      const run = await read();
      const outputs = new Map<string, Html>();
      for (const step of run.steps.filter(hasOutput)) {
        outputs.set(step.id, await renderOutputNow(host, id, step.id, ''));
      }
      const thread = await findThread(host, run);
      return html`<p class="crumb"><a href="/runs">Runs</a>${thread !== null && html` · <a href="${threadPath(thread)}">Thread</a>`}</p>
<div id="run-head">${renderHead(run, viewer)}</div>
<div id="run-actions">${await renderActions(id, viewer)}</div>
<h2>Steps</h2>
<div id="run-steps">${renderSteps(run, viewer, outputs)}</div>
<h2>Plan, as it runs</h2>
<div id="run-plan">${await renderPlan(id, viewer)}</div>`;
    },
  };
}

function hasOutput(step: Step): boolean {
  return step.startedAt !== null && !['wait', 'approve', 'verify', 'notify', 'runbook', 'parallel'].includes(step.type);
}

/** What people look for first: the output of what is at work or failed, and the last that there is. */
function isOpen(run: Run, step: Step): boolean {
  return ['running', 'failed', 'unknown'].includes(step.state) || run.steps.findLast(hasOutput) === step;
}

function renderHead(run: Run, viewer: Viewer): Html {
  const elapsed =
    run.startedAt !== null &&
    html`<span class="sub">${run.finishedAt === null ? 'for ' : 'took '}${showElapsed(run.startedAt, run.finishedAt, viewer)}</span>`;
  return html`<h1 class="page-title">${cutLine(run.title, 200)}</h1>
<p class="state-line run-${run.state}"><span class="badge state-badge">${stateText(run)}</span>${elapsed}${
    run.because !== null && html`<span class="because">${cutLine(run.because, 600)}</span>`
  }</p>
<dl class="fields"><div><dt>Runbook</dt><dd><a href="${`/runbooks/${encodeURIComponent(run.runbook)}`}">${run.runbook}</a></dd></div>
<div><dt>Asked for by</dt><dd>${run.requestedBy.replace(/^\w+:/, '')} (${run.trigger})</dd></div>
${run.reason !== null && html`<div><dt>Reason</dt><dd>${cutLine(run.reason, 500)}</dd></div>`}
<div><dt>Created</dt><dd>${showTime(run.createdAt, viewer)}</dd></div>
<div><dt>Decision</dt><dd>${run.decision.verdict}: ${cutLine(run.decision.because, 400)}${!run.decision.because.includes(run.decision.rule) && ` (rule “${run.decision.rule}”)`}</dd></div>
<div><dt>Plan</dt><dd><code>${shortHash(run.planHash)}</code></dd></div>
${Object.entries(run.params).map(([name, value]) => html`<div><dt>${cutLine(name, 80)}</dt><dd><code>${cutLine(typeof value === 'string' ? value : JSON.stringify(value), 500)}</code></dd></div>`)}</dl>`;
}

function renderSteps(run: Run, viewer: Viewer, outputs: ReadonlyMap<string, Html>): Html {
  if (run.steps.length === 0)
    return html`<p class="none">No step has started. A TypeScript runbook decides its steps as it goes.</p>`;
  const progress = renderProgress(
    {
      kind: 'progress',
      done: doneSteps(run),
      total: run.steps.length,
      startedAt: null,
      finishedAt: run.finishedAt,
      steps: [],
    },
    viewer,
  );
  return html`${progress}<ol class="step-list">${run.steps.map((step, index) => renderStep(run, step, index, viewer, outputs.get(step.id)))}</ol>`;
}

function renderStep(run: Run, step: Step, index: number, viewer: Viewer, output: Html | undefined): Html {
  const exit = step.exitCode !== null && html`<span class="sub">exit ${step.exitCode}</span>`;
  const tries = step.attempts > 1 && html`<span class="sub">attempt ${step.attempts}</span>`;
  const took =
    step.startedAt !== null && html`<span class="sub">${showElapsed(step.startedAt, step.finishedAt, viewer)}</span>`;
  const box =
    hasOutput(step) &&
    html`<details class="step-output" id="${domId('box', `${run.id}/${step.id}`)}" ${isOpen(run, step) && html`open`}><summary>Output of ${cutLine(step.title, 120)}</summary>
${renderOutputBox(run.id, step.id, output ?? nothing)}<p class="sub"><a href="${logPath(run.id, step.id)}">full log</a></p></details>`;
  return html`<li class="step-item state-${stateClass(stepWord(step, run))}" id="${domId('step', step.id)}"><p class="step-line"><span class="step-number">${index + 1}</span><span class="step-title">${cutLine(step.title, 200)}</span><span class="step-state badge">${stepWord(step, run)}</span>${took}${exit}${tries}</p>${
    step.because !== null && html`<p class="because">${cutLine(step.because, 600)}</p>`
  }${box}</li>`;
}

/** The plan as it runs, from what Details shows; the rest of that card stands above. */
async function renderPlan(id: string, viewer: Viewer): Promise<Html> {
  const plan = (await viewer.host.details('run', id))?.blocks.filter(block => block.kind === 'code') ?? [];
  if (plan.length > 0) return html`${plan.map(block => renderBlock(block, {}, viewer))}`;
  return html`<p class="none">A TypeScript runbook: its steps are known when they run. The plan's hash covers its code and the parameters.</p>`;
}

/** The buttons of the run's card, and what people are asked: the answer itself is given on the card of the question. */
async function renderActions(id: string, viewer: Viewer): Promise<Html> {
  const buttons = (await viewer.host.details('run', id))?.buttons.filter(button => button.does.kind === 'act') ?? [];
  const open = await viewer.host.store.approvals({ state: 'open', run: id });
  const asked = open.map(
    one =>
      html`<p class="asked"><b>It waits for an answer:</b> <a href="/approvals">${cutLine(one.title, 200)}</a></p>`,
  );
  return html`${asked}${renderButtons(buttons, 'run-actions', viewer)}<div class="slot" id="${domId('ans', 'run-actions')}" aria-live="polite" hx-morph-skip></div>`;
}
