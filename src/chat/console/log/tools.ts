import { type Html, html } from '../../../kernel/html.ts';
import type { Run, Step } from '../../../model/run.ts';
import { hiddenFields, logPath, runPath, type Viewer } from '../viewer.ts';
import type { StepLog } from './book.ts';
import type { Lines } from './lines.ts';
import { type LineView, logQuery, renderLines } from './render.ts';
import { nearFound, searchLines } from './search.ts';

export const linesPerPage = 1000;

/** How many lines a search lists at a time. */
const resultsPerPage = 200;

export const number = (value: number) => value.toLocaleString('en-GB');

interface Range {
  from: number;
  to: number;
  /** It is the end of the log, which grows. */
  follows: boolean;
}

/** Search, the way to a line, wrapping and download; with a range of lines also the way to the other ones. */
export function renderToolbar(run: Run, step: Step, log: StepLog, view: LineView, range: Range | null): Html {
  const path = logPath(run.id);
  const kept = { step: step.id, ...(view.wrap ? {} : { wrap: 'no' }) };
  const wrap = logQuery({ ...view, wrap: !view.wrap }, view.marked === null ? {} : { line: view.marked });
  const save = `${runPath(run.id)}/output?${new URLSearchParams({ step: step.id, save: 'yes' })}`;
  return html`<div class="log-tools">
<form method="get" action="${path}" role="search" class="log-form">${hiddenFields(kept)}<label for="log-q">Search</label><input id="log-q" name="q" type="search" maxlength="200" value="${view.search ?? ''}" autocomplete="off" autocapitalize="none" spellcheck="false"><button class="button plain small">Search</button></form>
<form method="get" action="${path}" class="log-form">${hiddenFields({ ...kept, ...(view.search === null ? {} : { q: view.search }) })}<label for="log-line">Line</label><input id="log-line" name="line" inputmode="numeric" pattern="[0-9]*" maxlength="9" size="7" value="${view.marked ?? ''}" autocomplete="off"><button class="button plain small">Go</button></form>
<p class="log-links"><a class="button plain small" href="${`${path}${wrap}`}">${view.wrap ? 'Do not wrap lines' : 'Wrap lines'}</a> <a class="button plain small" href="${save}" download>Download</a> <a class="button plain small" href="${`${runPath(run.id)}/output?step=${encodeURIComponent(step.id)}`}">Plain text</a></p>
${range !== null && renderRange(log, path, view, range)}</div>`;
}

function renderRange(log: StepLog, path: string, view: LineView, { from, to, follows }: Range): Html {
  const count = log.lines.count();
  const still = { ...view, search: null };
  const link = (label: string, first: number, on: boolean) =>
    on
      ? html`<a class="button plain small" href="${`${path}${logQuery(still, { from: first })}`}">${label}</a>`
      : html`<span class="button plain small off" aria-hidden="true">${label}</span>`;
  const matches =
    view.search === null || view.marked === null ? null : renderMatches(log.lines, path, view, view.marked);
  return html`<nav class="log-range" aria-label="Lines"><span>${follows ? `From line ${number(from)} to the end` : `Lines ${number(from)} to ${number(to)} of ${number(count)}`}</span>
${link('First', 1, from > 1)}${link('Earlier', Math.max(1, from - linesPerPage), from > 1)}${link('Later', to + 1, to < count)}${
  to < count && html`<a class="button plain small" href="${`${path}${logQuery(still)}`}">Last</a>`
}${matches}</nav>`;
}

/** From one place where the text was found to the next. */
function renderMatches(lines: Lines, path: string, view: LineView, line: number): Html {
  const to = (label: string, found: number | null) =>
    found !== null &&
    html`<a class="button plain small" href="${`${path}${logQuery(view, { line: found })}#L${found}`}">${label}</a>`;
  const search = view.search ?? '';
  return html`${to('Match before', nearFound(lines, search, line, 'previous'))}${to('Next match', nearFound(lines, search, line, 'next'))}<a class="button plain small" href="${`${path}${logQuery(view)}`}">All matches</a>`;
}

/** The lines in which a text stands; the number of each leads to its place. */
export async function renderResults(lines: Lines, from: number, view: LineView, viewer: Viewer): Promise<Html> {
  const search = view.search ?? '';
  const found = await searchLines(lines, search, from, resultsPerPage);
  const back = html`<a class="button plain small" href="${logQuery({ ...view, search: null })}">Show all lines</a>`;
  if (found.total === 0)
    return html`<p class="none" role="status">No line has “${search}”. ${number(lines.count())} lines were searched. ${back}</p>`;
  const last = found.lines.at(-1)?.number ?? from;
  const more =
    found.before + found.lines.length < found.total &&
    html`<p class="more"><a class="button plain" href="${logQuery(view, { from: last + 1 })}">Further matches</a></p>`;
  const shown =
    found.lines.length === found.total
      ? ''
      : `, of which ${number(found.before + 1)} to ${number(found.before + found.lines.length)} are shown`;
  const items = found.lines.map(line => lines.read(line.number, line.number));
  return html`<p role="status" class="log-found">${found.total === 1 ? '1 line has' : `${number(found.total)} lines have`} “${search}”${shown}. ${back}</p>
<div class="${view.wrap ? 'scroll log-scroll' : 'scroll log-scroll log-nowrap'}" tabindex="0" role="group" aria-label="Matches" data-follow="no"><ol class="log-lines">${items.map(one => renderLines(one.lines, one.ansi, view, viewer))}</ol></div>${more}`;
}
