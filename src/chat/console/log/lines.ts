import { type AnsiState, afterAnsi, plain } from '../ansi.ts';

/** One line of a step's log, without its line break. */
export interface LogLine {
  /** Counts from 1 over all attempts of the step. */
  number: number;
  text: string;
  /** When the batch that it came with was stored, milliseconds since the epoch; null where only the log without times is kept. */
  at: number | null;
  attempt: number;
}

/** Whole lines that came together. */
interface Piece {
  text: string;
  at: number | null;
  attempt: number;
  /** The number of its first line. */
  first: number;
  count: number;
  /** The styles that are on before it. */
  ansi: AnsiState;
}

/** The lines of a log, by number. It grows at the end, and finds a range without reading what stands before it. */
export interface Lines {
  /** Adds text; what follows the last line break waits for more. */
  push(text: string, at: number | null, attempt: number): void;
  /** Makes a line of what waits. */
  flush(): void;
  count(): number;
  /** Characters, for the bound of a cache. */
  size(): number;
  /** The lines from `from` to `to`, both included, and the styles that are on before the first. */
  read(from: number, to: number): { lines: LogLine[]; ansi: AnsiState };
  /** All lines in order, without keeping them. */
  all(from?: number): Generator<LogLine>;
  /** The text of one attempt, with what waits. */
  textOf(attempt: number): string;
  /** Counts how often lines were dropped: what was read before is then of another numbering. */
  revision(): number;
  /** Drops the lines of an attempt and of those after it. */
  dropFrom(attempt: number): void;
}

/** Characters of a piece: a range reads at most this much too much at either end. */
const pieceSize = 64 * 1024;

export function createLines(): Lines {
  let pieces: Piece[] = [];
  let revision = 0;
  let waiting: { text: string; at: number | null; attempt: number } | null = null;
  const count = () => {
    const last = pieces.at(-1);
    return last === undefined ? 0 : last.first + last.count - 1;
  };

  function add(text: string, at: number | null, attempt: number): void {
    const last = pieces.at(-1);
    // A new attempt begins without the colours of the one before it.
    const ansi = last === undefined || last.attempt !== attempt ? plain : afterAnsi(last.text, last.ansi);
    pieces.push({ text, at, attempt, first: count() + 1, count: countBreaks(text), ansi });
  }

  function addWhole(text: string, at: number | null, attempt: number): void {
    for (let start = 0; start < text.length; ) {
      const near = start + pieceSize >= text.length ? text.length - 1 : text.indexOf('\n', start + pieceSize);
      const end = near < 0 ? text.length : near + 1;
      add(text.slice(start, end), at, attempt);
      start = end;
    }
  }

  function flush(): void {
    if (waiting !== null) add(`${waiting.text}\n`, waiting.at, waiting.attempt);
    waiting = null;
  }

  function* all(from = 1): Generator<LogLine> {
    for (let index = Math.max(0, indexOf(pieces, from)); index < pieces.length; index++) {
      const piece = pieces[index];
      if (piece === undefined) return;
      let number = piece.first;
      for (const text of piece.text.slice(0, -1).split('\n')) {
        if (number >= from) yield { number, text, at: piece.at, attempt: piece.attempt };
        number++;
      }
    }
  }

  return {
    push(text, at, attempt) {
      if (waiting !== null && waiting.attempt !== attempt) flush();
      const end = text.lastIndexOf('\n');
      if (end >= 0) {
        addWhole((waiting?.text ?? '') + text.slice(0, end + 1), waiting?.at ?? at, attempt);
        waiting = null;
      }
      const rest = text.slice(end + 1);
      if (rest !== '') waiting = { text: (waiting?.text ?? '') + rest, at: waiting?.at ?? at, attempt };
    },
    flush,
    count,
    size: () => pieces.reduce((sum, piece) => sum + piece.text.length, 0),
    read(from, to) {
      const lines: LogLine[] = [];
      for (const line of all(from)) {
        if (line.number > to) break;
        lines.push(line);
      }
      return { lines, ansi: ansiBefore(pieces, lines[0]?.number ?? from) };
    },
    all,
    textOf: attempt =>
      pieces
        .filter(piece => piece.attempt === attempt)
        .map(piece => piece.text)
        .join('') + (waiting?.attempt === attempt ? waiting.text : ''),
    revision: () => revision,
    dropFrom(attempt) {
      revision++;
      pieces = pieces.filter(piece => piece.attempt < attempt);
      if (waiting !== null && waiting.attempt >= attempt) waiting = null;
    },
  };
}

/** The styles that are on before a line: those before its piece, and what the lines of the piece before it switch. */
function ansiBefore(pieces: readonly Piece[], number: number): AnsiState {
  const piece = pieces[indexOf(pieces, number)];
  if (piece === undefined) return plain;
  let at = 0;
  for (let line = piece.first; line < number; line++) at = piece.text.indexOf('\n', at) + 1;
  return afterAnsi(piece.text.slice(0, at), piece.ansi);
}

function countBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** The index of the piece that has the line; the last one for a line beyond the end, -1 where there is none. */
function indexOf(pieces: readonly Piece[], line: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pieces[middle]?.first ?? 0) <= line) low = middle;
    else high = middle - 1;
  }
  return high;
}
