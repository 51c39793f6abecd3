import { TocsinError } from './errors.ts';
import { placeOfByte } from './json-scan.ts';

/** A list that was cut out of a document, by bytes. */
export interface CutList {
  /** The document with an empty list. */
  around: Buffer;
  /** Its elements, each with what stands around it as white space cut off. */
  elements: Buffer[];
}

export interface CutLimits {
  /** The deepest nesting. */
  depth: number;
  /** The most elements of the list. */
  elements: number;
}

/** How many bytes are looked at between two pauses: some milliseconds. */
const step = 1024 * 1024;

const marks = { quote: 0x22, backslash: 0x5c, comma: 0x2c, openList: 0x5b, closeList: 0x5d, open: 0x7b, close: 0x7d };

/**
 * Cuts a list, which is a member of the outermost object, out of a JSON document without parsing it: each element can be taken as it is.
 * The whole is well-formed exactly when `around` and all elements are, which is for the caller to see. A second list of the same name stays
 * in `around`, as a duplicate key. Throws `bad-body` beyond the limits; `pause` is awaited between the pieces of work.
 */
export async function cutJsonList(
  body: Buffer,
  name: string,
  limits: CutLimits,
  pause: () => Promise<void>,
): Promise<CutList> {
  const scan = createScan(body, name, limits);
  for (let at = 0; at < body.length; at += step) {
    if (at > 0) await pause();
    scan.advance(Math.min(body.length, at + step));
  }
  return scan.result();
}

function createScan(body: Buffer, name: string, limits: CutLimits) {
  let at = 0;
  let depth = 0;
  /** Where the string began in which the scan is; -1 outside of strings. */
  let string = -1;
  /** The last string of the outermost object. */
  let last = { start: 0, end: 0 };
  const list = { start: -1, end: -1, next: 0 };
  const elements: Buffer[] = [];
  const within = () => list.start >= 0 && list.end < 0;

  function take(end: number): void {
    const element = trimmed(body, list.next, end);
    list.next = end + 1;
    // An empty list has one element of white space; any other is left for the parser to refuse.
    if (element.length === 0 && elements.length === 0 && body[end] === marks.closeList) return;
    if (elements.length === limits.elements) throw beyond(body, end, `${name} has more`, `${limits.elements} elements`);
    elements.push(element);
  }

  function open(byte: number): void {
    if (++depth > limits.depth) throw beyond(body, at, 'it is nested deeper', `${limits.depth} levels`);
    if (depth !== 2 || byte !== marks.openList || list.start >= 0 || !isName(body, last, name)) return;
    list.start = at + 1;
    list.next = at + 1;
  }

  function close(): void {
    if (--depth !== 1 || !within()) return;
    take(at);
    list.end = at;
  }

  function endString(stop: number): void {
    while (at < stop && body[at] !== marks.quote) at += body[at] === marks.backslash ? 2 : 1;
    if (at >= stop) return;
    if (depth === 1) last = { start: string, end: at + 1 };
    string = -1;
    at++;
  }

  return {
    advance(stop: number) {
      while (at < stop) {
        if (string >= 0) {
          endString(stop);
          continue;
        }
        const byte = body[at] ?? 0;
        if (byte === marks.quote) string = at;
        else if (byte === marks.openList || byte === marks.open) open(byte);
        else if (byte === marks.closeList || byte === marks.close) close();
        else if (byte === marks.comma && depth === 2 && within()) take(at);
        at++;
      }
    },
    result(): CutList {
      if (list.start < 0) return { around: body, elements };
      if (list.end < 0) throw new TocsinError('bad-body', { message: `The list ${name} does not end.`, at: 'the end' });
      return { around: Buffer.concat([body.subarray(0, list.start), body.subarray(list.end)]), elements };
    },
  };
}

function isName(body: Buffer, { start, end }: { start: number; end: number }, name: string): boolean {
  if (end - start > 6 * name.length + 2) return false;
  try {
    return JSON.parse(body.toString('utf8', start, end)) === name;
  } catch {
    return false;
  }
}

function trimmed(body: Buffer, from: number, to: number): Buffer {
  let [start, end] = [from, to];
  while (start < end && isSpace(body[start])) start++;
  while (end > start && isSpace(body[end - 1])) end--;
  return body.subarray(start, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function beyond(body: Buffer, offset: number, what: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: `The body exceeds a limit: ${what}.`,
    allowed: `at most ${allowed}`,
    at: placeOfByte(body, offset),
  });
}

/**
 * About how many values a JSON text has, counted without parsing it: parsed, each takes some hundred bytes, however short it is. Stops
 * counting beyond `most`.
 */
export function countJsonValues(body: Uint8Array, most: number): number {
  let count = 1;
  let within = false;
  for (let at = 0; at < body.length && count <= most; at++) {
    const byte = body[at];
    if (byte === marks.quote) within = !within;
    else if (within) at += byte === marks.backslash ? 1 : 0;
    else if (byte === marks.comma || byte === marks.openList || byte === marks.open) count++;
  }
  return count;
}
