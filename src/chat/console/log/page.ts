import { z } from 'zod';
import { TocsinError } from '../../../kernel/errors.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { digits } from '../../../kernel/number.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Run, type Step, stepWord } from '../../../model/run.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { stateClass } from '../cards.ts';
import type { LivePage } from '../pages/page.ts';
import { findThread } from '../pages/threads.ts';
import { logPath, runPath, showElapsed, threadPath, type Viewer } from '../viewer.ts';
import { logBookOf, type StepLog } from './book.ts';
import { type LineView, renderLines } from './render.ts';
import { createTail } from './tail.ts';
import { linesPerPage, number, renderResults, renderToolbar } from './tools.ts';

const place = digits(z.int().min(1)).optional().catch(undefined);

export const logPageQuery = z.object({
  step: z.string().max(200).optional().catch(undefined),
  /** The line to show, with those around it. */
  line: place,
  /** The first line of the page; of a search the first that is listed. */
  from: place,
  q: z.string().trim().max(200).catch(''),
  wrap: z.enum(['yes', 'no']).catch('yes'),
});
type Query = z.infer<typeof logPageQuery>;

/** What one step of a run printed, line by line. Where there is nothing to show, the page says why, and leads on. */
export async function logPage(host: ChatHost, id: string, query: Query): Promise<LivePage> {
  const run = await host.store.run(id);
  if (run === null) return unknownRun(id);
  const step = chooseStep(run, query.step);
  const view: LineView = {
    step: step?.id ?? query.step ?? '',
    search: query.q === '' ? null : query.q,
    wrap: query.wrap === 'yes',
    marked: query.line ?? null,
  };
  const read = async () => (await host.store.run(id)) ?? run;
  const follows = step !== null && query.line === undefined && query.from === undefined && query.q === '';
  return {
    title: `Log of ${run.title}`,
    here: '/runs',
    regions: [{ id: 'log-head', render: async viewer => renderHead(host, await read(), view, viewer) }],
    list: null,
    boxes: async () => [],
    tail: follows ? createTail(host, id, view) : null,
    async render(viewer) {
      const now = await read();
      const thread = await findThread(host, now);
      return html`<p class="crumb"><a href="/runs">Runs</a> · <a href="${runPath(id)}">The run</a>${thread !== null && html` · <a href="${threadPath(thread)}">Thread</a>`}</p>
<h1 class="page-title">Log of ${cutLine(now.title, 200)}</h1>
<div id="log-head">${await renderHead(host, now, view, viewer)}</div>
${await renderBody(host, now, query, view, viewer)}`;
    },
  };
}

function unknownRun(id: string): LivePage {
  return {
    title: 'No such run',
    here: '/runs',
    status: 404,
    regions: [],
    list: null,
    boxes: async () => [],
    render: async () =>
      html`<p class="crumb"><a href="/runs">Runs</a></p><h1 class="page-title">No log</h1>${renderAbsent(html`There is no run <code>${cutLine(id, 80)}</code>, so it has no log. Its address may have been cut.`, html`<a class="button plain" href="/runs">All runs</a> <a class="button plain" href="/journal">The journal</a>`)}`,
  };
}

/** The place of a log that cannot be shown. */
function renderAbsent(because: Html, on: Html): Html {
  return html`<section class="card log-absent" aria-label="No log"><p class="text">${because}</p><p class="links">${on}</p></section>`;
}

/** The step that the address names; without one the step that people look for: at work, failed, else the last that began. */
function chooseStep(run: Run, named: string | undefined): Step | null {
  if (named !== undefined) return run.steps.find(step => step.id === named) ?? null;
  const begun = run.steps.filter(step => step.startedAt !== null);
  const states = ['running', 'unknown', 'failed'];
  const wanted = states.flatMap(state => begun.find(step => step.state === state) ?? []);
  return wanted[0] ?? begun.findLast(step => printers.has(step.type)) ?? begun.at(-1) ?? run.steps[0] ?? null;
}

const printers = new Set(['exec', 'script', 'http']);

/** The steps of the run with their states: the one that is shown with its count of lines, and links to the logs of the others. */
async function renderHead(host: ChatHost, run: Run, view: LineView, viewer: Viewer): Promise<Html> {
  const here = run.steps.find(step => step.id === view.step);
  const log = here === undefined ? null : await readOrReason(host, run, here);
  const count = log === null || 'because' in log ? 0 : log.lines.count();
  const told =
    here !== undefined &&
    here.startedAt !== null &&
    html`<p class="log-told"><span class="sub">${showElapsed(here.startedAt, here.finishedAt, viewer)}</span>${count > 0 && html` · <span>${number(count)} ${count === 1 ? 'line' : 'lines'}${here.state === 'running' && ' so far'}</span>`}</p>`;
  return html`<nav class="log-steps" aria-label="Steps"><ol>${run.steps.slice(0, 200).map(step => {
    const name = html`${cutLine(step.title || step.id, 80)} <span class="badge state-badge">${stepWord(step, run)}</span>`;
    const leads = html`<a href="${logPath(run.id, step.id)}" ${step === here && html`aria-current="page"`}>${name}</a>`;
    return html`<li class="state-${stateClass(stepWord(step, run))}">${step.startedAt === null ? html`<span class="hint">${name}</span>` : leads}</li>`;
  })}</ol></nav>${told}`;
}

async function renderBody(host: ChatHost, run: Run, query: Query, view: LineView, viewer: Viewer): Promise<Html> {
  const step = run.steps.find(one => one.id === view.step) ?? null;
  const toRun = html`<a class="button plain" href="${runPath(run.id)}">Open the run</a>`;
  if (step === null) {
    const because =
      view.step === ''
        ? html`No step of this run has started.`
        : html`This run has no step <code>${cutLine(view.step, 80)}</code>.`;
    return renderAbsent(because, toRun);
  }
  const absent = await readOrReason(host, run, step);
  if ('because' in absent) {
    const journal = html`<a class="button plain" href="/journal">The journal</a>`;
    // Lines that come while the page is open find their place.
    return html`<div id="log-absent">${renderAbsent(html`${absent.because}`, html`${toRun} ${journal}`)}</div>${renderBox(html``, 'end', view)}`;
  }
  return renderLog(run, step, absent, query, view, viewer);
}

/** The log, or why there is none. */
async function readOrReason(host: ChatHost, run: Run, step: Step): Promise<StepLog | { because: string }> {
  try {
    const log = await logBookOf(host).read(run, step);
    if (log.lines.count() > 0) return log;
    return { because: reasonFor(run, step, log) };
  } catch (error) {
    if (!(error instanceof TocsinError) || error.code !== 'journal-broken') throw error;
    return { because: `The stored log is not the one that the journal names, so it is not shown. ${error.message}` };
  }
}

function reasonFor(run: Run, step: Step, log: StepLog): string {
  if (log.state === 'gone')
    return 'It printed a log, which was deleted when its time was over. What the journal says of it is kept.';
  if (step.startedAt === null) {
    const over = run.finishedAt !== null;
    return over
      ? `This step was never reached: the run is ${run.state}.`
      : 'This step has not started yet. What it prints appears here.';
  }
  if (step.state === 'running') return 'It has printed nothing yet. What it prints appears here.';
  return 'This step printed nothing.';
}

async function renderLog(
  run: Run,
  step: Step,
  log: StepLog,
  query: Query,
  view: LineView,
  viewer: Viewer,
): Promise<Html> {
  const { lines } = log;
  if (view.search !== null && query.line === undefined)
    return html`${renderToolbar(run, step, log, view, null)}${await renderResults(lines, query.from ?? 1, view, viewer)}`;
  const { from, to } = rangeOf(lines.count(), query);
  const part = lines.read(from, to);
  // A range that was asked for begins at its top; the page without one begins at the end, and follows it.
  const start = query.line === undefined && query.from === undefined ? 'end' : 'no';
  const tools = renderToolbar(run, step, log, view, { from, to, follows: start === 'end' });
  return html`${tools}<div id="log-absent"></div>${renderBox(renderLines(part.lines, part.ansi, view, viewer), start, view)}`;
}

function renderBox(lines: Html, follow: 'end' | 'no', view: LineView): Html {
  return html`<div class="follow"><div class="${view.wrap ? 'scroll log-scroll' : 'scroll log-scroll log-nowrap'}" tabindex="0" role="log" aria-live="off" aria-label="Lines" data-follow="${follow}"><ol class="log-lines" id="log-lines">${lines}</ol></div><button type="button" class="button plain small jump" hidden>Jump to the end</button></div>`;
}

/** The lines of a page: around the line that is asked for, from a line on, or the last ones. */
function rangeOf(count: number, query: Query): { from: number; to: number } {
  const half = Math.floor(linesPerPage / 2);
  const wanted = query.line !== undefined ? query.line - half : (query.from ?? count - linesPerPage + 1);
  const from = Math.max(1, Math.min(wanted, count));
  return { from, to: Math.min(count, from + linesPerPage - 1) };
}
