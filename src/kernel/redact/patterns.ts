/** A streaming filter over bytes. It may hold bytes back until later. */
export interface ByteFilter {
  push(bytes: Buffer): Buffer;
  /** The bytes that were held back. Afterwards the filter can be used again from the start. */
  flush(): Buffer;
}

/**
 * Patterns of common credentials. Group 1, where there is one, is kept. Every pattern runs in linear time: it starts at the start of
 * a word or at a fixed text, and no two of its repeats can match the same characters. None crosses a line break. The text is latin1,
 * one character for each byte.
 */
const patterns: readonly RegExp[] = [
  // Tokens with a prefix of their own: AWS, GitHub, GitLab, Slack, Google, Stripe, npm and others.
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{36,}|AIza[\w-]{35}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|sk-[\w-]{20,}|hvs\.[\w-]{20,}|dop_v1_[a-f0-9]{64})/g,
  /(?<![A-Za-z0-9])(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[\w-]{10,}/g,
  // The mark of a run (TOCSIN_PERMIT): what carries it is taken for the run's.
  /(?<![A-Za-z0-9])tocsin-[0-9a-f]{32}(?![0-9a-f])/g,
  /(hooks\.slack\.com\/(?:services|workflows)\/)[\w/-]{8,}/g,
  // JSON Web Tokens: two or three base64url parts, the first of which is an object.
  /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  // Headers and the like.
  /(authorization["']?\s{0,8}[:=]\s{0,8}["']?(?:[a-z]{1,16} )?)(?!\[redacted\])[^\s"',;]{4,}/gi,
  /((?<![a-z])bearer )(?!\[redacted\])[\w.~+/=-]{12,}/gi,
  // A private key on one line, with its line breaks written as \n; keySpans does those of several lines.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^\s"'`,;]*(?:(?<=-----END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g,
  // user:password@ in addresses.
  /(:\/\/[^\s/:@'"]{0,128}:)(?!\[redacted\])[^\s/@'"]{1,256}(?=@)/g,
  // password=..., "apiKey": "...", AWS_SECRET_ACCESS_KEY: ...
  /((?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|account[_-]?key|credentials?)["']{0,1}\s{0,8}(?:=>|[:=])\s{0,8}(?:"|'|\\")?)(?!\[redacted\])[^\s"'`,;&)}\]]{3,}/gi,
];

/** A cheap test of the whole text before the patterns; most output does not match it. */
const worthALook =
  /pass|pwd|secret|token|key|credential|authorization|bearer|:\/\/|eyJ|A[KSBC][IC]A|gh[pousr]_|github_pat_|glpat-|npm_|AIza|[sr]k_|sk-|hvs\.|dop_v1_|xox|xapp-|hooks\.slack|tocsin-|PRIVATE/i;

const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
/** A line of a PEM body or of its headers, quoted or indented in any way. */
const keyLine = /^[\s"'|>+\\]*(?:[A-Za-z0-9+/=\\[\]]*|[A-Za-z-]+: .*)[\s"'+,\\]*$/;
/** The most lines of a private key. Without a limit a single BEGIN could redact everything after it. */
const mostKeyLines = 400;

/** A line without an end is processed in parts when it is longer than this, in bytes. */
const window = 64 * 1024;
/** Bytes at the end of such a part that wait for the next one, so that a credential is not split. */
const overlap = 4 * 1024;

const mark = '[redacted]';

interface Span {
  /** Where the text begins by which it is recognised, at or before its start. */
  from: number;
  start: number;
  end: number;
  text: string;
}

/** Replaces text that looks like a credential, line by line. A line without an end waits until it is complete or over 64 KiB. */
export function createPatternFilter(): ByteFilter {
  const state: State = { rest: '', keyLines: 0, tail: false };
  return {
    push(bytes) {
      const text = bytes.toString('latin1');
      const cut = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
      if (cut === 0) state.rest += text;
      const done = cut === 0 ? '' : wholeLines(state, state.rest + text.slice(0, cut));
      if (cut > 0) state.rest = text.slice(cut);
      const parts = state.rest.length > window ? longLine(state) : '';
      return Buffer.from(done + parts, 'latin1');
    },
    flush() {
      const text = wholeLines(state, state.rest);
      state.rest = '';
      return Buffer.from(text, 'latin1');
    },
  };
}

interface State {
  rest: string;
  /** Lines of a private key so far; 0 outside of one. */
  keyLines: number;
  /** True while a credential continues from the part before. */
  tail: boolean;
}

function wholeLines(state: State, given: string): string {
  const text = withoutTail(state, given);
  if (state.keyLines === 0 && !worthALook.test(text)) return text;
  return replaceSpans(text, [...keySpans(state, text), ...spansOf(text)]);
}

/**
 * Processes a long line up to the overlap. A credential that crosses that border, or whose name does, is replaced whole; one that reaches
 * the end continues in the next part.
 */
function longLine(state: State): string {
  const text = withoutTail(state, state.rest);
  state.rest = '';
  if (state.tail) return '';
  const spans = worthALook.test(text) ? merge(spansOf(text)) : [];
  let border = Math.max(0, text.length - overlap);
  for (const span of spans) if (span.from < border && span.end > border) border = span.end;
  state.tail = border === text.length;
  state.rest = text.slice(border);
  return replaceSpans(
    text.slice(0, border),
    spans.filter(span => span.end <= border),
  );
}

/** Drops the rest of a credential that began in the part before. */
function withoutTail(state: State, text: string): string {
  if (!state.tail) return text;
  const stop = text.search(/[\s"'`,;]/);
  if (stop < 0) return '';
  state.tail = false;
  return text.slice(stop);
}

function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  for (const pattern of patterns) {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const start = match.index + (match[1]?.length ?? 0);
      spans.push({ from: match.index, start, end: match.index + match[0].length, text: mark });
    }
  }
  return spans;
}

/** Spans of private keys from BEGIN to END over several lines. The first line becomes the mark, the others are removed. */
function keySpans(state: State, text: string): Span[] {
  if (state.keyLines === 0 && !text.includes('PRIVATE KEY')) return [];
  const spans: Span[] = [];
  for (let from = 0; from < text.length; ) {
    const stop = text.indexOf('\n', from);
    const to = stop < 0 ? text.length : stop + 1;
    keySpan(state, text.slice(from, to), from, spans);
    from = to;
  }
  return spans;
}

function keySpan(state: State, line: string, from: number, spans: Span[]): void {
  const wasInside = state.keyLines > 0;
  const start = wasInside ? 0 : line.search(begin);
  if (start < 0) return;
  const found = end.exec(line.slice(start));
  if (found !== null) {
    const last = from + start + found.index + found[0].length;
    spans.push({ from: from + start, start: from + start, end: last, text: wasInside ? '' : mark });
    state.keyLines = 0;
  } else if (wasInside && (state.keyLines > mostKeyLines || line.length > 256 || !keyLine.test(line))) {
    state.keyLines = 0;
  } else {
    state.keyLines++;
    const text = wasInside ? '' : `${mark}\n`;
    spans.push({ from: from + start, start: from + start, end: from + line.length, text });
  }
}

function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push({ ...span });
    else Object.assign(last, { from: Math.min(last.from, span.from), end: Math.max(last.end, span.end) });
  }
  return merged;
}

function replaceSpans(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let [result, at] = ['', 0];
  for (const span of merge(spans)) {
    result += text.slice(at, span.start) + span.text;
    at = span.end;
  }
  return result + text.slice(at);
}
