import { TocsinError } from '../../kernel/errors.ts';
import type { Guard } from '../../ports/store.ts';

export function guardFailed(kind: string, name: string, allowed: string, given: string): TocsinError {
  return new TocsinError('guard-failed', { at: `${kind} ${name}`, allowed, given });
}

/** Source and fingerprint identify an alert. Two simultaneous first deliveries must not create two alerts. */
export function identityTaken(id: string, other: string): TocsinError {
  return guardFailed('row', `alert/${id}`, 'an identity that no alert has', `that of ${other}`);
}

export function haltFailed(): TocsinError {
  return guardFailed('halt', 'everything', 'nothing halted', 'a halt');
}

/** One change cannot make the same claim twice: the second would pass, because nothing is stored while guards are checked. */
export function refuseTwins(guards: readonly Guard[]): void {
  const seen = new Set<string>();
  for (const guard of guards) {
    if (guard.kind !== 'claim') continue;
    const name = JSON.stringify([guard.space, guard.key]);
    if (seen.has(name)) throw guardFailed('claim', `${guard.space}/${guard.key}`, 'one claim', 'two in one change');
    seen.add(name);
  }
}
