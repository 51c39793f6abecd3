import { z } from 'zod';
import { showDuration } from '../../../kernel/duration.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { wholeNumber } from '../../../kernel/number.ts';
import { cutLine } from '../../../kernel/text.ts';
import {
  type RunsReport,
  reportOf,
  type StatisticsReport,
  type Summary,
  type Times,
} from '../../../model/statistics/report.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { LivePage } from './page.ts';

export const statisticsQuery = z.object({ weeks: z.enum(['1', '4', '8', '26', '52']).catch('8') });

const spans = [
  ['1', 'This week'],
  ['4', '4 weeks'],
  ['8', '8 weeks'],
  ['26', 'Half a year'],
  ['52', 'A year'],
] as const;

/** How many rows of a list are shown; CSV and JSON have all. */
const mostRows = 15;

/** What the journal counts: how fast people and runbooks are, what does not help, who is asked how often and when. */
export function statisticsPage(host: ChatHost, query: z.infer<typeof statisticsQuery>): LivePage {
  const weeks = wholeNumber(query.weeks) ?? 8;
  const figures = async () => {
    const report = reportOf(await host.store.documents('week', { limit: weeks }));
    return report.from === null ? html`<p class="none">Nothing is counted yet.</p>` : renderReport(report);
  };
  const csv = `/console/statistics.csv?weeks=${weeks}`;
  return {
    title: 'Statistics',
    here: '/statistics',
    regions: [{ id: 'figures', render: figures }],
    list: null,
    boxes: async () => [],
    render: async () => html`<h1 class="page-title">Statistics</h1>
<nav class="tabs" aria-label="Time">${spans.map(([value, label]) => html`<a href="${`/statistics?weeks=${value}`}" ${value === query.weeks && html`aria-current="true"`}>${label}</a>`)}</nav>
<p class="sub"><a href="${csv}">CSV</a> · <a href="${`/console/statistics.json?weeks=${weeks}`}">JSON</a></p>
<div id="figures">${await figures()}</div>`,
  };
}

function renderReport(report: StatisticsReport): Html {
  const { total } = report;
  return html`${renderTotal(total)}
<h2>By week</h2>${renderWeeks(report)}
<h2>By hour of the week</h2>${renderHours(report)}
<h2>Runbooks</h2>${renderRuns('Runbook', report.runbooks)}
<h2>Rules of policy</h2>${renderRuns('Rule', report.rules)}
<h2>Services</h2>${renderRuns('Service', report.services)}
<h2>Who is asked</h2>${renderAsked(report)}
<h2>Noisiest alerts</h2>${renderTable(
    ['Alert', 'Source', 'Episodes', 'Deliveries'],
    report.noisiest.map(one => [one.name, one.source, String(one.opened), String(one.delivered)]),
  )}`;
}

function renderTotal({ runs, ...total }: Summary): Html {
  const facts: [string, string][] = [
    ['Alerts', `${total.opened}${total.endedUntold > 0 ? `, ${total.endedUntold} of them ended untold` : ''}`],
    ['Time to acknowledge (MTTA)', timeText(total.timeToAcknowledge)],
    ['Time to restore (MTTR)', timeText(total.timeToRestore)],
    ['With a runbook', timeText(total.timeToRestoreWithRunbook)],
    ['Without one', timeText(total.timeToRestoreWithoutRunbook)],
    [
      'Fixed by runbooks',
      `${runs.remediated}, without people ${runs.withoutPeople} (${shareText(runs.withoutPeopleShare)})`,
    ],
    ['Did not help', `${runs.ineffective} of ${runs.ran} runs (${shareText(runs.ineffectiveShare)})`],
    ['Time to decision', timeText(total.timeToDecision)],
    ['Questions', `${total.approved} approved, ${total.denied} denied, ${total.expired} expired, ${total.void} void`],
  ];
  return html`<dl class="fields wide">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function renderWeeks({ weeks }: StatisticsReport): Html {
  const rows = [...weeks]
    .reverse()
    .map(week => [
      dayText(week.from, week.zone),
      String(week.opened),
      meanText(week.timeToAcknowledge),
      meanText(week.timeToRestoreWithRunbook),
      meanText(week.timeToRestoreWithoutRunbook),
      shareText(week.runs.withoutPeopleShare),
      shareText(week.runs.ineffectiveShare),
    ]);
  const heads = ['From', 'Alerts', 'MTTA', 'MTTR, runbook', 'MTTR, none', 'No people', 'No help'];
  return renderTable(heads, rows, rows.length);
}

function renderRuns(what: string, list: readonly (RunsReport & { name: string })[]): Html {
  const rows = list.map(one => [
    one.name,
    String(one.ran),
    String(one.succeeded),
    String(one.failed),
    `${one.ineffective} (${shareText(one.ineffectiveShare)})`,
    `${one.withoutPeople} of ${one.remediated}`,
  ]);
  return renderTable([what, 'Ran', 'Succeeded', 'Failed', 'Did not help', 'Fixed without people'], rows);
}

function renderAsked({ asked, voters }: StatisticsReport): Html {
  const questions = asked.map(one => [one.name, String(one.asked), String(one.atNight)]);
  const votes = voters.map(one => [
    one.name,
    String(one.approved),
    String(one.denied),
    String(one.atNight),
    one.timeToVote.median === null ? '–' : `about ${showDuration(one.timeToVote.median)}`,
  ]);
  return html`${renderTable(['Asked', 'Questions', 'Between 22:00 and 06:00'], questions)}
${renderTable(['Voted', 'Approved', 'Denied', 'Between 22:00 and 06:00', 'Median time to vote'], votes)}`;
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** One row for each day; a cell says how many alerts opened, and its ground how that compares with the busiest hour. */
function renderHours({ hours }: StatisticsReport): Html {
  const busiest = Math.max(1, ...hours.map(one => one.opened));
  const cell = (weekday: number, hour: number) => {
    const one = hours.find(found => found.weekday === weekday && found.hour === hour);
    if (one === undefined) return html`<td></td>`;
    const heat = one.opened === 0 ? 0 : Math.ceil((4 * one.opened) / busiest);
    const more = `${one.opened} alerts, ${one.ran} runs, ${one.ineffective} did not help, ${one.asked} questions`;
    return html`<td class="${`heat heat-${heat}`}" title="${more}">${one.opened}</td>`;
  };
  const all = Array.from({ length: 24 }, (_, hour) => hour);
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Alerts by hour of the week"><table class="hours"><caption>Alerts that opened, by the hour of the deployment's zone</caption>
<thead><tr><th scope="col">Day</th>${all.map(hour => html`<th scope="col">${String(hour).padStart(2, '0')}</th>`)}</tr></thead>
<tbody>${weekdays.map((name, index) => html`<tr><th scope="row">${name}</th>${all.map(hour => cell(index + 1, hour))}</tr>`)}</tbody></table></div>`;
}

function renderTable(heads: readonly string[], rows: readonly (readonly (string | Html)[])[], most = mostRows): Html {
  if (rows.length === 0) return html`<p class="none">None.</p>`;
  const shown = rows.slice(0, most);
  const left = rows.length - shown.length;
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label="${heads[0] ?? ''}"><table class="figures"><thead><tr>${heads.map(head => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${shown.map(row => html`<tr>${row.map((one, index) => (index === 0 ? html`<th scope="row">${showCell(one)}</th>` : html`<td>${showCell(one)}</td>`))}</tr>`)}</tbody></table></div>${left > 0 && html`<p class="sub">and ${left} more, in the CSV</p>`}`;
}

function showCell(value: string | Html): Html {
  return typeof value === 'string' ? html`${cutLine(value, 120)}` : value;
}

function timeText({ count, mean, median, p90 }: Times): string {
  if (mean === null || median === null || p90 === null) return 'none yet';
  return `mean ${showDuration(mean)}, median about ${showDuration(median)}, 9 of 10 within about ${showDuration(p90)} (${count})`;
}

function meanText({ mean }: Times): string {
  return mean === null ? '–' : showDuration(mean);
}

/** The day by the wall clock by which the week is counted. */
function dayText(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' }).format(
    at,
  );
}

function shareText(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}
