import { sha256 } from '../../kernel/canonical.ts';
import { startOf } from '../incoming.ts';
import { mostEvidence, writeEvidence } from './evidence.ts';
import { boundValue, keyText, ownText } from './keys.ts';
import type { DetectRule } from './rule.ts';
import type { Tally } from './tally.ts';
import type { LogRecord } from './types.ts';
import { bucketOf } from './windows.ts';

export interface RuleCounterParts {
  source: string;
  from: string;
  now: number;
  late: number;
  hide(text: string): string;
}

/** What is left for all rules. */
export interface Purse {
  /** Evidence, characters: of keys with few records, and of those that may fire. */
  few: number;
  many: number;
  /** Stretches and different values. */
  cells: number;
}

interface Cell {
  bucket: number;
  value: string;
  n: number;
  sample: { place: number; at: number; text: string }[];
}

interface KeyCount {
  values: string[];
  n: number;
  cells: Map<string | number, Cell>;
  last: Cell | null;
  /** Of each stretch how many different values there are, and the cell of the first. */
  inStretch: Map<number, { count: number; first: Cell }>;
  samples: number;
}

/** How many records of a key are kept while it has few, and characters of each before secrets are taken out. */
const fewSamples = 3;
const longestKept = 4000;

/** Counts the records of one batch that match one rule, by key and stretch of time. */
export class RuleCounter {
  readonly #rule: DetectRule;
  readonly #parts: RuleCounterParts;
  readonly #mostKeys: number;
  readonly #purse: Purse;
  readonly #within: number;
  readonly #byTime: boolean;
  readonly #atLeast: number;
  readonly #oldest: number;
  readonly #keys = new Map<string, KeyCount>();
  /** Records of keys beyond the limits. */
  beyond = 0;
  tooLate = 0;

  constructor(rule: DetectRule, parts: RuleCounterParts, mostKeys: number, purse: Purse) {
    const { window } = rule;
    this.#rule = rule;
    this.#parts = parts;
    this.#mostKeys = mostKeys;
    this.#purse = purse;
    this.#within = window.kind === 'each' ? rule.quiet : window.within;
    this.#byTime = window.kind === 'count' || window.kind === 'distinct';
    this.#atLeast = 'atLeast' in window ? window.atLeast : 1;
    this.#oldest = parts.now - parts.late - this.#within;
  }

  take(record: LogRecord, place: number): void {
    const rule = this.#rule;
    if (!rule.matches(record)) return;
    const at = startOf(record.at(), this.#parts.now);
    if (this.#byTime && at < this.#oldest) {
      this.tooLate += 1;
      return;
    }
    const key = this.#keyOf(rule.keyOf(record));
    const { window } = rule;
    const value = window.kind === 'distinct' ? shortValue(window.of(record)) : '';
    const bucket = window.kind === 'absent' ? 0 : bucketOf(this.#byTime ? at : this.#parts.now, this.#within);
    const cell = this.#cellOf(key, bucket, value);
    if (cell === null) {
      this.beyond += 1;
      return;
    }
    key.n += 1;
    cell.n += 1;
    this.#keep(key, cell, record, place, at);
  }

  tallies(): Tally[] {
    const { source, now, late } = this.#parts;
    if (this.#keys.size > this.#mostKeys) this.#giveUp();
    const made: Tally[] = [];
    for (const { values, cells } of this.#keys.values()) {
      const of = { source, rule: this.#rule.name, key: keyText(values) };
      for (const { bucket, value, n, sample } of cells.values()) {
        const until = untilOf(this.#rule, { bucket, now, late });
        made.push({ ...of, bucket, value, n, arrived: now, until, sample: this.#written(sample) });
      }
    }
    return made;
  }

  #written(sample: Cell['sample']): string {
    const { from, hide } = this.#parts;
    return sample.map(({ place, at, text }) => writeEvidence({ from, place, at, record: hide(text) })).join('');
  }

  #keyOf(given: string[]): KeyCount {
    const known = this.#keys.get(nameOf(given.map(boundValue)));
    if (known !== undefined) return known;
    // Titles and labels are made of it. Only of a key that is new, because it takes longer than all the rest.
    const values = given.map(value => boundValue(this.#parts.hide(value)));
    const name = nameOf(values);
    const hidden = this.#keys.get(name);
    if (hidden !== undefined) return hidden;
    if (this.#keys.size >= 2 * this.#mostKeys) this.#giveUp();
    const made: KeyCount = {
      values: values.map(ownText),
      n: 0,
      cells: new Map(),
      last: null,
      inStretch: new Map(),
      samples: 0,
    };
    this.#keys.set(made.values.length === 1 ? (made.values[0] ?? '') : name, made);
    return made;
  }

  /** Keeps the keys with the most records. */
  #giveUp(): void {
    const sorted = [...this.#keys].sort(([, one], [, other]) => other.n - one.n);
    for (const [name, key] of sorted.slice(this.#mostKeys)) {
      this.beyond += key.n;
      this.#purse.cells += key.cells.size;
      this.#keys.delete(name);
    }
  }

  #cellOf(key: KeyCount, bucket: number, value: string): Cell | null {
    if (key.last !== null && key.last.bucket === bucket && key.last.value === value) return key.last;
    const name = value === '' ? bucket : `${bucket}\n${value}`;
    const known = key.cells.get(name);
    const stretch = value === '' ? undefined : key.inStretch.get(bucket);
    if (known !== undefined) key.last = known;
    // So many different values in one stretch are enough for every window that it is in.
    else if (stretch !== undefined && stretch.count >= this.#atLeast) return stretch.first;
    else if (this.#purse.cells <= 0) return null;
    else {
      key.last = { bucket, value: ownText(value), n: 0, sample: [] };
      key.cells.set(name, key.last);
      if (stretch !== undefined) stretch.count += 1;
      else if (value !== '') key.inStretch.set(bucket, { count: 1, first: key.last });
      this.#purse.cells -= 1;
    }
    return key.last;
  }

  #keep(key: KeyCount, cell: Cell, record: LogRecord, place: number, at: number): void {
    const many = key.n * 2 >= this.#atLeast;
    const which = many ? 'many' : 'few';
    if (key.samples >= (many ? mostEvidence : fewSamples) || this.#purse[which] <= 0) return;
    const text = ownText(record.text().slice(0, longestKept));
    this.#purse[which] -= Math.min(text.length, 1000) + 100;
    key.samples += 1;
    cell.sample.push({ place, at, text });
  }
}

function nameOf(values: string[]): string {
  return values.length === 1 ? (values[0] ?? '') : keyText(values);
}

/** For how long after it was last heard of a key of an absence rule is known, milliseconds. */
export const absenceKept = 30 * 86_400_000;

function untilOf(rule: DetectRule, { bucket, now, late }: { bucket: number; now: number; late: number }): number {
  const { window, quiet } = rule;
  if (window.kind === 'absent') return now + absenceKept;
  const within = window.kind === 'each' ? quiet : window.within;
  // An alert ends three times `quiet` after its last record at the latest, and that is read here.
  return Math.max(bucket + 2 * within + late, now + within + 3 * quiet);
}

/** A value that is counted once: a long one by its SHA-256. An empty one is a value too. */
function shortValue(value: string): string {
  return value === '' ? '-' : value.length <= 64 ? `=${value}` : `sha256:${sha256(value.toWellFormed())}`;
}
