export interface Equivalent {
  /** The source text that the mutant replaces, exactly. */
  was: string;
  /** What the mutant puts in its place, exactly as the report says. */
  becomes: string;
  because: string;
}

/** By file; one entry for each mutant, in any order. */
export type Equivalents = Record<string, Equivalent[]>;
