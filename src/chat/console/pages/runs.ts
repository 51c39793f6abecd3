import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Run, type RunState, runState } from '../../../model/run.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { runPath, showAgo, showElapsed, type Viewer } from '../viewer.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

const groups: Record<string, readonly RunState[] | null> = {
  all: null,
  open: ['waiting', 'queued', 'running', 'asking'],
  trouble: ['asking', 'failed', 'ineffective', 'unconfirmed'],
};

export const runsQuery = z.object({
  show: z.union([z.enum(['all', 'open', 'trouble']), runState]).catch('all'),
  runbook: z.string().max(63).optional().catch(undefined),
  after: afterId,
});

const perPage = 100;

/** The newest runs, by state. */
export function runsPage(host: ChatHost, query: z.infer<typeof runsQuery>): LivePage {
  const states = query.show in groups ? groups[query.show] : [runState.parse(query.show)];
  const rows = async (viewer: Viewer) => {
    const runs = await host.store.runs({
      limit: perPage,
      ...(query.after === undefined ? {} : { after: query.after }),
      ...(states ? { states } : {}),
      ...(query.runbook === undefined ? {} : { runbook: query.runbook }),
    });
    const older = renderOlder('/runs', query, runs, perPage);
    return runs.length === 0 ? html`<p class="none">No runs here.</p>` : html`${renderRuns(runs, viewer)}${older}`;
  };
  return {
    title: 'Runs',
    here: '/runs',
    regions: [{ id: 'run-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Runs</h1>
<nav class="tabs" aria-label="Filter">${Object.keys(groups).map(
      name =>
        html`<a href="/runs?show=${name}" ${name === query.show && html`aria-current="true"`}>${tabName(name)}</a>`,
    )}</nav>
<div id="run-rows">${await rows(viewer)}</div>`,
  };
}

function tabName(name: string): string {
  return name === 'trouble' ? 'Need attention' : name === 'open' ? 'Open' : 'All';
}

export function renderRuns(runs: readonly Run[], viewer: Viewer): Html {
  return html`<ul class="rows">${runs.map(run => renderRow(run, viewer))}</ul>`;
}

function renderRow(run: Run, viewer: Viewer): Html {
  const targets =
    run.targets.length > 0 &&
    html`<span class="row-sub">on <code>${cutLine(run.targets.join(', '), 120)}</code></span>`;
  return html`<li class="row run-${run.state}"><a class="row-main" href="${runPath(run.id)}"><span class="row-title">${cutLine(run.title, 160)}</span> ${targets}</a>
<span class="badge state-badge">${stateText(run)}</span>
<span class="row-sub">${run.requestedBy.replace(/^(?:person|source):/, '')} · ${showAgo(run.createdAt, viewer)}${
    run.startedAt !== null &&
    html` · ${run.finishedAt === null ? 'for ' : 'took '}${showElapsed(run.startedAt, run.finishedAt, viewer)}`
  }</span>${run.because !== null && html`<span class="row-why">${cutLine(run.because, 240)}</span>`}</li>`;
}

/** `running, step 2 of 5`, `waiting for approval`, `succeeded`. */
export function stateText(run: Run): string {
  if (run.state === 'waiting' && run.startedAt === null) return 'waiting for approval';
  if (run.state !== 'running' || run.steps.length === 0) return run.state;
  return `running, step ${Math.min(doneSteps(run) + 1, run.steps.length)} of ${run.steps.length}`;
}

export function doneSteps(run: Run): number {
  return run.steps.filter(step => step.state === 'done' || step.state === 'skipped' || step.state === 'undone').length;
}
