import type { DetectRule } from '../../model/records/records.ts';
import type { ConfiguredSource } from '../../ports/catalogue.ts';

/** All rules of a source: those of its options, and those of the files that these name. */
export function rulesOf({ driver, options, rules = [] }: ConfiguredSource): readonly DetectRule[] {
  const own = driver.records?.(options)?.rules ?? [];
  return rules.length === 0 ? own : [...own, ...rules];
}
