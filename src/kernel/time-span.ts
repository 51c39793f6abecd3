import { z } from 'zod';
import { duration } from './duration.ts';

/**
 * A span of time as runbooks give it: `10m` in a file, the same or milliseconds from TypeScript. A small number is refused, because
 * whoever wrote `within: 30` meant anything but 30 milliseconds. The parsed value is milliseconds.
 */
export const timeSpan = z.union([
  duration,
  z
    .int()
    .min(1000, 'a bare number counts milliseconds; write a unit: 30s, 10m')
    .meta({ description: 'Milliseconds, at least 1000.' }),
]);
