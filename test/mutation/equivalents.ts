/** Mutants of the safety files that change nothing anybody could see, each with the reason. `npm run test:mutation` does not count them. */

export interface Equivalent {
  /** The source text that the mutant replaces, exactly. */
  was: string;
  /** What the mutant puts in its place, exactly as the report says. */
  becomes: string;
  because: string;
}

/** By file; one entry for each mutant, in any order. */
export const equivalents: Record<string, Equivalent[]> = {
  'src/flow/pipeline/decide.ts': [
    {
      was: 'errors.length > 0',
      becomes: 'true',
      because: 'without an error something caps only `auto`, and whether a rule failed matters only for `notify`',
    },
    {
      was: 'errors.length > 0',
      becomes: 'errors.length >= 0',
      because: 'without an error something caps only `auto`, and whether a rule failed matters only for `notify`',
    },
    {
      was: 'order.indexOf(verdict) >= order.indexOf(cap)',
      becomes: 'order.indexOf(verdict) > order.indexOf(cap)',
      because: 'at the same place both verdicts are the same one',
    },
    {
      was: "'auto'",
      becomes: '""',
      because: '`auto` is then at -1, which is before the others as well',
    },
  ],
};
