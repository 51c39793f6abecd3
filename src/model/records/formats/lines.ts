import { StringDecoder } from 'node:string_decoder';
import type { RecordFault, RecordReader } from '../types.ts';

/** The longest line, characters. The rest of a longer one is skipped. */
export const longestLine = 256 * 1024;

/** How much of what is no record is kept, characters: more than is shown, so that a secret in what is shown is there as a whole. */
export const longestSample = 2000;

export function faultOf(cause: string, text: string): RecordFault {
  return { cause, sample: text.slice(0, longestSample).toWellFormed() };
}

/**
 * Splits pieces into lines, without the line end (LF or CRLF), and calls `line` for each that is not empty. Not valid UTF-8 becomes U+FFFD.
 * A line that is too long is given to `long`, with its beginning, once; no more than it is kept in memory.
 */
export function readLines(line: (text: string) => void, long: (beginning: string) => void): RecordReader {
  const decoder = new StringDecoder('utf8');
  /** The parts of the line under way, so that a long one is not copied for every piece. */
  let held = '';
  let skipping = false;

  function take(text: string): void {
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      if (skipping) skipping = false;
      else whole(held === '' ? text.slice(at, end) : held + text.slice(at, end));
      held = '';
      at = end + 1;
    }
    if (at >= text.length || skipping) return;
    held = at === 0 && held === '' ? text : held + text.slice(at);
    if (held.length <= longestLine) return;
    long(held.slice(0, longestSample));
    held = '';
    skipping = true;
  }

  function whole(text: string): void {
    const cut = text.charCodeAt(text.length - 1) === 13 ? text.slice(0, -1) : text;
    if (cut.length > longestLine) long(cut.slice(0, longestSample));
    else if (cut !== '') line(cut);
  }

  return {
    read: piece => take(decoder.write(piece)),
    end() {
      take(decoder.end());
      if (held !== '') whole(held);
      held = '';
    },
  };
}
