import { showDuration } from '../../../kernel/duration.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { ScheduledJob, TickView } from '../../../ports/overview.ts';
import { runbookPath, runPath, showAgo, showDayIn, showIn, showTime, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';
import { stateText } from './runs.ts';

/** What ticks: each job of a schedule source, its next ticks in its own zone and in the reader's, and what came of the last. */
export function schedulesPage(host: ChatHost): LivePage {
  const rows = async (viewer: Viewer) => {
    const jobs = await host.overview.schedules();
    if (jobs.length === 0)
      return html`<p class="none">Nothing is scheduled. A source of type <code>schedule</code> in tocsin.yaml names jobs, and runbooks take their ticks.</p>`;
    const items: Html[] = [];
    for (const job of jobs) items.push(await renderJob(job, viewer));
    return html`<div class="stack">${items}</div>`;
  };
  return {
    title: 'Schedules',
    here: '/schedules',
    regions: [{ id: 'schedule-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer =>
      html`<h1 class="page-title">Schedules</h1><div id="schedule-rows">${await rows(viewer)}</div>`,
  };
}

async function renderJob(job: ScheduledJob, viewer: Viewer): Promise<Html> {
  const { source, title, cron, timezone, missed, labels, runbooks, next } = job;
  const [soonest] = next;
  const takers =
    runbooks.length === 0
      ? html`<span class="unproven">no runbook takes its tick</span>`
      : html`${runbooks.map((id, index) => html`${index > 0 && ', '}<a href="${runbookPath(id)}">${id}</a>`)}`;
  return html`<section class="card" aria-label="${`Schedule ${job.job}`}"><h2 class="card-title">${cutLine(title ?? job.job, 160)}</h2>
<p class="state-line"><code>${cron}</code><span class="sub">in ${timezone}</span><span class="badge">${source}/${job.job}</span>${missed === 'once' && html`<span class="badge">makes up for missed ticks</span>`}</p>
<p>Next ${soonest === undefined ? html`<b>never</b>` : html`<b>${showIn(soonest, viewer)}</b>`} · runs ${takers}</p>
${next.length > 0 && renderNext(job, viewer)}
${Object.keys(labels).length > 0 && html`<p class="sub">${Object.entries(labels).map(([name, value]) => html`<code>${name}=${cutLine(value, 120)}</code> `)}</p>`}
${await renderLast(job, viewer)}</section>`;
}

/** A time at which clocks differ is easily misread, so that both stand beside each other. */
function renderNext({ job, next, timezone }: ScheduledJob, viewer: Viewer): Html {
  const same = timezone === viewer.zone;
  return html`<div class="before-after"><table><caption class="hush">Next ticks of ${job}</caption><thead><tr><th scope="col">${timezone}</th>${!same && html`<th scope="col">${viewer.zone}</th>`}</tr></thead><tbody>${next.map(
    at => html`<tr><td>${showDayIn(at, timezone)}</td>${!same && html`<td>${showDayIn(at, viewer.zone)}</td>`}</tr>`,
  )}</tbody></table></div>`;
}

async function renderLast({ last, due }: ScheduledJob, viewer: Viewer): Promise<Html> {
  if (last === null)
    return html`<p class="sub">${
      due === null
        ? 'It was not due in the last month.'
        : html`No tick was made the last times it was due, ${showTime(due, viewer)} the newest: no node ran then, or the job is newer.`
    }</p>`;
  const late =
    due !== null &&
    due > last.at &&
    html` <span class="unproven">It was due again ${showAgo(due, viewer)}, and no tick was made.</span>`;
  return html`<p>Last tick ${showTime(last.at, viewer)} (${showAgo(last.at, viewer)}): ${await renderOutcome(last, viewer)}${late}</p>`;
}

/** What came of a tick: its runs with their states, or the decisions against them. */
async function renderOutcome({ runs, refused }: TickView, viewer: Viewer): Promise<Html> {
  const found = (await Promise.all(runs.map(id => viewer.host.store.run(id)))).filter(run => run !== null);
  if (found.length === 0 && refused.length === 0) return html`nothing came of it.`;
  return html`${found.map(
    run =>
      html`<span class="run-${run.state}"><a href="${runPath(run.id)}">${run.runbook}</a> <span class="badge state-badge">${stateText(run)}</span>${run.startedAt !== null && run.finishedAt !== null && html` <span class="sub">took ${showDuration(run.finishedAt - run.startedAt)}</span>`}</span> `,
  )}${refused.map(
    one =>
      html`<span class="run-denied"><a href="${runbookPath(one.runbook)}">${one.runbook}</a> <span class="badge">${one.verdict}</span> <span class="sub">${cutLine(one.because, 200)}</span></span> `,
  )}`;
}
