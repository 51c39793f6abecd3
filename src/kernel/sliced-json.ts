import type { Json } from './canonical.ts';
import { TocsinError } from './errors.ts';
import {
  createScanner,
  type FoundList,
  hasMark,
  type JsonCut,
  type JsonLimits,
  placeOfByte,
  type Slice,
} from './json-scan.ts';
import { bytesTo, checkUtf8, notOneDocument, parseChecked, standardLimits } from './strict-json.ts';

/** A part of a document: all of it except for the elements of its list that are in other parts. */
export interface JsonPart {
  /** The index of its first element in the whole list. */
  first: number;
  last: boolean;
  /** The document with the elements of this part alone, parsed as by parseStrictJson. */
  read(): Json;
  /** The same document as bytes of the body: what stands outside of the list, and these elements. */
  bytes(): Buffer;
}

/** How many bytes are scanned at a time: some milliseconds. */
const scanStep = 1024 * 1024;

/** What may stand outside of the list, bytes: it is parsed as a whole. Alertmanager repeats there what its alerts have in common. */
const mostAround = 4 * 1024 * 1024;

/** An element takes at least so many bytes on average, so that a list of nothings cannot become a flood of elements. */
const bytesPerElement = 64;
const fewElements = 1024;

/**
 * Cuts a body along its list, so that it can be parsed and handled in parts; `pause` is awaited between the pieces of work. When it
 * resolves, all of the body was checked as by parseStrictJson, and no part can fail to parse. Null when it fits in one part, or has no such
 * list: then it is for parseStrictJson.
 *
 * Throws TocsinError `bad-body`, whose places are those of the whole body.
 */
export async function sliceStrictJson(
  body: Buffer,
  cut: JsonCut,
  given: Partial<JsonLimits>,
  pause: () => Promise<void>,
): Promise<JsonPart[] | null> {
  const limits = { ...standardLimits, ...given };
  const scanner = createScanner(body, limits, cut);
  for (let at = 0; at < body.length; at += scanStep) {
    scanner.advance(at + scanStep);
    await pause();
  }
  const { keys, wide, list } = scanner.found();
  checkAround(body, list, cut);
  if (list === null || (list.slices.length < 2 && list.closed)) return null;
  const elements = list.slices.reduce((sum, slice) => sum + slice.ends.length, 0);
  const most = Math.max(fewElements, Math.floor(body.length / bytesPerElement));
  if (elements > most) throw beyond(`the number of elements of ${cut.list}`, `${most}`, placeOfByte(body, list.end));
  const inList = list.slices.reduce((sum, slice) => sum + slice.keys.reduce((all, keys) => all + keys, 0), 0);
  const around = readAround(body, list, { keys: keys - inList, wide });
  for (const slice of list.slices) {
    await pause();
    readSlice(body, slice);
  }
  if (!list.closed) throw notOneDocument('the end');
  return list.slices.map((slice, index) => ({
    first: slice.first,
    last: index === list.slices.length - 1,
    read: () => Object.assign(Object.create(null), around, { [cut.list]: readSlice(body, slice) }),
    bytes: () =>
      Buffer.concat([body.subarray(0, list.start), body.subarray(slice.start, slice.end), body.subarray(list.end)]),
  }));
}

function checkAround(body: Buffer, list: FoundList | null, cut: JsonCut): void {
  const around = list === null ? body.length : body.length - (list.end - list.start);
  if (around <= mostAround) return;
  throw beyond(`what is outside of its list ${cut.list}`, `${mostAround} bytes`, placeOfByte(body, list?.end ?? 0));
}

function beyond(what: string, allowed: string, at: string): TocsinError {
  return new TocsinError('bad-body', {
    message: `The body exceeds a limit: ${what}.`,
    allowed: `at most ${allowed}`,
    at,
  });
}

/** The document with an empty list. One that does not close its list gets the end that is missing: its elements are looked at first. */
function readAround(body: Buffer, list: FoundList, found: { keys: number; wide: boolean }): object {
  checkUtf8(body.subarray(0, list.start));
  checkUtf8(body.subarray(list.end));
  const mark = hasMark(body) ? 3 : 0;
  const head = body.toString('utf8', mark, list.start);
  const tail = list.closed ? body.toString('utf8', list.end) : ']}';
  const placeOf = (index: number) =>
    placeOfByte(
      body,
      index < head.length ? mark + bytesTo(head, index) : list.end + bytesTo(tail, index - head.length),
    );
  return parseChecked(head + tail, { ...found, placeOf, ends: () => 'the end' }) as object;
}

/** Parses its elements one by one: the text of a whole slice would be so large that V8 frees it late. */
function readSlice(body: Buffer, slice: Slice): Json[] {
  checkUtf8(body.subarray(slice.start, slice.end));
  return slice.ends.map((end, index) => {
    const start = index === 0 ? slice.start : (slice.ends[index - 1] ?? 0) + 1;
    const text = body.toString('utf8', start, end);
    const placeOf = (at: number) => placeOfByte(body, start + bytesTo(text, at));
    const ends = () => (end === body.length ? 'the end' : placeOfByte(body, end));
    return parseChecked(text, { keys: slice.keys[index] ?? 0, wide: slice.wide, placeOf, ends });
  });
}
