import { z } from 'zod';
import type { AlertEnd } from './alert.ts';

/** What was seen of one alert at its origin, kept so that its end can be told from an expiry. All times are the origin's, in milliseconds. */
export const look = z.object({
  /** The id of the alert. */
  alert: z.string(),
  /** When it was last seen firing; null when it never was. */
  at: z.int().nullable(),
  /** Until when the origin then held it for firing without further news; null when it did not say. */
  endsAt: z.int().nullable(),
  /** The first look since then that did not find it; null while it is found. */
  goneAt: z.int().nullable(),
});
export type Look = z.infer<typeof look>;

/** What one question to the origin found. `at` is the origin's clock. */
export type Sight =
  | { state: 'firing'; at: number; endsAt: number | null }
  | { state: 'gone'; at: number }
  /** The origin does not know: it is young or settling, or its list was cut. Nothing follows from it. */
  | { state: 'unknown'; because: string };

/** Pure: what is kept after one more question. */
export function addSight(known: Look | null, alert: string, sight: Sight): Look {
  const base = known ?? { alert, at: null, endsAt: null, goneAt: null };
  // Two looks that do not find it count only when nothing between them is in doubt.
  if (sight.state === 'unknown') return { ...base, goneAt: null };
  if (sight.state === 'firing') return { alert, at: sight.at, endsAt: sight.endsAt, goneAt: null };
  return { ...base, goneAt: base.goneAt ?? sight.at };
}

/** The longest time between the last look and the end that it can still say something about, milliseconds. */
const freshest = 60_000;

const expiredText = 'its source heard nothing more of it, which is no cure';
const unwatchedText = 'nobody looked at its source shortly before, so whether it was cured is not known';

/**
 * Pure: how a stretch ended that is no longer listed. Gone before the end that was shown last, it was ended; gone at or after it, it only
 * expired. For origins whose alerts do not expire (`expires` false) gone is gone.
 */
export function endOfGone(known: Look | null, expires: boolean): AlertEnd {
  if (!expires) return { how: 'gone', because: null };
  if (known === null || known.at === null || known.goneAt === null) return { how: 'unwatched', because: unwatchedText };
  if (known.endsAt !== null && known.goneAt >= known.endsAt) return { how: 'expired', because: expiredText };
  return { how: 'gone', because: null };
}

/**
 * Pure: how a stretch ended whose resolve says that it ended at `endsAt`, for an origin that can be asked and whose alerts expire. An
 * Alertmanager that hears nothing more of an alert resolves it at the very end that it showed while it fired; a told end is earlier.
 */
export function endOfResolve(known: Look | null, endsAt: number): AlertEnd {
  if (known === null || known.at === null || known.at < endsAt - freshest)
    return { how: 'unwatched', because: unwatchedText };
  if (known.endsAt !== null && endsAt >= known.endsAt) return { how: 'expired', because: expiredText };
  return { how: 'told', because: null };
}
