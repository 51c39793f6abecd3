/** One line of the exported journal: the fields for verification, and those for people. */
export interface JournalLine {
  seq: number;
  stream: string;
  kind: string;
  bytes: string;
  prev: string;
  hash: string;
}

/** Bytes of a line beyond which it is no entry. A string cannot be much longer, and an endless line must not fill the memory. */
export const longestLine = 256 * 1024 * 1024;

/** Stands for a line that is too long: no JSON. */
export const tooLong = '...';

/** Index of the first line feed or carriage return from `from` on; -1 when there is none before `to`. */
export function lineEnd(bytes: Uint8Array, from: number, to: number): number {
  const found = bytes.subarray(from, to).indexOf(0x0a);
  const end = found === -1 ? to : from + found;
  const earlier = bytes.subarray(from, end).indexOf(0x0d);
  if (earlier !== -1) return from + earlier;
  return end === to ? -1 : end;
}

/** Index after the line end at `end`, which is a line feed, a carriage return, or both. */
export function afterLineEnd(bytes: Uint8Array, end: number): number {
  return bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? end + 2 : end + 1;
}

/**
 * The lines of a text in UTF-8, without their ends: line feed, carriage return, or both. JSON may hold U+2028 and U+2029 as they are, so
 * those, at which node:readline cuts, end no line here. Ends with `tooLong` where a line has more than `longest` bytes.
 */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
  longest: number = longestLine,
): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let length = 0;
  let afterReturn = false;
  for await (const chunk of input) {
    if (chunk.length === 0) continue;
    let at = afterReturn && chunk[0] === 0x0a ? 1 : 0;
    for (let end = lineEnd(chunk, at, chunk.length); end !== -1; end = lineEnd(chunk, at, chunk.length)) {
      if (length + end - at > longest) return yield tooLong;
      yield Buffer.concat([...rest, chunk.subarray(at, end)]).toString();
      [rest, length] = [[], 0];
      at = afterLineEnd(chunk, end);
    }
    if (at < chunk.length) rest.push(chunk.subarray(at));
    length += chunk.length - at;
    if (length > longest) return yield tooLong;
    afterReturn = chunk.at(-1) === 0x0d;
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString();
}

/** The entry of a line; null when it is none. Other members are left out. */
export function parseLine(text: string): JournalLine | null {
  const value = tryJson(text);
  if (typeof value !== 'object' || value === null) return null;
  const { seq, stream, kind, bytes, prev, hash } = value as { [K in keyof JournalLine]?: unknown };
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) return null;
  if (typeof stream !== 'string' || typeof kind !== 'string' || typeof bytes !== 'string') return null;
  if (typeof prev !== 'string' || typeof hash !== 'string') return null;
  return { seq, stream, kind, bytes, prev, hash };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
