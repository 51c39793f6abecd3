/** Raw records: the formats in which they come, and the `detect:` rules that look for something in them. */

import { formats } from './formats/formats.ts';
import type { RecordsOptions } from './options.ts';
import { compileRule, type DetectRule } from './rule.ts';
import type { FormatOptions, RecordFormat } from './types.ts';

/** What the options of a source say about its records, compiled. */
export interface RecordsSpec {
  format: RecordFormat;
  options: FormatOptions;
  rules: readonly DetectRule[];
  /** How late a record may be to count, milliseconds. */
  late: number;
}

const made = new WeakMap<RecordsOptions, RecordsSpec>();

/**
 * The format and the rules of options that `checkRecords` has passed. Kept by the object of the options, as expressions are compiled.
 * `own` is the format of a source that has but one.
 */
export function compileRecords(options: RecordsOptions, own?: RecordFormat): RecordsSpec {
  const known = made.get(options);
  if (known !== undefined) return known;
  const format = own ?? formats[options.format];
  if (format === undefined) throw new Error(`there is no format "${options.format}"`);
  const { time, pattern, detect } = options;
  const rules = detect.map(rule => compileRule(rule, format, () => {})).filter(rule => rule !== null);
  const spec = { format, options: { time, pattern }, rules, late: options.late };
  made.set(options, spec);
  return spec;
}

export { type Counted, createCounter, type Match } from './counter.ts';
export { type Evidence, readEvidence } from './evidence.ts';
export { formats } from './formats/formats.ts';
export { boundValue, fingerprintOf, keyText, keyValues } from './keys.ts';
export { checkRecords, type RecordsOptions, recordsOptions } from './options.ts';
export type { DetectRule } from './rule.ts';
export { absenceKept } from './rule-counter.ts';
export type { SigmaOptions } from './sigma/options.ts';
export { compileSigma } from './sigma/sigma.ts';
export type { Sighting, Tally, TallyKey, TallySum } from './tally.ts';
export type {
  FormatOptions,
  LogRecord,
  RecordFault,
  RecordFormat,
} from './types.ts';
export { bucketOf, type Found, fullest, stretchOf } from './windows.ts';
