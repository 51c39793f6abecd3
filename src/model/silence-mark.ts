import { boundText } from './incoming.ts';

/** The longest comment of a silence at an origin, characters. */
const longest = 500;

/**
 * The comment of a silence that Tocsin makes at an origin. The mark stands at its end, so that no words before it can pass for one. Who may
 * write there can copy it: a mark proves nothing, and what bears one is ours only for the alert that it names.
 */
export function silenceComment(reason: string | null, marker: string): string {
  const words = reason === null ? 'Silenced in Tocsin' : `Silenced in Tocsin: ${reason}`;
  return `${boundText(words, longest)} [tocsin ${marker}]`;
}

/** The marker of a comment; null for a silence that somebody else made. */
export function silenceMark(comment: string): string | null {
  return /\[tocsin ([A-Za-z0-9_-]{1,100})\]$/.exec(comment)?.[1] ?? null;
}
