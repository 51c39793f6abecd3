/** Letters of other scripts, and other forms of letters, by the ASCII letter that they cannot be told from in common fonts. */
const twins: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аɑα',
    b: 'ЬƄ',
    c: 'сϲᴄ',
    d: 'ԁ',
    e: 'еҽ',
    g: 'ɡց',
    h: 'һհ',
    i: 'іıӏι',
    j: 'јϳ',
    k: 'κ',
    l: 'ⅼ',
    n: 'ո',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛ',
    r: 'г',
    s: 'ѕ',
    u: 'υս',
    v: 'ѵν',
    w: 'ԝա',
    x: 'хχ',
    y: 'уγ',
    z: 'ᴢ',
    A: 'АΑ',
    B: 'ВΒ',
    C: 'СϹ',
    E: 'ЕΕ',
    F: 'Ϝ',
    H: 'НΗ',
    I: 'ІΙӀ',
    J: 'Ј',
    K: 'КΚ',
    M: 'МΜ',
    N: 'Ν',
    O: 'ОΟՕ',
    P: 'РΡ',
    S: 'ЅՏ',
    T: 'ТΤ',
    X: 'ХΧ',
    Y: 'ҮΥ',
    Z: 'Ζ',
    '-': '‐‑‒–−',
    '.': '․',
  }).flatMap(([plain, others]) => [...others].map(one => [one, plain] as const)),
);

/** What cannot be seen at all. */
const unseen = /[\p{Cf}\p{DI}]/u;
const ascii = /^[\x20-\x7e]*$/;

/**
 * The text as it is read: look-alike letters of other scripts are the ASCII letters that they look like, full-width and mathematical forms
 * are plain ones, and what cannot be seen is left out. Two texts of one skeleton cannot be told apart.
 */
export function skeleton(text: string): string {
  if (ascii.test(text)) return text;
  return [...text.normalize('NFKC')]
    .flatMap(letter => (unseen.test(letter) ? [] : (twins.get(letter) ?? letter)))
    .join('');
}

const scripts = ['Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Lisu'] as const;
const scriptTests = scripts.map(name => [name, new RegExp(`\\p{Script=${name}}`, 'u')] as const);

/** A character that is not what it looks like. */
export interface Odd {
  /** As it stands in the text. */
  letter: string;
  /** For people: `Cyrillic`, `Greek`; `invisible`; `not the plain letter` for another form of it. */
  is: string;
}

/** The first character of a text that its skeleton has otherwise; null when the text is its own skeleton. */
export function firstOdd(text: string): Odd | null {
  if (ascii.test(text)) return null;
  for (const letter of text) {
    if (unseen.test(letter)) return { letter, is: 'invisible' };
    if (skeleton(letter) === letter) continue;
    return { letter, is: scriptTests.find(([, test]) => test.test(letter))?.[0] ?? 'not the plain letter' };
  }
  return null;
}

const latin = /\p{Script=Latin}/u;
const word = /[\p{L}\p{M}]+/gu;

/**
 * The first character that makes a name a mix of scripts that cannot be seen: beside Latin letters, a look-alike of one in the same word
 * (`wеb`), or a word of look-alikes alone (`web-а`). Null for names of one script, and for names whose words are each plainly of one.
 */
export function firstMixed(name: string): Odd | null {
  if (ascii.test(name)) return null;
  const words = name.match(word) ?? [];
  if (!words.some(one => latin.test(one))) return null;
  for (const one of words) {
    const mixed = latin.test(one) && scriptTests.some(([, test]) => test.test(one));
    const disguised = !latin.test(one) && ascii.test(skeleton(one));
    if (!mixed && !disguised) continue;
    const odd = firstOdd(one) ?? firstForeign(one);
    if (odd !== null) return odd;
  }
  return null;
}

/** The least letters of a word that is disguised: shorter ones are words of their own in Russian and Greek. */
const leastLetters = 3;

/**
 * The first character of a word that is read as a plain Latin one although none of its letters is (`рау`, `ｐａｙ`); null without such a word,
 * also for words of other scripts with at least one letter that has no Latin twin.
 */
export function firstDisguised(name: string): Odd | null {
  if (ascii.test(name)) return null;
  const words = name.normalize('NFC').match(word) ?? [];
  const found = words.find(one => {
    const read = skeleton(one);
    return !/[a-z]/i.test(one) && /^[a-z]+$/i.test(read) && read.length >= leastLetters;
  });
  return found === undefined ? null : firstOdd(found);
}

/** For a mix whose foreign letter has no twin in the table. */
function firstForeign(text: string): Odd | null {
  for (const letter of text) {
    const script = scriptTests.find(([, test]) => test.test(letter));
    if (script !== undefined) return { letter, is: script[0] };
  }
  return null;
}
