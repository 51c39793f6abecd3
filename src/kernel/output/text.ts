import { keepColours, stripAnsi, visible } from '../text.ts';

/** Converts the bytes of one stream to text that is safe to store and show. Returns complete lines only, until `flush`. */
export interface LogText {
  push(bytes: Uint8Array, now: number): string;
  flush(): string;
}

/** Characters after which a line is broken: longer lines are of no use to people or pages. */
const longestLine = 16 * 1024;
/** Milliseconds between two states of a progress bar that are kept as lines. */
const progressEvery = 2000;

/**
 * The text is valid Unicode: bytes that are not UTF-8 become U+FFFD. Colours are kept, other escape sequences are removed, control and
 * invisible characters are escaped. A line with carriage returns (a progress bar) becomes its last state, and one state every two seconds.
 */
export function createLogText(): LogText {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let line = '';
  let lastProgress: number | null = null;

  function take(text: string, now: number): string {
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    let out = lines.map(one => cleanLine(one)).join('');
    // A CR at the very end may be the first half of a CRLF.
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

/** The offset at or before `end` that splits no escape sequence and no surrogate pair. */
function borderBefore(text: string, end: number): number {
  const sequence = text.lastIndexOf('\x1b', end - 1);
  if (sequence > 0 && end - sequence < 64) return sequence;
  const unit = text.charCodeAt(end - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? end - 1 : end;
}

const ordinary = /^[\t\x20-\x7e]*$/;
const sgr = /(\x1b\[[0-9;:]*m)/;

/** Cleans one line, given without its line break. The result ends with a line break, and has more of them when the line is too long. */
function cleanLine(given: string): string {
  const line = given.endsWith('\r') ? given.slice(0, -1) : given;
  if (ordinary.test(line) && line.length <= longestLine) return `${line}\n`;
  const last = withBackspaces(lastState(keepColours(line)));
  // Splitting by a capture group puts the colour codes at the odd indexes.
  const shown = last
    .split(sgr)
    .map((part, at) => (at % 2 === 1 ? part : visible(pictures(part))))
    .join('');
  return wrap(shown);
}

/** The final state of the line on a terminal: the text after the last carriage return that is followed by text. */
function lastState(line: string): string {
  return line.includes('\r') ? (line.split('\r').findLast(part => part !== '') ?? '') : line;
}

/** Applies backspaces as a terminal would (spinners, overstrikes): each one removes the character before it. */
function withBackspaces(line: string): string {
  if (!line.includes('\b')) return line;
  const kept: string[] = [];
  for (const character of line) {
    if (character === '\b') kept.pop();
    else kept.push(character);
  }
  return kept.join('');
}

/** Replaces C0 controls by their Unicode pictures (␀ for NUL). That is shorter than an escape, and binary output has many. */
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

/** The bytes as data for the next step: valid Unicode, without escape sequences, NUL as U+FFFD, CRLF as LF; otherwise unchanged. */
export function dataText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return stripAnsi(text).replaceAll('\r\n', '\n').replaceAll('\0', '\ufffd');
}
