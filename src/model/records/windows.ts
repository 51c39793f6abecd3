import type { Tally } from './tally.ts';

// A window slides in steps: what is within it is counted in stretches of a twelfth of its length. So no window that is counted is longer than
// the rule says, and records that are closer together than eleven twelfths of it are always counted together.
const steps = 12;

/** The length of a stretch, milliseconds. */
export function stretchOf(within: number): number {
  return Math.max(1, Math.floor(within / steps));
}

/** The start of the stretch with this time. */
export function bucketOf(at: number, within: number): number {
  const stretch = stretchOf(within);
  return Math.floor(at / stretch) * stretch;
}

export interface Found {
  /** Records, or different values, in the fullest window. */
  total: number;
  /** Its first and its last stretch in which something is, milliseconds since the epoch. */
  first: number;
  last: number;
}

type Cell = Pick<Tally, 'bucket' | 'value' | 'n'>;

/**
 * The window with the most in it, the first of several; null when there is none. With `touched` only windows count that have one of these
 * stretches in them: what was full before is no news. Pure, and the order of the cells does not matter.
 */
export function fullest(
  cells: readonly Cell[],
  window: { kind: 'count' | 'distinct'; within: number },
  touched?: ReadonlySet<number>,
): Found | null {
  const sorted = [...cells].sort((one, other) => one.bucket - other.bucket);
  const reach = stretchOf(window.within) * (steps - 1);
  const inside = window.kind === 'count' ? countRecords() : countValues();
  let best: Found | null = null;
  let from = 0;
  let news = 0;
  for (const [to, cell] of sorted.entries()) {
    inside.add(cell);
    if (touched?.has(cell.bucket)) news += 1;
    for (let first = sorted[from]; first !== undefined && cell.bucket - first.bucket > reach; first = sorted[from]) {
      inside.remove(first);
      if (touched?.has(first.bucket)) news -= 1;
      from += 1;
    }
    // All of one stretch belong together.
    if (sorted[to + 1]?.bucket === cell.bucket || (touched !== undefined && news === 0)) continue;
    if (best === null || inside.total() > best.total)
      best = { total: inside.total(), first: sorted[from]?.bucket ?? cell.bucket, last: cell.bucket };
  }
  return best;
}

function countRecords() {
  let sum = 0;
  return {
    add({ n }: Cell) {
      sum += n;
    },
    remove({ n }: Cell) {
      sum -= n;
    },
    total: () => sum,
  };
}

function countValues() {
  const counts = new Map<string, number>();
  return {
    add: ({ value }: Cell) => void counts.set(value, (counts.get(value) ?? 0) + 1),
    remove({ value }: Cell) {
      const left = (counts.get(value) ?? 0) - 1;
      if (left > 0) counts.set(value, left);
      else counts.delete(value);
    },
    total: () => counts.size,
  };
}
