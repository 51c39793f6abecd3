import { type Html, html } from '../../../kernel/html.ts';
import { type AnsiSpan, type AnsiState, ansiSpans, plain, renderSpan } from '../ansi.ts';
import type { Viewer } from '../viewer.ts';
import type { LogLine } from './lines.ts';

/** How lines are shown. */
export interface LineView {
  step: string;
  /** Marked in each line where it occurs; null when nothing is looked for. */
  search: string | null;
  wrap: boolean;
  /** The line that the address names. */
  marked: number | null;
}

/** The query of an address of the log page. */
export function logQuery(view: LineView, more: Record<string, string | number> = {}): string {
  const given: [string, string][] = [['step', view.step]];
  if (view.search !== null) given.push(['q', view.search]);
  if (!view.wrap) given.push(['wrap', 'no']);
  return `?${new URLSearchParams([...given, ...Object.entries(more).map(([name, value]): [string, string] => [name, String(value)])])}`;
}

/** Lines as items of a list, each with its number as a permalink and its time. `ansi` are the styles that are on before the first. */
export function renderLines(lines: readonly LogLine[], ansi: AnsiState, view: LineView, viewer: Viewer): Html {
  let state = ansi;
  let attempt = lines[0]?.attempt ?? 1;
  const items: Html[] = [];
  for (const line of lines) {
    if (line.attempt !== attempt) {
      items.push(html`<li class="log-attempt">Attempt ${line.attempt}</li>`);
      state = plain;
    }
    attempt = line.attempt;
    const { spans, after } = ansiSpans(line.text, state);
    state = { ...after, pending: '' };
    items.push(renderLine(line, spans, view, viewer));
  }
  return html`${items}`;
}

function renderLine(line: LogLine, spans: readonly AnsiSpan[], view: LineView, viewer: Viewer): Html {
  const here = line.number === view.marked;
  const href = `${logQuery(view, { line: line.number })}#L${line.number}`;
  // Not in the order of Tab: what stands behind a thousand lines would be a thousand presses away. The field for a line leads there too.
  return html`<li class="${here ? 'log-line log-here' : 'log-line'}" id="${`L${line.number}`}" ${here && html`aria-current="true"`}><a class="log-number" href="${href}" tabindex="-1" aria-label="${`Line ${line.number}`}">${line.number}</a>${renderTime(line.at, viewer)}<span class="log-text">${markFound(spans, view.search)}</span></li>`;
}

/** The time of the day; the day is in the title. */
function renderTime(at: number | null, viewer: Viewer): Html {
  if (at === null) return html`<span class="log-time" title="Its time was not kept: it was not shown live">–</span>`;
  const day = clockOf(viewer.zone, 'day').format(at);
  return html`<time class="log-time" datetime="${new Date(at).toISOString()}" title="${`${day} ${viewer.zone}`}">${clockOf(viewer.zone, 'time').format(at)}</time>`;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string, of: 'day' | 'time'): Intl.DateTimeFormat {
  const key = `${of} ${zone}`;
  const shape: Intl.DateTimeFormatOptions =
    of === 'day'
      ? { dateStyle: 'medium' }
      : { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
  const found = clocks.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...shape, timeZone: zone });
  clocks.set(key, found);
  return found;
}

/** Where the text is found, whatever its case, as offsets; none where changing the case changes the length. */
export function findIn(text: string, search: string): number[] {
  const [low, wanted] = [text.toLowerCase(), search.toLowerCase()];
  const found: number[] = [];
  if (wanted === '') return found;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, at + wanted.length)) found.push(at);
  return found;
}

function markFound(spans: readonly AnsiSpan[], search: string | null): Html {
  const text = spans.map(span => span.text).join('');
  const found = search === null || text.toLowerCase().length !== text.length ? [] : findIn(text, search);
  if (found.length === 0 || search === null) return html`${spans.map(renderSpan)}`;
  const pieces: Html[] = [];
  let start = 0;
  for (const span of spans) {
    const end = start + span.text.length;
    let at = start;
    for (const from of found) {
      const [a, b] = [Math.max(from, start), Math.min(from + search.length, end)];
      if (a >= b) continue;
      pieces.push(renderSpan({ ...span, text: text.slice(at, a) }));
      pieces.push(html`<mark>${renderSpan({ ...span, text: text.slice(a, b) })}</mark>`);
      at = b;
    }
    pieces.push(renderSpan({ ...span, text: text.slice(at, end) }));
    start = end;
  }
  return html`${pieces}`;
}
