import { z } from 'zod';

/** The header with which a caller may send the same request twice. */
export function onceHeader(description: string) {
  return z.object({
    'idempotency-key': z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible characters of ASCII, no spaces')
      .optional()
      .meta({ description }),
  });
}
