import type { Clock } from '../../kernel/clock.ts';
import { createMinuteLimit } from '../../kernel/minute-limit.ts';
import { type Actor, identityOf } from '../../model/actor.ts';

/**
 * Decides which refusals are journalled. Those of people and services always are. Strangers may press as often as they like, and the
 * journal keeps everything. So the same refusal of theirs is journalled once a minute, and 60 a minute in all; the rest is only counted.
 */
export interface Refusals {
  /** True when this one is to be journalled; it then counts as journalled. */
  admit(who: Actor, act: string, subject: string): boolean;
}

/** The most refusals of strangers that one node journals within a minute. */
export const mostOfStrangers = 60;

export function createRefusals(clock: Pick<Clock, 'monotonic'>): Refusals {
  const admit = createMinuteLimit(clock, mostOfStrangers);
  return {
    admit: (who, act, subject) => who.kind !== 'stranger' || admit(JSON.stringify([identityOf(who), act, subject])),
  };
}
