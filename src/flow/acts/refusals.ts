import type { Clock } from '../../kernel/clock.ts';
import { type Actor, identityOf } from '../../model/actor.ts';

/**
 * Decides which refusals are journalled. Those of people and services always are. Strangers may press as often as they like, and the
 * journal keeps everything. So the same refusal of theirs is journalled once a minute, and 60 a minute in all; the rest is only counted.
 */
export interface Refusals {
  /** True when this one is to be journalled; it then counts as journalled. */
  admit(who: Actor, act: string, subject: string): boolean;
}

const minute = 60_000;
/** The most refusals of strangers that one node journals within a minute. */
export const mostOfStrangers = 60;

export function createRefusals(clock: Pick<Clock, 'monotonic'>): Refusals {
  /** What was journalled within the last minute, so never more than the most. */
  let recent: { key: string; at: number }[] = [];
  return {
    admit(who, act, subject) {
      if (who.kind !== 'stranger') return true;
      const now = clock.monotonic();
      recent = recent.filter(one => now - one.at < minute);
      const key = JSON.stringify([identityOf(who), act, subject]);
      if (recent.length >= mostOfStrangers || recent.some(one => one.key === key)) return false;
      recent.push({ key, at: now });
      return true;
    },
  };
}
