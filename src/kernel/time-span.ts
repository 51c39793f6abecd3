import { z } from 'zod';
import { duration } from './duration.ts';

/** A span of time as runbooks give it: `10m` in a file, the same or milliseconds from TypeScript. The parsed value is milliseconds. */
export const timeSpan = z.union([duration, z.number().int().min(0).meta({ description: 'Milliseconds.' })]);
