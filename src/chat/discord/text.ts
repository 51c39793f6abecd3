import { cutHead, cutText, mixedWords, stripAnsi, visible, visibleLine } from '../../kernel/text.ts';
import { webUrl } from '../../kernel/web-url.ts';

/**
 * Encodes text for Discord. All texts of others pass one of these functions: invisible characters are written out; markup, mentions, links,
 * times and emoji become literal; a text that is too long is cut, with the number of missing characters.
 */

/** Special characters at any position: emphasis, code, spoilers, links, mentions, emoji, times, headings. */
const anywhere = /[\\`*_~|<>[\]()@#]/g;
/** A colon before slashes: without it no client sees an address in `https://evil.example`. */
const scheme = /:(?=\/)/g;
/** What makes a list at the beginning of a line. */
const lineStart = /^([ \t]*)(?:([-+])|(\d+)\.)/gm;

/** The text as it is read, without markup; at most `max` UTF-16 units with the escapes. */
export function escapeText(text: string, max: number): string {
  return shorten(visible(text), max, literal);
}

/** `escapeText` on one line. */
export function escapeLine(text: string, max: number): string {
  return shorten(visibleLine(text), max, literal);
}

function literal(text: string): string {
  return text
    .replace(anywhere, '\\$&')
    .replace(scheme, '\\:')
    .replace(lineStart, (_, space: string, bullet: string | undefined, number: string) =>
      bullet === undefined ? `${space}${number}\\.` : `${space}\\${bullet}`,
    );
}

/** Short text in a fixed pitch. Code cannot carry a backtick: such text is escaped instead. */
export function inlineCode(text: string, max: number): string {
  const shown = visibleLine(text);
  if (shown.trim() === '') return escapeLine(shown === '' ? '(empty)' : `"${shown}"`, max);
  return shown.includes('`') ? shorten(shown, max, literal) : shorten(shown, max, one => `\`${one}\``);
}

/** Lines in a fixed pitch. A fence inside would end the block: such text is escaped instead. */
export function codeBlock(text: string, max: number): string {
  const shown = visible(stripAnsi(text));
  return shown.includes('```') ? shorten(shown, max, literal) : shorten(shown, max, one => `\`\`\`\n${one}\n\`\`\``);
}

/** The same of a log: its end is what matters, so the beginning is cut. */
export function codeTail(text: string, max: number): string {
  const shown = visible(stripAnsi(text)).trimEnd();
  const whole = codeBlock(shown, Number.POSITIVE_INFINITY);
  if (whole.length <= max) return whole;
  const kept = longestThat(
    shown.length,
    count => codeBlock(cutHead(shown, count), Number.POSITIVE_INFINITY).length <= max,
  );
  return codeBlock(cutHead(shown, kept), max);
}

/** Words that mix letters of scripts that look alike, written out, for a note beside them; empty when there is none. */
export function mixedNote(text: string): string {
  const words = mixedWords(text);
  return words.length === 0 ? '' : ` (mixes scripts: ${words.map(word => literal(word)).join(', ')})`;
}

/** An address that Discord may link: http or https, without credentials; null for any other. */
export function safeUrl(url: string): string | null {
  // A parenthesis would end the link; spaces and quotes are escaped by the parser already.
  const href = webUrl(url)?.href.replaceAll('(', '%28').replaceAll(')', '%29') ?? null;
  return href !== null && href.length <= 512 ? href : null;
}

/** Cuts the text before escaping, so that the escaped text is at most `max` long and no escape is split. */
function shorten(text: string, max: number, write: (text: string) => string): string {
  const whole = write(text);
  if (whole.length <= max) return whole;
  const kept = longestThat(Math.min(text.length, max), count => write(cutText(text, count)).length <= max);
  return write(cutText(text, kept)).slice(0, Math.max(0, max));
}

function longestThat(most: number, holds: (count: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
