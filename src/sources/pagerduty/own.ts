/**
 * The prefix of the deduplication keys of Tocsin's pages. By it, and by the marker in brackets at the end of its notes, Tocsin recognises
 * its own write-backs when they come back as webhooks. PagerDuty returns the deduplication key as the key of the incident.
 */
export const ownKeyPrefix = 'tocsin/';

export function isOwnKey(key: string): boolean {
  return key.startsWith(ownKeyPrefix);
}

/** Appends the marker to a note, so that a retry finds the note. */
export function signed(text: string, marker: string): string {
  return `${text}\n[tocsin ${marker}]`;
}

export function isOwnNote(content: string): boolean {
  return /\[tocsin [a-z0-9_/-]+\]\s*$/.test(content);
}

export function carries(content: string, marker: string): boolean {
  return content.includes(`[tocsin ${marker}]`);
}
