/**
 * Invisible characters and characters that change how the text around them looks: controls, format characters (bidi, zero width, tags),
 * other default-ignorable code points, line and paragraph separators, lone surrogates, space look-alikes, the blank Braille cell. New line
 * and tab are not among them. Emoji keep their joiner and variation selectors.
 */
const hidden =
  /(?<!\p{Extended_Pictographic}|\p{Extended_Pictographic}\p{EMod}|\p{Extended_Pictographic}\ufe0f|[0-9#*])\ufe0f|(?<!\p{Extended_Pictographic}|\p{EMod}|\ufe0f)\u200d|\u200d(?!\p{Extended_Pictographic})|(?!\n|\t|\u200d|\ufe0f)[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}\p{Cs}\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800]/gu;

/** Marks that stand on a letter which has eight already: no word needs them, and piled up they cover the lines around. */
const piled = /(?<=\p{M}{8})\p{M}/gu;

/** Only printable ASCII, new lines and tabs: the usual case, which needs no work. */
const plain = /^[\n\t\x20-\x7e]*$/;

/**
 * Escapes invisible characters, and marks that are piled up on one letter: U+202E becomes the six characters `\u202e`, a carriage return
 * `\r`. New lines and tabs stay.
 */
export function visible(text: string): string {
  return plain.test(text) ? text : text.replace(piled, writtenOut).replace(hidden, writtenOut);
}

/** `visible` on one line: new lines and tabs are escaped too. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

function writtenOut(character: string): string {
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/**
 * Cuts the text to at most `max` UTF-16 code units, including the note about the rest: `abc… 1,234 more characters`. Surrogate pairs stay
 * whole. The count is in code points.
 */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  // The note's length depends on its own number, which differs by at most the digits of the whole length.
  const longest = note(text.length).length;
  if (longest >= max) return `${wholeCharacters(text, Math.max(0, max - 1))}…`.slice(0, Math.max(0, max));
  const kept = wholeCharacters(text, max - longest);
  return kept + note(countCharacters(text, kept.length));
}

/** What `cutText` leaves out: how many characters, and their end, at most 200 long; null when nothing is. */
export function cutAway(text: string, max: number): { count: number; end: string } | null {
  return text.length <= max ? null : { count: cutCount(cutText(text, max)), end: wholeFrom(text, text.length - 200) };
}

/** The count of the last note of a text that was cut; 0 without one. */
export function cutCount(cut: string): number {
  const found = [...cut.matchAll(/… ([\d,]+) more characters/g)].at(-1)?.[1] ?? '0';
  return Number(found.replaceAll(',', ''));
}

/** The beginning and the end of a text, at most `max` UTF-16 code units, with the number of characters that are left out between them. */
export function cutMiddle(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = Math.max(0, max - leftOut(text.length).length);
  const head = wholeCharacters(text, Math.ceil(room / 2));
  const tail = wholeFrom(text, text.length - Math.floor(room / 2));
  return `${head}${leftOut(countCharacters(text.slice(0, text.length - tail.length), head.length))}${tail}`;
}

function leftOut(count: number): string {
  return `\n… ${count.toLocaleString('en-GB')} characters are left out here …\n`;
}

/** `visibleLine` and `cutText`. Use it on each value, so that a long one does not push later ones out of sight. */
export function cutLine(text: string, max: number): string {
  return cutText(visibleLine(text), max);
}

/**
 * The end of the text, at most `max` UTF-16 code units, including a note about what was cut above. It begins at the start of a line
 * when one is near. For logs, whose last lines matter most.
 */
export function cutHead(text: string, max: number): string {
  if (text.length <= max) return text;
  const longest = noteAbove(text.length).length;
  if (longest >= max) return `…${wholeFrom(text, text.length - Math.max(0, max - 1))}`.slice(0, Math.max(0, max));
  const budget = max - longest;
  const from = text.length - budget;
  const line = text.indexOf('\n', from);
  const kept = wholeFrom(text, line < 0 || line > from + budget / 2 ? from : line + 1);
  return noteAbove(countCharacters(text.slice(0, text.length - kept.length), 0)) + kept;
}

function note(count: number): string {
  return `… ${count.toLocaleString('en-GB')} more characters`;
}

function noteAbove(count: number): string {
  return `${note(count)} above\n`;
}

function wholeFrom(text: string, start: number): string {
  const first = text.charCodeAt(start);
  return text.slice(first >= 0xdc00 && first <= 0xdfff ? start + 1 : start);
}

function wholeCharacters(text: string, end: number): string {
  const last = text.charCodeAt(end - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end);
}

/** Characters from an offset on, a surrogate pair counted once. */
export function countCharacters(text: string, from: number): number {
  let count = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const pair = unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (pair) i++;
    count++;
  }
  return count;
}

/**
 * ECMA-48 escape sequences: CSI, the string sequences (OSC, DCS, SOS, PM, APC) up to their end, and the short ones; also their one-byte C1
 * forms. An unfinished sequence counts up to the end of its line.
 */
const escapes =
  /(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\)?|\x1b[\x20-\x2f]*[\x30-\x7e]?/g;

/** Removes all escape sequences, colours included. */
export function stripAnsi(text: string): string {
  return text.includes('\x1b') || /[\x90-\x9f]/.test(text) ? text.replace(escapes, '') : text;
}

/** SGR sequences, which set colours and weight: `ESC [ numbers m`. */
const look = /^\x1b\[[0-9;:]{0,64}m$/;

/** Removes all escape sequences except those that set colours and weight (SGR). */
export function keepColours(text: string): string {
  if (!text.includes('\x1b') && !/[\x90-\x9f]/.test(text)) return text;
  return text.replace(escapes, sequence => (look.test(sequence) ? sequence : ''));
}

/** Scripts with letters that look like Latin ones. */
const lookAlikes =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}]/u;
const latin = /\p{Script=Latin}/u;

/**
 * Words that mix Latin letters with look-alikes of another script (homographs): at most three, the first 60 letters of each, with letters
 * outside of ASCII escaped. `prоd` with a Cyrillic о becomes `pr\u{43e}d`. For a warning beside the text, because the mix cannot be seen.
 */
export function mixedWords(text: string): string[] {
  if (plain.test(text)) return [];
  const words = text.match(/[\p{L}\p{M}]+/gu) ?? [];
  return words
    .filter(word => latin.test(word) && lookAlikes.test(word))
    .slice(0, 3)
    .map(word => [...word.slice(0, 120)].slice(0, 60).map(spell).join(''));
}

function spell(letter: string): string {
  return letter < '\x7f' ? letter : `\\u{${letter.codePointAt(0)?.toString(16)}}`;
}
