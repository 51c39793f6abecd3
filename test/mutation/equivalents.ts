/** Mutants of the safety files that change nothing anybody could see, each with the reason. `npm run test:mutation` does not count them. */

import { edges } from './equivalents/edges.ts';
import { flow } from './equivalents/flow.ts';
import { kernel } from './equivalents/kernel.ts';
import type { Equivalents } from './equivalents/shape.ts';

/** By file; one entry for each mutant, in any order. */
export const equivalents: Equivalents = { ...edges, ...flow, ...kernel };
