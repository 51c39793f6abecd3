/** Words before a command that are none themselves. */
const reserved = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '!', '{', 'time', 'coproc']);

type Variables = Readonly<Record<string, string>>;

/**
 * The simple commands in the code of a shell, each as its words, also those in `$( )`, backquotes and subshells. Good enough to find what a
 * script runs, not to run it: variables that are not given stay as they are written, and here-documents are read as code.
 */
export function commandsOf(code: string, env: Variables): string[][] {
  const found: string[][] = [];
  readCommands({ code, at: 0, env, found }, null);
  return found
    .map(words => words.slice(words.findIndex(word => !reserved.has(word))))
    .filter(words => words.length > 0 && !reserved.has(words[0] ?? ''));
}

interface Reading {
  code: string;
  at: number;
  env: Variables;
  found: string[][];
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
    if (';&|\n()'.includes(char)) finish();
    if (char === '#' && /[\s;&|(]/.test(reading.code[reading.at - 1] ?? '\n')) skipComment(reading);
    else if (/[\s;&|()<>]/.test(char)) reading.at++;
    else if (char === '`' && close !== '`') nested(reading, '`', 1);
    else words.push(readWord(reading, close));
  }
  reading.at++;
  finish();
}

function skipComment(reading: Reading): void {
  const end = reading.code.indexOf('\n', reading.at);
  reading.at = end < 0 ? reading.code.length : end;
}

function nested(reading: Reading, close: ')' | '`', opening: number): void {
  reading.at += opening;
  readCommands(reading, close);
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
  const named = /^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\})/.exec(rest);
  if (named === null) {
    reading.at++;
    return '$';
  }
  reading.at += named[0].length;
  return reading.env[named[1] ?? named[2] ?? ''] ?? named[0];
}
