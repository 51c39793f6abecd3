import { TocsinError } from './errors.ts';

export interface JsonLimits {
  /** The deepest nesting of objects and arrays. */
  depth: number;
  /** The most members of all objects together. */
  keys: number;
  /** The most bytes of one string or key, as written in the body with its escapes. */
  string: number;
}

/** How a document is cut: along a list that is a member of the outermost object. */
export interface JsonCut {
  /** The name of that member. */
  list: string;
  /** The most elements of a slice. */
  elements: number;
  /** The most bytes of a slice; an element that is larger is a slice of its own. */
  bytes: number;
}

/** Consecutive elements of the list, as offsets into the body. */
export interface Slice {
  start: number;
  /** Exclusive; a comma or the closing bracket stands there. */
  end: number;
  /** The index of its first element. */
  first: number;
  /** For each element where it ends, exclusive. */
  ends: number[];
  /** For each element the members of all its objects. */
  keys: number[];
  /** A number in it may be too large for a double. */
  wide: boolean;
}

export interface Scanned {
  keys: number;
  /** A number may be too large for a double. */
  wide: boolean;
  /** The list to cut along; null when there is none. */
  list: FoundList | null;
}

export interface FoundList {
  /** The offset behind its opening bracket. */
  start: number;
  /** The offset of its closing bracket, or of the end of the body when `closed` is false. */
  end: number;
  closed: boolean;
  slices: Slice[];
}

/** One pass over the bytes that checks the limits before anything is built. It can be done in pieces. */
export interface Scanner {
  /** Goes on up to this offset. Throws `bad-body` at a limit. */
  advance(until: number): void;
  found(): Scanned;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const dot = 0x2e;

export function createScanner(body: Buffer, limits: JsonLimits, cut?: JsonCut): Scanner {
  let at = 0;
  /** Where the string began in which the scan is; -1 outside of strings. */
  let open = -1;
  let depth = 0;
  /** The bracket that opens the document. */
  let outermost = 0;
  let keys = 0;
  let wide = false;
  const cutter = cut === undefined ? null : createCutter(body, cut);

  function endOfString(from: number, stop: number): number {
    const close = stringEnd(body, from, stop);
    if (close - open - 1 > limits.string) throw tooMuch('a string', `${limits.string} bytes in one string`, body, open);
    if (close >= stop) return close;
    if (depth === 1) cutter?.string(open, close);
    open = -1;
    return close + 1;
  }

  return {
    advance(until) {
      const stop = Math.min(until, body.length);
      let i = at;
      while (i < stop) {
        if (open >= 0) {
          i = endOfString(i, stop);
          continue;
        }
        const byte = body[i] ?? 0;
        if (byte === quote) {
          open = i;
        } else if (byte === colon) {
          if (++keys > limits.keys) throw tooMuch('the number of keys', `${limits.keys} keys`, body, i);
        } else if (byte === comma) {
          if (depth === 2) cutter?.comma(i, keys);
        } else if (byte === 0x7b || byte === 0x5b) {
          if (++depth > limits.depth) throw tooMuch('nesting', `${limits.depth} levels`, body, i);
          if (depth === 1) outermost = byte;
          // In an outermost array the text before it is no name.
          if (depth === 2 && byte === 0x5b && outermost === 0x7b) cutter?.open(i, keys);
        } else if (byte === 0x7d || byte === 0x5d) {
          if (--depth === 1) cutter?.close(i, keys);
        } else if (byte >= 0x30 && byte <= 0x39) {
          const start = i;
          while (i + 1 < body.length && isDigit(body[i + 1] ?? 0)) i++;
          // Only numbers of sixteen digits and more can be beyond 2^53. Digits after the decimal point only lose precision, as usual.
          if (i - start >= 15 && body[start - 1] !== dot) {
            wide = true;
            cutter?.wide();
          }
        }
        i++;
      }
      at = i;
    },
    found: () => ({ keys, wide, list: cutter?.list(keys) ?? null }),
  };
}

/** Finds the list and cuts it between elements. It is told what the scan meets at the depths that concern it. */
function createCutter(body: Buffer, cut: JsonCut) {
  /** The last string directly in the outermost object. */
  let name = { open: 0, close: 0 };
  let list: FoundList | null = null;
  let within = false;
  /** The slice that is being filled, up to the last element that is complete. */
  let slice = newSlice(0, 0);
  let keysBefore = 0;
  let wideSince = false;

  const isTheList = () => {
    if (name.close - name.open > 6 * cut.list.length + 2) return false;
    try {
      return JSON.parse(body.toString('utf8', name.open, name.close + 1)) === cut.list;
    } catch {
      return false;
    }
  };
  const finish = () => {
    list?.slices.push(slice);
    slice = newSlice(slice.end + 1, slice.first + slice.ends.length);
  };
  const element = (end: number, keys: number) => {
    const count = slice.ends.length;
    if (count > 0 && (count >= cut.elements || end - slice.start > cut.bytes)) finish();
    slice.end = end;
    slice.ends.push(end);
    slice.keys.push(keys - keysBefore);
    slice.wide ||= wideSince;
    keysBefore = keys;
    wideSince = false;
  };

  return {
    string(open: number, close: number) {
      name = { open, close };
    },
    open(at: number, keys: number) {
      if (!isTheList()) return;
      if (list !== null) throw duplicateAt(placeOfByte(body, name.open));
      list = { start: at + 1, end: body.length, closed: false, slices: [] };
      within = true;
      slice.start = at + 1;
      keysBefore = keys;
      wideSince = false;
    },
    comma(at: number, keys: number) {
      if (within) element(at, keys);
    },
    close(at: number, keys: number) {
      if (!within || list === null) return;
      within = false;
      list.end = at;
      list.closed = true;
      // An empty list has one element of white space.
      if (slice.first + slice.ends.length === 0 && isBlank(body, list.start, at)) return;
      element(at, keys);
      finish();
    },
    wide() {
      wideSince = true;
    },
    list(keys: number) {
      if (within && list?.closed === false) {
        within = false;
        element(body.length, keys);
        finish();
      }
      return list;
    },
  };
}

function newSlice(start: number, first: number): Slice {
  return { start, end: start, first, ends: [], keys: [], wide: false };
}

function isBlank(body: Buffer, start: number, end: number): boolean {
  // White space of any other length is refused by the parser.
  return end - start < 1024 && body.toString('latin1', start, end).trim() === '';
}

/** The offset of the quote that closes the string, or `stop` or beyond when none does before it. */
function stringEnd(body: Buffer, from: number, stop: number): number {
  let i = from;
  for (; i < stop; i++) {
    const byte = body[i];
    if (byte === quote) return i;
    if (byte === backslash) i++;
  }
  return i;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function duplicateAt(at: string): TocsinError {
  return new TocsinError('bad-body', { message: 'An object has a key twice.', at, allowed: 'each key once' });
}

function tooMuch(what: string, allowed: string, body: Buffer, offset: number): TocsinError {
  return new TocsinError('bad-body', {
    message: `The body exceeds a limit: ${what}.`,
    allowed: `at most ${allowed}`,
    at: placeOfByte(body, offset),
  });
}

export function hasMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

/** Line and column of a byte offset, from 1; columns are counted in UTF-16 code units, without a byte-order mark. */
export function placeOfByte(body: Buffer, offset: number): string {
  const end = Math.min(offset, body.length);
  let line = 1;
  let start = hasMark(body) ? 3 : 0;
  for (let at = body.indexOf(0x0a); at >= 0 && at < end; at = body.indexOf(0x0a, at + 1)) {
    line += 1;
    start = at + 1;
  }
  return `line ${line}, column ${body.toString('utf8', start, end).length + 1}`;
}
