/**
 * What Tocsin writes at PagerDuty is known by these signs when it comes back. A note carries its marker in brackets at its end; the deduplication
 * key of a page begins with `tocsin/`, and PagerDuty gives it back as the incident's key.
 */
export const ownKeyPrefix = 'tocsin/';

export function isOwnKey(key: string): boolean {
  return key.startsWith(ownKeyPrefix);
}

/** How a note ends, so that it is found again before it is written once more. */
export function signed(text: string, marker: string): string {
  return `${text}\n[tocsin ${marker}]`;
}

export function isOwnNote(content: string): boolean {
  return /\[tocsin [a-z0-9_/-]+\]\s*$/.test(content);
}

export function carries(content: string, marker: string): boolean {
  return content.includes(`[tocsin ${marker}]`);
}
