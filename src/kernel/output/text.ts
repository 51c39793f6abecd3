import { keepColours, stripAnsi, visible } from '../text.ts';

/** Bytes of one stream as text that is safe to store and show, complete lines at a time. */
export interface LogText {
  push(bytes: Uint8Array, now: number): string;
  flush(): string;
}

/** Characters after which a line is broken, because neither people nor pages can do anything with longer ones. */
const longestLine = 16 * 1024;
/** Milliseconds between two states of a progress bar that are shown as lines. */
const progressEvery = 2000;

/**
 * Valid Unicode (what is not UTF-8 becomes U+FFFD), colours kept and all other escape sequences taken away, control characters and what
 * hides written out. A line that returns to its start (a progress bar) becomes its last state, and one state every two seconds.
 */
export function createLogText(): LogText {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let line = '';
  let lastProgress: number | null = null;

  function take(text: string, now: number): string {
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    let out = lines.map(one => cleanLine(one)).join('');
    // A return at the very end may be the first half of a line break.
    const back = line.length < 2 ? -1 : line.lastIndexOf('\r', line.length - 2);
    if (back >= 0) {
      const state = line.slice(0, back);
      line = line.slice(back + 1);
      lastProgress ??= now;
      if (now - lastProgress >= progressEvery) {
        lastProgress = now;
        out += cleanLine(state);
      }
    }
    while (line.length > longestLine) {
      const end = borderBefore(line, longestLine);
      out += cleanLine(line.slice(0, end));
      line = line.slice(end);
    }
    return out;
  }

  return {
    push: (bytes, now) => take(decoder.decode(bytes, { stream: true }), now),
    flush() {
      const out = take(decoder.decode(), lastProgress ?? 0);
      const rest = line;
      line = '';
      return out + (rest === '' ? '' : cleanLine(rest));
    },
  };
}

/** Not within an escape sequence or a surrogate pair. */
function borderBefore(text: string, end: number): number {
  const sequence = text.lastIndexOf('\x1b', end - 1);
  if (sequence > 0 && end - sequence < 64) return sequence;
  const unit = text.charCodeAt(end - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? end - 1 : end;
}

const ordinary = /^[\t\x20-\x7e]*$/;
const sgr = /(\x1b\[[0-9;:]*m)/;

/** One line without its break; the result ends in one, and has more when the line is too long. */
function cleanLine(given: string): string {
  const line = given.endsWith('\r') ? given.slice(0, -1) : given;
  if (ordinary.test(line) && line.length <= longestLine) return `${line}\n`;
  const last = withBackspaces(lastState(keepColours(line)));
  // Splitting by a group leaves the colour codes at the odd places.
  const shown = last
    .split(sgr)
    .map((part, at) => (at % 2 === 1 ? part : visible(pictures(part))))
    .join('');
  return wrap(shown);
}

/** What a terminal would show at the end: the text after the last return that is followed by anything. */
function lastState(line: string): string {
  return line.includes('\r') ? (line.split('\r').findLast(part => part !== '') ?? '') : line;
}

/** `X` backspace removes X, as a terminal would show it (spinners, overstrikes). */
function withBackspaces(line: string): string {
  if (!line.includes('\b')) return line;
  const kept: string[] = [];
  for (const character of line) {
    if (character === '\b') kept.pop();
    else kept.push(character);
  }
  return kept.join('');
}

/** C0 controls as their pictures: ␀ instead of NUL. Shorter than writing them out, and binary has many. */
function pictures(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, c =>
    String.fromCharCode(c === '\x7f' ? 0x2421 : 0x2400 + c.charCodeAt(0)),
  );
}

function wrap(line: string): string {
  if (line.length <= longestLine) return `${line}\n`;
  let [out, rest] = ['', line];
  while (rest.length > longestLine) {
    const end = borderBefore(rest, longestLine);
    out += `${rest.slice(0, end)}\n`;
    rest = rest.slice(end);
  }
  return `${out}${rest}\n`;
}

/** The same bytes as data for the next step: valid Unicode, no escape sequences, no NUL, line breaks as `\n`; nothing else is changed. */
export function dataText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return stripAnsi(text).replaceAll('\r\n', '\n').replaceAll('\0', '\ufffd');
}
