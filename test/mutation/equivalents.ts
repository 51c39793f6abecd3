/** Mutants of the safety files that change nothing anybody could see, each with the reason. `npm run test:mutation` does not count them. */

export interface Equivalent {
  /** The source text that the mutant replaces, exactly. */
  was: string;
  /** What the mutant puts in its place, exactly as the report says. */
  becomes: string;
  because: string;
}

/** By file; one entry for each mutant, in any order. */
export const equivalents: Record<string, Equivalent[]> = {};
