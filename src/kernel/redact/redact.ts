/** Redaction: removes secrets from output in all their encoded forms, also across chunk borders. */

import type { Json } from '../canonical.ts';
import { type Automaton, breakDepth, buildAutomaton, formsOf, step } from './forms.ts';
import { type ByteFilter, createPatternFilter } from './patterns.ts';

export type { ByteFilter };

/** Secrets compiled for searching. Compile once when many texts are redacted with the same secrets. */
export interface Secrets {
  readonly automaton: Automaton | null;
  /** Bytes of the longest form: how far a secret can extend over a chunk border. */
  readonly longest: number;
}

/**
 * Values of at least six characters are looked for raw, quoted, URL-encoded, in hex and in base64; values of four or five only raw and
 * quoted. Shorter ones are ignored, because they occur in too much ordinary text.
 */
export function compileSecrets(values: Iterable<string>): Secrets {
  const forms = [...values].flatMap(formsOf);
  if (forms.length === 0) return { automaton: null, longest: 0 };
  return { automaton: buildAutomaton(forms), longest: Math.max(...forms.map(form => form.length)) };
}

/**
 * A streaming filter that replaces secrets by `[redacted]`, in all their forms, also across chunks and line breaks, and text that
 * looks like a credential. It holds back a possible start of a secret and an unfinished line: at most 64 KiB and the longest secret.
 * Use one for each stream.
 */
export function createRedactor(secrets: Secrets | Iterable<string>): ByteFilter {
  const { automaton } = isCompiled(secrets) ? secrets : compileSecrets(secrets);
  const patterns = createPatternFilter();
  if (automaton === null) return patterns;
  const exact = createExactFilter(automaton);
  return {
    push: bytes => patterns.push(exact.push(bytes)),
    flush() {
      const last = patterns.push(exact.flush());
      return Buffer.concat([last, patterns.flush()]);
    },
  };
}

/** Redacts one text, such as an error message, a card or a log line. */
export function redactText(text: string, secrets: Secrets | Iterable<string> = []): string {
  const redactor = createRedactor(secrets);
  return Buffer.concat([redactor.push(Buffer.from(text)), redactor.flush()]).toString();
}

/** Redacts every string in a JSON value, the names of members included. */
export function redactJson(value: Json, secrets: Secrets | Iterable<string> = []): Json {
  const ready = isCompiled(secrets) ? secrets : compileSecrets(secrets);
  const walk = (part: Json): Json => {
    if (typeof part === 'string') return redactText(part, ready);
    if (part === null || typeof part !== 'object') return part;
    if (Array.isArray(part)) return part.map(walk);
    return Object.fromEntries(Object.entries(part).map(([name, member]) => [redactText(name, ready), walk(member)]));
  };
  return walk(value);
}

function isCompiled(secrets: Secrets | Iterable<string>): secrets is Secrets {
  return 'automaton' in secrets;
}

const mark = Buffer.from('[redacted]');
const none = Buffer.alloc(0);

interface Match {
  start: number;
  end: number;
  /** True when the mark was written already and only the rest of the match is to be dropped. */
  marked: boolean;
}

function createExactFilter(automaton: Automaton): ByteFilter {
  let node = 0;
  /** Bytes from the first one that may still belong to a secret. */
  let held: Buffer = none;
  /** As offsets into `held`, in order, not overlapping. */
  let matches: Match[] = [];

  function push(bytes: Buffer): Buffer {
    const data = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const found = search(automaton, data, held.length, node, matches);
    node = found.node;
    return release(data, found.safe);
  }

  function release(data: Buffer, safe: number): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    for (const match of matches) {
      if (match.start >= safe) break;
      if (match.start > at) out.push(data.subarray(at, match.start));
      if (!match.marked) out.push(mark);
      match.marked = true;
      at = match.end;
    }
    if (at < safe) out.push(data.subarray(at, safe));
    // A copy, so that a few held bytes do not keep a whole chunk alive.
    held = safe === data.length ? none : Buffer.from(data.subarray(safe));
    matches = matches.flatMap(match =>
      match.end <= safe ? [] : [{ ...match, start: Math.max(0, match.start - safe), end: match.end - safe }],
    );
    return out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out);
  }

  return {
    push,
    flush() {
      const rest = release(held, held.length);
      node = 0;
      return rest;
    },
  };
}

/** Offsets of the bytes that are not line breaks. It grows as needed; searches can share it, because a search is synchronous. */
let places = new Int32Array(128 * 1024);

/** Runs the automaton over `data` from offset `from` and adds to `matches`. `safe` is the earliest start of the next match. */
function search(automaton: Automaton, data: Buffer, from: number, start: number, matches: Match[]) {
  if (places.length < data.length) places = new Int32Array(data.length * 2);
  const { root, fail, depth, ends } = automaton;
  let count = 0;
  for (let i = 0; i < from; i++) if (data[i] !== 10 && data[i] !== 13) places[count++] = i;
  let node = start;
  for (let i = from; i < data.length; i++) {
    const byte = data[i] ?? 0;
    if (byte === 10 || byte === 13) {
      if ((depth[node] ?? 0) < breakDepth) node = 0;
      continue;
    }
    if (node === 0) {
      node = root[byte] ?? 0;
      if (node === 0) continue;
      // No match can start before this byte.
      count = 0;
      places[count++] = i;
    } else {
      places[count++] = i;
      let next = step(automaton, node, byte);
      while (next === 0 && node !== 0) {
        node = fail[node] ?? 0;
        next = step(automaton, node, byte);
      }
      node = next;
    }
    const length = ends[node] ?? 0;
    if (length > 0) add(matches, places[count - length] ?? 0, i + 1);
  }
  const reach = depth[node] ?? 0;
  return { node, safe: reach === 0 ? data.length : (places[count - reach] ?? 0) };
}

/** Matches arrive in order of their end. A match is merged with earlier ones that it overlaps. */
function add(matches: Match[], start: number, end: number): void {
  let [first, marked] = [start, false];
  for (let last = matches.at(-1); last !== undefined && last.end > first; last = matches.at(-1)) {
    first = Math.min(first, last.start);
    marked ||= last.marked;
    matches.pop();
  }
  matches.push({ start: first, end, marked });
}
