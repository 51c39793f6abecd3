import { z } from 'zod';

/**
 * How long something took, as counts that add up exactly: of each bucket how many, and the sum in milliseconds. A bucket is a quarter
 * longer than the one before, so a median read from it is right within an eighth.
 */
export const spread = z.object({
  count: z.int(),
  sum: z.number(),
  /** By number of the bucket. */
  buckets: z.record(z.string(), z.int()),
});
export type Spread = z.infer<typeof spread>;

const step = Math.log(1.25);

export const noSpread = (): Spread => ({ count: 0, sum: 0, buckets: {} });

/** Changes `into`. `by` -1 takes back what was added. Times below 0 are the clocks of two nodes, and count as 0. */
export function addTime(into: Spread, milliseconds: number, by: 1 | -1 = 1): void {
  const took = Math.max(0, milliseconds);
  const bucket = String(Math.floor(Math.log(Math.max(1, took)) / step));
  into.count += by;
  into.sum += by * took;
  const left = (into.buckets[bucket] ?? 0) + by;
  if (left === 0) delete into.buckets[bucket];
  else into.buckets[bucket] = left;
}

export function mergeSpread(into: Spread, other: Spread): void {
  into.count += other.count;
  into.sum += other.sum;
  for (const [bucket, count] of Object.entries(other.buckets))
    into.buckets[bucket] = (into.buckets[bucket] ?? 0) + count;
}

/** Milliseconds; null for nothing. */
export function meanOf({ count, sum }: Spread): number | null {
  return count <= 0 ? null : Math.round(sum / count);
}

/** The time that this part of them stayed below, milliseconds, right within an eighth; null for nothing. */
export function quantileOf({ count, buckets }: Spread, part: number): number | null {
  if (count <= 0) return null;
  const wanted = Math.max(1, Math.ceil(count * part));
  let seen = 0;
  const ordered = Object.entries(buckets).map(([name, many]) => [Number(name), many] as const);
  for (const [bucket, many] of ordered.sort(([a], [b]) => a - b)) {
    seen += many;
    if (seen >= wanted) return Math.round(Math.exp((bucket + 0.5) * step));
  }
  return null;
}
