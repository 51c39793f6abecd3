/** Words before a command that are none themselves. */
const reserved = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', 'time', 'coproc']);

type Variables = Readonly<Record<string, string>>;

/**
 * The simple commands in the code of a shell, each as its words, also those in `$( )`, backquotes and subshells; without redirections and
 * here-documents. Good enough to find what a script runs, not to run it: variables that are not given, or that the code itself sets, stay
 * as they are written.
 */
export function commandsOf(code: string, env: Variables): string[][] {
  const found: string[][] = [];
  const own = new Set(setNames(code));
  const known = Object.fromEntries(Object.entries(env).filter(([name]) => !own.has(name)));
  readCommands({ code, at: 0, env: known, found, documents: [], depth: 0 }, null);
  return found
    .map(words => words.slice(words.findIndex(word => !reserved.has(word))))
    .filter(words => words.length > 0 && !reserved.has(words[0] ?? ''));
}

/** Names that the code assigns, reads or loops over. */
function setNames(code: string): string[] {
  const assigned = [...code.matchAll(/(?<!\w)([A-Za-z_]\w*)(?:\[[^\]]{0,100}\])?\+?=/g)].map(([, name = '']) => name);
  const listed = [...code.matchAll(/\b(?:for|select|read|unset|mapfile|readarray|getopts|printf\s+-v)\b([^\n;|&]*)/g)];
  return [...assigned, ...listed.flatMap(([, names = '']) => names.match(/(?<![$\w{])[A-Za-z_][A-Za-z0-9_]*/g) ?? [])];
}

/** Words as `env -S` splits them: at blanks, without quotes. */
export function splitWords(text: string): string[] {
  const words = text.match(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/gs) ?? [];
  return words.map(word =>
    word.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_, ...[single, double, one]: string[]) => single ?? double ?? one ?? '',
    ),
  );
}

/** Substitutions in substitutions that are read; what is deeper is not. */
const mostNested = 100;

interface Reading {
  depth: number;
  code: string;
  at: number;
  env: Variables;
  found: string[][];
  /** The here-documents that begin after this line. */
  documents: { end: string; isQuoted: boolean }[];
}

/** Reads up to the closing character, or to the end. */
function readCommands(reading: Reading, close: ')' | '`' | null): void {
  let words: string[] = [];
  const finish = () => {
    if (words.length > 0) reading.found.push(words);
    words = [];
  };
  while (reading.at < reading.code.length) {
    const char = reading.code[reading.at] ?? '';
    if (char === close) break;
    const redirection = redirectionAt(reading);
    if (redirection !== null) {
      if (/\d$/.test(reading.code[reading.at - 1] ?? '') && /^\d+$/.test(words.at(-1) ?? '')) words.pop();
      skipRedirection(reading, redirection, close);
      continue;
    }
    if (';&|\n()'.includes(char)) finish();
    if (char === '#' && /[\s;&|(]/.test(reading.code[reading.at - 1] ?? '\n')) skipComment(reading);
    else if (char === '\n') skipDocuments(reading);
    else if (/[\s;&|()]/.test(char)) reading.at++;
    else if (char === '`' && close !== '`') nested(reading, '`', 1);
    else words.push(readWord(reading, close));
  }
  reading.at++;
  finish();
}

function redirectionAt({ code, at }: Reading): string | null {
  return /^(?:<<<|<<-?|<>|<&|<\(|<|&>>?|>>|>&|>\||>\(|>)/.exec(code.slice(at, at + 3))?.[0] ?? null;
}

/** What a command reads and writes is none of its words. Commands of a substitution there are found. */
function skipRedirection(reading: Reading, operator: string, close: ')' | '`' | null): void {
  reading.at += operator.length;
  if (operator.endsWith('(')) {
    nested(reading, ')', 0);
    return;
  }
  while (/[ \t]/.test(reading.code[reading.at] ?? '')) reading.at++;
  const from = reading.at;
  if (redirectionAt(reading)?.endsWith('(') === true) return;
  const word = readWord(reading, close);
  if (!operator.startsWith('<<') || operator === '<<<') return;
  reading.documents.push({ end: word, isQuoted: /['"\\]/.test(reading.code.slice(from, reading.at)) });
}

/** Skips the here-documents that begin at the end of this line. Without quotes, substitutions in them are run. */
function skipDocuments(reading: Reading): void {
  reading.at++;
  for (const { end, isQuoted } of reading.documents.splice(0)) {
    const from = reading.at;
    let line: string;
    do {
      const stop = reading.code.indexOf('\n', reading.at);
      line = reading.code.slice(reading.at, stop < 0 ? undefined : stop);
      reading.at = stop < 0 ? reading.code.length : stop + 1;
    } while (line.replace(/^\t+/, '') !== end && reading.at < reading.code.length);
    const inside = { ...reading, code: reading.code.slice(from, reading.at), at: 0 };
    while (!isQuoted && inside.at < inside.code.length) readPiece(inside, inside.code[inside.at] ?? '', true);
  }
}

function skipComment(reading: Reading): void {
  const end = reading.code.indexOf('\n', reading.at);
  reading.at = end < 0 ? reading.code.length : end;
}

function nested(reading: Reading, close: ')' | '`', opening: number): void {
  reading.at += opening;
  if (reading.depth >= mostNested) {
    reading.at = reading.code.length;
    return;
  }
  reading.depth++;
  readCommands(reading, close);
  reading.depth--;
}

function readWord(reading: Reading, close: ')' | '`' | null): string {
  let word = '';
  let quoted = false;
  while (reading.at < reading.code.length) {
    const char = reading.code[reading.at] ?? '';
    if (!quoted && (/[\s;&|()<>]/.test(char) || char === close)) break;
    if (quoted && char === '`' && close === '`') break;
    word += readPiece(reading, char, quoted);
    if (char === '"') quoted = !quoted;
  }
  return word;
}

/** Reads one character, quotation, variable or substitution, and returns its text. */
function readPiece(reading: Reading, char: string, quoted: boolean): string {
  const { code } = reading;
  if (char === '\\') {
    reading.at += 2;
    const next = code[reading.at - 1] ?? '';
    return next === '\n' ? '' : next;
  }
  if (char === "'" && !quoted) {
    const end = code.indexOf("'", reading.at + 1);
    const text = code.slice(reading.at + 1, end < 0 ? code.length : end);
    reading.at = end < 0 ? code.length : end + 1;
    return text;
  }
  if (char === '`') {
    nested(reading, '`', 1);
    return '`…`';
  }
  if (char === '$') return readDollar(reading);
  reading.at++;
  return char === '"' ? '' : char;
}

function readDollar(reading: Reading): string {
  const rest = reading.code.slice(reading.at, reading.at + 200);
  if (rest.startsWith('$(') && !rest.startsWith('$((')) {
    nested(reading, ')', 2);
    return '$(…)';
  }
  const named = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\})/.exec(rest);
  if (named === null) {
    reading.at++;
    return '$';
  }
  reading.at += named[0].length;
  const [whole, bare, braced, change = ''] = named;
  const value = /^(?::?[-?=].*)?$/s.test(change) ? reading.env[bare ?? braced ?? ''] : undefined;
  // A default or a change of the value is not read: it stays as it is written, which is no name of a host.
  return value === undefined || (value === '' && change !== '') ? whole : value;
}
