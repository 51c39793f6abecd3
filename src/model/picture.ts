import { z } from 'zod';

const number = z.number().nullable();

/** A stored picture of series, as a card shows it. The data is a blob; a platform that shows no pictures has the text and the numbers. */
export const picture = z.object({
  /** The digest of its data; see kernel/chart/chart.ts. */
  id: z.string(),
  /** The picture in words. */
  alt: z.string(),
  /** The numbers of each line. */
  rows: z.array(z.object({ name: z.string(), first: number, last: number, low: number, high: number })),
  /** How many series are not drawn. */
  more: z.int(),
});
export type Picture = z.infer<typeof picture>;
