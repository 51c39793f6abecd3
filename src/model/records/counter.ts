import { startOf } from '../incoming.ts';
import type { Evidence } from './evidence.ts';
import { boundValue } from './keys.ts';
import type { DetectRule } from './rule.ts';
import { type Purse, RuleCounter } from './rule-counter.ts';
import type { Tally } from './tally.ts';
import type { LogRecord } from './types.ts';

export interface CounterParts {
  source: string;
  rules: readonly DetectRule[];
  /** Where the batch is from. */
  from: string;
  /** When it arrived, milliseconds since the epoch. */
  now: number;
  /** How late a record may be to count, milliseconds. */
  late: number;
  /** Takes secrets out of a text. */
  hide(text: string): string;
}

/** A match of a rule that makes notices. */
export interface Match {
  rule: DetectRule;
  values: string[];
  evidence: Evidence;
}

export interface Counted {
  tallies: Tally[];
  matches: Match[];
  /** By rule: matches that made no notice because there are so many. */
  moreMatches: Map<string, number>;
  /** By rule: records of keys beyond the limit, which were not counted. */
  beyond: Map<string, number>;
  /** By rule: records that came too late to count. */
  tooLate: Map<string, number>;
}

/** Limits of what one batch holds in memory. */
const counterLimits = {
  /** Keys of one rule; of more, those with the fewest records are given up. */
  keys: 10_000,
  /** Keys of all rules together. */
  allKeys: 100_000,
  /** Stretches and different values of all keys of all rules: so many rows are written at one time. */
  cells: 50_000,
  /** Notices of one rule. */
  matches: 20,
  /** Characters of evidence: of keys with few records, and of those that may fire. */
  evidence: 256 * 1024,
};

/** Counts the records of one batch by the rules. What it makes is added to the store: no order of records or batches changes the sums. */
export function createCounter(parts: CounterParts, limits = counterLimits) {
  const most = Math.min(limits.keys, Math.max(100, Math.floor(limits.allKeys / Math.max(1, parts.rules.length))));
  const purse: Purse = { few: limits.evidence, many: limits.evidence, cells: limits.cells };
  const counters = parts.rules.map(rule =>
    rule.window.kind === 'each' && rule.window.as === 'notice'
      ? createNoticer(rule, parts, limits.matches)
      : counting(rule, new RuleCounter(rule, parts, most, purse)),
  );
  return {
    take(record: LogRecord, place: number): void {
      for (const counter of counters) counter.take(record, place);
    },
    done(): Counted {
      const counted: Counted = {
        tallies: [],
        matches: [],
        moreMatches: new Map(),
        beyond: new Map(),
        tooLate: new Map(),
      };
      for (const counter of counters) counter.add(counted);
      return counted;
    },
  };
}

interface Counter {
  take(record: LogRecord, place: number): void;
  add(counted: Counted): void;
}

function createNoticer(rule: DetectRule, parts: CounterParts, most: number): Counter {
  const matches: Match[] = [];
  let more = 0;
  return {
    take(record, place) {
      if (!rule.matches(record)) return;
      if (matches.length >= most) more += 1;
      else {
        const at = startOf(record.at(), parts.now);
        const evidence = { from: parts.from, place, at, record: parts.hide(record.text().slice(0, 4000)) };
        matches.push({ rule, values: rule.keyOf(record).map(value => boundValue(parts.hide(value))), evidence });
      }
    },
    add(counted) {
      counted.matches.push(...matches);
      if (more > 0) counted.moreMatches.set(rule.name, more);
    },
  };
}

function counting(rule: DetectRule, counter: RuleCounter): Counter {
  return {
    take: (record, place) => counter.take(record, place),
    add(counted) {
      for (const tally of counter.tallies()) counted.tallies.push(tally);
      if (counter.beyond > 0) counted.beyond.set(rule.name, counter.beyond);
      if (counter.tooLate > 0) counted.tooLate.set(rule.name, counter.tooLate);
    },
  };
}
