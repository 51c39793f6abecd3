import { type Html, html } from '../../kernel/html.ts';

/** The styles that SGR codes have switched on, and an escape sequence that is incomplete until the next chunk. */
export interface AnsiState {
  fg: number | null;
  bg: number | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  /** At most `longestEscape` characters. */
  pending: string;
}

export const plain: AnsiState = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  pending: '',
};

const longestEscape = 64;

/** A part of a text in one style: its classes, '' for none. */
export interface AnsiSpan {
  text: string;
  names: string;
}

/**
 * Renders colours (SGR) as classes and drops every other control sequence, so output can neither overwrite earlier lines nor set a link or
 * a title. A lone carriage return becomes a line break, so the text that it would have overwritten stays readable.
 */
export function renderAnsi(text: string, before: AnsiState): { html: Html; after: AnsiState } {
  const { spans, after } = ansiSpans(text, before);
  return { html: html`${spans.map(renderSpan)}`, after };
}

export function ansiSpans(text: string, before: AnsiState): { spans: AnsiSpan[]; after: AnsiState } {
  const { ready, pending } = holdBack(before.pending + text);
  let state = { ...before, pending: '' };
  const spans: AnsiSpan[] = [];
  for (const token of ready.replace(/\r\n?/g, '\n').matchAll(tokens)) {
    const { plain: words, sgr } = token.groups ?? {};
    if (sgr !== undefined) state = applySgr(state, sgr);
    else if (words) spans.push({ text: words, names: classesOf(state) });
  }
  return { spans, after: { ...state, pending } };
}

/** The styles after a text, without rendering it. */
export function afterAnsi(text: string, before: AnsiState): AnsiState {
  if (!text.includes('\x1b')) return before;
  let state = before;
  for (const [, codes = ''] of text.matchAll(/\x1b\[([\d;:]*)m/g)) state = applySgr(state, codes);
  return state;
}

/** SGR, other CSI, OSC and the like up to their end, any other two-character escape, a lone ESC, or text. */
const tokens =
  /\x1b\[(?<sgr>[\d;:]*)m|\x1b\[[\x20-\x3f]*[\x40-\x7e]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\x20-\x7e]|\x1b|(?<plain>[^\x1b]+)/g;

/** Keeps back the beginning of a sequence, or a CR whose LF may follow, at the end of a chunk. */
function holdBack(text: string): { ready: string; pending: string } {
  if (text.endsWith('\r')) return { ready: text.slice(0, -1), pending: '\r' };
  const at = text.lastIndexOf('\x1b');
  const tail = at < 0 ? '' : text.slice(at);
  const open = /^\x1b(?:\[[\x20-\x3f]*|[\]PX^_][^\x07]*)?$/.test(tail) && tail.length <= longestEscape;
  return open ? { ready: text.slice(0, at), pending: tail } : { ready: text, pending: '' };
}

export function renderSpan({ text, names }: AnsiSpan): Html {
  return names === '' ? html`${text}` : html`<span class="${names}">${text}</span>`;
}

function classesOf(state: AnsiState): string {
  const [fg, bg] = state.inverse ? [state.bg ?? 'bg', state.fg ?? 'fg'] : [state.fg, state.bg];
  return [
    fg !== null && `t-f${fg}`,
    bg !== null && `t-b${bg}`,
    state.bold && 't-bold',
    state.dim && 't-dim',
    state.italic && 't-italic',
    state.underline && 't-under',
  ]
    .filter(Boolean)
    .join(' ');
}

function applySgr(state: AnsiState, codes: string): AnsiState {
  const list = codes === '' ? [0] : codes.split(/[;:]/).slice(0, 32).map(Number);
  let next = state;
  for (let i = 0; i < list.length; i++) {
    const code = list[i] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(list.slice(i + 1));
      next = code === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
      i += used;
    } else next = applyCode(next, code);
  }
  return next;
}

function applyCode(state: AnsiState, code: number): AnsiState {
  if (code === 0) return plain;
  if (code === 1) return { ...state, bold: true };
  if (code === 2) return { ...state, dim: true };
  if (code === 3) return { ...state, italic: true };
  if (code === 4) return { ...state, underline: true };
  if (code === 7) return { ...state, inverse: true };
  if (code === 22) return { ...state, bold: false, dim: false };
  if (code === 23) return { ...state, italic: false };
  if (code === 24) return { ...state, underline: false };
  if (code === 27) return { ...state, inverse: false };
  if (code >= 30 && code <= 37) return { ...state, fg: code - 30 };
  if (code === 39) return { ...state, fg: null };
  if (code >= 40 && code <= 47) return { ...state, bg: code - 40 };
  if (code === 49) return { ...state, bg: null };
  if (code >= 90 && code <= 97) return { ...state, fg: code - 82 };
  if (code >= 100 && code <= 107) return { ...state, bg: code - 92 };
  return state;
}

/** `5;n` and `2;r;g;b` as one of the sixteen colours that the style sheet has in both schemes, and how many numbers were read. */
function extended(rest: readonly number[]): [colour: number | null, used: number] {
  if (rest[0] === 5) return [indexed(rest[1] ?? 0), 2];
  if (rest[0] === 2) return [nearestColour(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4];
  return [null, 0];
}

function indexed(index: number): number | null {
  if (index < 16) return index;
  if (index > 231) return index < 244 ? 8 : null;
  const cube = index - 16;
  const level = (part: number) => part * 51;
  return nearestColour(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

/** Grey is the text's own colour: it must be readable on light and dark. */
function nearestColour(red: number, green: number, blue: number): number | null {
  const most = Math.max(red, green, blue);
  if (most - Math.min(red, green, blue) < 48) return null;
  const on = (part: number) => (part > most * 0.6 ? 1 : 0);
  return (on(red) | (on(green) << 1) | (on(blue) << 2)) + (most > 200 ? 8 : 0);
}
