import type { Counted, DetectRule, Tally } from '../../model/records/records.ts';
import type { Store } from '../../ports/store.ts';

/** Keys of one rule that the store counts at the same time, over all nodes; a batch under way on another node may add some. */
export const mostKeys = 10_000;

/** The same with those that were full by one batch alone: whoever makes up keys makes full ones, too. */
const mostFull = 2 * mostKeys;

/** Batches with fewer keys are let in without a look, until this node's own count comes near the limit. */
const checkFrom = 500;

/** How many keys are asked for together. */
const chunk = 500;

export interface Room {
  /**
   * The counts that the store has room for. Of keys that are new and beyond it only those are counted that are full by this batch alone; the
   * others are noted in `counted.beyond`.
   */
  fit(source: string, rules: readonly DetectRule[], counted: Counted): Promise<Tally[]>;
}

/** Limits how many keys of a rule are counted, so that whoever makes up keys does not fill the store. */
export function createRoom({ store }: { store: Pick<Store, 'tallyKeys' | 'tallySums' | 'sightings'> }): Room {
  /** Keys that were let in without a look, by source and rule, since the last one. */
  const unseen = new Map<string, number>();

  async function known(source: string, rule: string, keys: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    for (let at = 0; at < keys.length; at += chunk) {
      const sums = await store.tallySums({ source, rule, keys: keys.slice(at, at + chunk), limit: 1000 });
      for (const { key } of sums) found.add(key);
    }
    return found;
  }

  /** Of a key that fires already it matters that something came, and no more which values. */
  async function withoutNeedless(
    source: string,
    rule: DetectRule,
    tallies: readonly Tally[],
  ): Promise<readonly Tally[]> {
    if (rule.window.kind !== 'distinct' || tallies.length === 0) return tallies;
    const firing = new Set<string>();
    for (const one of await store.sightings(mostKeys))
      if (one.source === source && one.rule === rule.name) firing.add(one.key);
    const had = new Set<string>();
    return tallies.filter(({ key, bucket }) => {
      if (!firing.has(key)) return true;
      const name = `${bucket}\n${key}`;
      if (had.has(name)) return false;
      had.add(name);
      return true;
    });
  }

  return {
    async fit(source, rules, counted) {
      const fitting: Tally[] = [];
      const byRule = Map.groupBy(counted.tallies, one => one.rule);
      for (const rule of rules) {
        const tallies = await withoutNeedless(source, rule, byRule.get(rule.name) ?? []);
        const sums = new Map<string, number>();
        for (const { key, n } of tallies) sums.set(key, (sums.get(key) ?? 0) + n);
        const name = `${source}\n${rule.name}`;
        const before = unseen.get(name) ?? 0;
        if (before + sums.size <= checkFrom) {
          unseen.set(name, before + sums.size);
          fitting.push(...tallies);
          continue;
        }
        const stored = await store.tallyKeys({ source, rule: rule.name, most: mostFull });
        unseen.set(name, 0);
        if (stored + sums.size <= mostKeys) {
          unseen.set(name, 0);
          fitting.push(...tallies);
          continue;
        }
        const there = await known(source, rule.name, [...sums.keys()]);
        const atLeast = 'atLeast' in rule.window ? rule.window.atLeast : 1;
        const fresh = [...sums].filter(([key]) => !there.has(key)).sort(([, one], [, other]) => other - one);
        const taken = new Set(fresh.slice(0, Math.max(0, mostKeys - stored)).map(([key]) => key));
        const room = mostFull - stored;
        for (const [key, n] of fresh) if (n >= atLeast && atLeast > 1 && taken.size < room) taken.add(key);
        let left = 0;
        for (const tally of tallies) {
          if (there.has(tally.key) || taken.has(tally.key)) fitting.push(tally);
          else left += tally.n;
        }
        if (left > 0) counted.beyond.set(rule.name, (counted.beyond.get(rule.name) ?? 0) + left);
      }
      return fitting;
    },
  };
}
