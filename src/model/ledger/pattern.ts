/**
 * True when the text is what the pattern says; `*` stands for any characters, also none, and everything else for itself, in upper and lower
 * case as written. Takes time of pattern times text at most, whatever they are.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, here] = [0, 0];
  let [star, from] = [-1, 0];
  while (here < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      from = here;
    } else if (at < pattern.length && pattern[at] === text[here]) {
      at++;
      here++;
    } else if (star >= 0) {
      // The last star takes one character more. Earlier ones need not: what stands between them was found as early as it can be.
      at = star + 1;
      here = ++from;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** True when one of the patterns fits; an empty list is for anything. */
export function fitsAny(patterns: readonly string[], text: string): boolean {
  return patterns.length === 0 || patterns.some(pattern => matchesPattern(pattern, text));
}
