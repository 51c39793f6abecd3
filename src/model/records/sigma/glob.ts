/** A text of a Sigma rule, in which `*` stands for anything and `?` for one character. */
export interface Glob {
  /** Parts between `*`, each a list of characters in which null is any one. */
  parts: readonly Part[];
}

type Part = readonly (string | null)[];

/**
 * Reads the wildcards. A backslash takes the meaning of a wildcard, and of a backslash, behind it; before anything else it is itself. Source:
 * Sigma specification 2.1, sigma-rules-specification, "Escaping".
 */
export function readGlob(text: string): Glob {
  const parts: (string | null)[][] = [[]];
  const add = (one: string | null) => parts.at(-1)?.push(one);
  const letters = [...text];
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at] ?? '';
    const next = letters[at + 1];
    if (letter === '\\' && (next === '*' || next === '?' || next === '\\')) {
      add(next);
      at += 1;
    } else if (letter === '*') parts.push([]);
    else add(letter === '?' ? null : letter);
  }
  return { parts };
}

/** With `*` before or behind it. */
export function widen({ parts }: Glob, { before, behind }: { before: boolean; behind: boolean }): Glob {
  return { parts: [...(before ? [[]] : []), ...parts, ...(behind ? [[]] : [])] };
}

/** What says whether a whole text fits. Letters are compared without their case unless it is `cased`. */
export function globMatcher({ parts }: Glob, cased: boolean): (text: string) => boolean {
  const fold = (text: string) => (cased ? text : text.toLowerCase());
  const folded = parts.map(part => part.map(one => (one === null ? null : fold(one))));
  const [first = []] = folded;
  if (folded.length === 1 && first.every(one => one !== null)) {
    const whole = first.join('');
    return text => fold(text) === whole;
  }
  const middle = folded.slice(1, -1);
  const last = folded.at(-1) ?? [];
  const plain = [first, ...middle, last].map(part => (part.includes(null) ? null : part.join('')));
  return text => {
    const given = fold(text);
    if (folded.length === 1) return fitsAt(given, 0, first) === given.length;
    let at = fitsAt(given, 0, first);
    if (at < 0) return false;
    for (const [index, part] of middle.entries()) {
      at = findPart(given, at, part, plain[index + 1] ?? null);
      if (at < 0) return false;
    }
    return endsWith(given, at, last);
  };
}

/** Where the part ends when it stands there; -1 when it does not. */
function fitsAt(text: string, start: number, part: Part): number {
  let at = start;
  for (const one of part) {
    if (one === null) {
      const code = text.codePointAt(at);
      if (code === undefined) return -1;
      at += code > 0xffff ? 2 : 1;
    } else if (text.startsWith(one, at)) at += one.length;
    else return -1;
  }
  return at;
}

/** Where the first one from there on ends. */
function findPart(text: string, start: number, part: Part, plain: string | null): number {
  if (plain !== null) {
    const found = text.indexOf(plain, start);
    return found < 0 ? -1 : found + plain.length;
  }
  for (let at = start; at <= text.length; at += 1) {
    const end = fitsAt(text, at, part);
    if (end >= 0) return end;
  }
  return -1;
}

function endsWith(text: string, from: number, part: Part): boolean {
  const shortest = part.reduce((sum, one) => sum + (one === null ? 1 : one.length), 0);
  // Characters may be two units long, so the place from which the end fits is looked for.
  const longest = part.reduce((sum, one) => sum + (one === null ? 2 : one.length), 0);
  for (let length = shortest; length <= longest; length += 1) {
    const at = text.length - length;
    if (at >= from && fitsAt(text, at, part) === text.length) return true;
  }
  return false;
}
