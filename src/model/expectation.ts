/** How long Tocsin has listened for an alert that must keep coming, without hearing it. Times are milliseconds. */
export interface Listening {
  /** The time spent listening since it was last heard. Time in which nothing could be accepted does not count. */
  listened: number;
  /** How much of that makes it missing: `every`, or more after an interruption. */
  limit: number;
}

/** It was heard just now, or it is expected from now on. */
export function beginListening(every: number): Listening {
  return { listened: 0, limit: every };
}

/** So many milliseconds more went by, in all of which a delivery would have been accepted. */
export function listenOn(known: Listening, spent: number): Listening {
  return { ...known, listened: known.listened + spent };
}

/**
 * Nothing could be accepted for a while: the process or its store was down. What was sent meanwhile is sent again only after the sender's
 * own interval, so one whole `every` is waited from now. In all it is never more than two, or a process that restarts again and again
 * would never say that anything is missing.
 */
export function interrupt(known: Listening, every: number): Listening {
  if (isMissing(known)) return known;
  return { ...known, limit: Math.min(known.listened + every, 2 * every) };
}

/** True once it was listened for long enough; it stays so until it is heard again. */
export function isMissing(known: Listening): boolean {
  return known.listened >= known.limit;
}

/** Milliseconds between two notes of how long was listened: a tenth of the shortest `every`, from 5 s to a minute. */
export function paceOf(shortest: number): number {
  return Math.min(60_000, Math.max(5000, Math.floor(shortest / 10)));
}

/** The longest gap between two notes that is no interruption, such as a quick restart or the takeover by another node, milliseconds. */
export function toleranceOf(every: number, pace: number): number {
  return Math.min(every / 2, Math.max(2 * pace, 15_000));
}
