import { linkFault, ownFault, type Position } from './chain.ts';
import { afterLineEnd, lineEnd, longestLine, parseLine, tooLong } from './lines.ts';
import { createRecogniser } from './recognise.ts';

/** A part of a file, as positions of bytes. The lines that begin in it are its own; the last of them may end beyond it. */
export interface Block {
  start: number;
  end: number;
}

/** What a block came to when it was verified without the ones before it. */
export interface BlockReport {
  /** Lines that begin in it, up to the one with the fault. */
  lines: number;
  /** Its first entry, which must follow from the block before; null when there is none. */
  first: { seq: number; prev: string } | null;
  /** Its last entry; null when there is none. */
  last: Position | null;
  /** The first fault in it: a line of it (from 1) that is no entry, or an entry that does not verify. */
  fault: { line: number } | { seq: number; wrong: string } | null;
}

/** Reads bytes of the file from `position` into the whole of `into`. Returns how many; 0 at the end of the file. */
export type ReadAt = (into: Uint8Array, position: number) => number;

/** Makes the function that verifies blocks of one file. It keeps its memory for the next block: as much as the block and a long line. */
export function createBlockChecker(
  read: ReadAt,
  checkpoint: Position | null,
  longest: number = longestLine,
): (block: Block) => BlockReport {
  const window = createWindow(read, longest);
  const recogniser = createRecogniser();

  /** Any line. False when it has a fault, which is then in the report. */
  function take(line: string, report: BlockReport): boolean {
    const entry = parseLine(line);
    if (entry === null) report.fault = { line: report.lines };
    else {
      const { seq, prev, hash } = entry;
      const link = report.first === null ? null : linkFault(recogniser.head(), entry);
      report.first ??= { seq, prev };
      const wrong = link ?? ownFault(entry, checkpoint);
      if (wrong !== null) report.fault = { seq, wrong };
      else recogniser.follow({ seq, hash });
    }
    return report.fault === null;
  }

  return ({ start, end }) => {
    const report: BlockReport = { lines: 0, first: null, last: null, fault: null };
    const { from, first } = window.load(start, end);
    if (first === null) return report;
    const { bytes, length } = window;
    for (let at = first; at < Math.min(end - from, length); ) {
      report.lines += 1;
      const plain = report.first !== null && recogniser.seq() + 1 !== checkpoint?.seq;
      let next = plain ? recogniser.take(bytes, at, length) : -1;
      if (next === -1 || next - at > longest) {
        next = lineEnd(bytes, at, length);
        if (next === -1) next = length;
        const line = next - at > longest ? tooLong : bytes.toString('utf8', at, next);
        if (line !== '' && !take(line, report)) return report;
      }
      at = afterLineEnd(bytes, next);
    }
    if (report.first !== null) report.last = recogniser.head();
    return report;
  };
}

/** The bytes of a block with the byte before it, and with the rest of its last line. */
function createWindow(read: ReadAt, longest: number) {
  let bytes = Buffer.alloc(0);
  let length = 0;

  /** Reads on until `wanted` bytes are there or the file ends. */
  function fill(from: number, wanted: number) {
    if (bytes.length < wanted) bytes = Buffer.concat([bytes.subarray(0, length)], Math.max(wanted, 2 * bytes.length));
    for (let more = -1; length < wanted && more !== 0; length += more)
      more = read(bytes.subarray(length, wanted), from + length);
  }

  return {
    get bytes() {
      return bytes;
    },
    get length() {
      return length;
    },
    /** `from` is the position of the first byte, `first` the index of the first line that begins in the block; null when none does. */
    load(start: number, end: number): { from: number; first: number | null } {
      const from = Math.max(0, start - 1);
      const limit = end - from;
      length = 0;
      fill(from, limit);
      const before = start === 0 ? null : lineEnd(bytes, 0, length);
      const first = before === null ? 0 : afterLineEnd(bytes, before);
      if (before === -1 || first >= limit) return { from, first: null };
      for (let at = limit - 1; lineEnd(bytes, at, length) === -1 && length < limit + longest; ) {
        at = length;
        fill(from, length + extension);
        if (length === at) break;
      }
      return { from, first };
    },
  };
}

/** By how many bytes the search for the end of a long line goes on. */
const extension = 64 * 1024;
