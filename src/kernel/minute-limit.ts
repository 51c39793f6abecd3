/** Says what may be said once a minute. */
import type { Clock } from './clock.ts';

const minute = 60_000;

/**
 * A test for what repeats: true for a key that had no true within the last minute, and for no more than `most` keys a minute in all, because
 * keys may hold texts of strangers. What is refused does not put the next one off. Setting the system's clock changes nothing.
 */
export function createMinuteLimit(clock: Pick<Clock, 'monotonic'>, most: number): (key: string) => boolean {
  const admitted = new Map<string, number>();
  return key => {
    const now = clock.monotonic();
    for (const [known, at] of admitted) if (now - at >= minute) admitted.delete(known);
    if (admitted.size >= most || admitted.has(key)) return false;
    admitted.set(key, now);
    return true;
  };
}
