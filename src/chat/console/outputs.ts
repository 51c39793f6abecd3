import { type Html, html } from '../../kernel/html.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Store } from '../../ports/store.ts';
import { type AnsiState, plain, renderAnsi } from './ansi.ts';
import { logBookOf } from './log/book.ts';

/** How many characters of one step's output a page holds; the full log is a link away. */
export const mostShown = 64 * 1024;

/** How many lines of a stored log are read for its end. */
const mostLines = 1000;

/** How many chunks before the last one are read for the tail. */
const tailChunks = 1000;

export interface Tail {
  text: string;
  /** True when there is more before it. */
  cut: boolean;
  /** The last chunk that is in it; 0 when there is none. */
  seq: number;
}

/** The end of a step's output. Costs about thirty small reads however long the output is. */
export async function readTail(store: Store, run: string, step: string): Promise<Tail> {
  const last = await lastSeq(store, run, step);
  const start = Math.max(0, last - tailChunks);
  let tail: Tail = { text: '', cut: start > 0, seq: start };
  for (;;) {
    const chunks = await store.output({ run, step, after: tail.seq, limit: 250 });
    const end = chunks.at(-1);
    if (end === undefined) return tail;
    const text = tail.text + chunks.map(chunk => chunk.text).join('');
    const over = text.length > mostShown;
    tail = { text: over ? fromLineStart(text.slice(-mostShown)) : text, cut: tail.cut || over, seq: end.seq };
  }
}

/** The greatest sequence number of the step, by exponential and then binary search. */
async function lastSeq(store: Store, run: string, step: string): Promise<number> {
  const firstAfter = async (after: number) => (await store.output({ run, step, after, limit: 1 }))[0]?.seq ?? null;
  let known = await firstAfter(0);
  if (known === null) return 0;
  let beyond = Math.max(64, known * 2);
  for (let next = await firstAfter(beyond); next !== null; next = await firstAfter(beyond)) {
    known = next;
    beyond = next * 2;
  }
  while (known < beyond) {
    const middle = Math.floor((known + beyond) / 2);
    const next = await firstAfter(middle);
    if (next === null) beyond = middle;
    else known = next;
  }
  return known;
}

/** Starts a cut text at a line start, so that it begins in the middle of neither a line nor an escape sequence. */
function fromLineStart(text: string): string {
  const at = text.indexOf('\n');
  return at < 0 || at > 4096 ? text : text.slice(at + 1);
}

export function renderTail(tail: Tail): { html: Html; ansi: AnsiState } {
  const { html: body, ansi } = renderPart(tail.text, plain);
  const note = tail.cut && html`<span class="cut">… earlier output is in the full log\n</span>`;
  return { html: html`${note}${body}`, ansi };
}

/** A part that came together: the page's script drops the earliest when a page holds too many. */
export function renderPart(text: string, before: AnsiState): { html: Html; ansi: AnsiState } {
  const { html: body, after } = renderAnsi(text, before);
  return { html: html`<span class="part">${body}</span>`, ansi: after };
}

/**
 * The output that a new page shows: from the store's chunks; from the stored log where there are no chunks, or where they were written by a
 * build that left the end of a long output out of them; else the card's own tail.
 */
export async function renderOutputNow(host: ChatHost, run: string, step: string, fallback: string): Promise<Html> {
  const tail = await readEnd(host, run, step);
  return tail.text === '' ? renderAnsi(fallback, plain).html : renderTail(tail).html;
}

export async function readEnd(host: ChatHost, run: string, step: string): Promise<Tail> {
  const tail = await readTail(host.store, run, step);
  const sampled = tail.text.lastIndexOf(' bytes not shown live …]\n') > tail.text.lastIndexOf('[… the last lines …]\n');
  if (tail.seq > 0 && !sampled) return tail;
  const kept = await readKept(host, run, step);
  return kept === null ? tail : { ...kept, seq: tail.seq };
}

/** The end of the stored log; null while the step is at work, and when it is stored no more. */
async function readKept(host: ChatHost, id: string, name: string): Promise<Omit<Tail, 'seq'> | null> {
  const run = await host.store.run(id);
  const step = run?.steps.find(one => one.id === name);
  if (run === null || step === undefined || step.finishedAt === null) return null;
  const log = await logBookOf(host)
    .read(run, step)
    .catch(() => null);
  const count = log?.lines.count() ?? 0;
  if (log === null || count === 0) return null;
  const first = Math.max(1, count - mostLines + 1);
  const text = log.lines
    .read(first, count)
    .lines.map(line => `${line.text}\n`)
    .join('');
  const over = text.length > mostShown;
  return { text: over ? fromLineStart(text.slice(-mostShown)) : text, cut: over || first > 1 };
}
