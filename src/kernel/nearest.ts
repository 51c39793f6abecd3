import { distance } from 'fastest-levenshtein';

/**
 * The known word that a word is a slip of: a letter is wrong, missing or too many; two in words of more than five letters. Stricter than
 * `nearest`, for where most words are none of the known ones.
 */
export function slipOf(word: string, known: Iterable<string>): string | null {
  const near = nearest(word, known);
  if (near === null) return null;
  return distance(word.toLowerCase(), near.toLowerCase()) <= (word.length > 5 ? 2 : 1) ? near : null;
}

/** The known word nearest to a mistyped one by Levenshtein distance, or null when none is near. */
export function nearest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const far = distance(word.toLowerCase(), candidate.toLowerCase());
    if (far < least) {
      least = far;
      best = candidate;
    }
  }
  return best;
}
