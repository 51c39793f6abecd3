/**
 * Stretches of the journal of which it is known, without reading them, that they hold nothing that a follower wants: others tell the kinds of
 * what they append. News of own commits and of those of others arrive on two ways, so a stretch may come before the one ahead of it.
 */
export interface PassedOver {
  /** False when there are too many stretches to remember: then the follower had better read. */
  add(first: number, last: number): boolean;
  /** How far the stretches lead on from here; drops those that are behind. */
  reach(cursor: number): number;
}

const most = 64;

export function createPassedOver(): PassedOver {
  /** In order, without overlaps. */
  let stretches: { first: number; last: number }[] = [];
  return {
    add(first, last) {
      let at = stretches.length;
      while (at > 0 && (stretches[at - 1] as { first: number }).first > first) at--;
      const before = stretches[at - 1];
      if (before !== undefined && before.last >= first - 1) before.last = Math.max(before.last, last);
      else stretches.splice(at, 0, { first, last });
      return stretches.length <= most;
    },
    reach(cursor) {
      let reached = cursor;
      let count = 0;
      for (const { first, last } of stretches) {
        if (first > reached + 1) break;
        reached = Math.max(reached, last);
        count++;
      }
      if (count > 0) stretches = stretches.slice(count);
      return reached;
    },
  };
}
