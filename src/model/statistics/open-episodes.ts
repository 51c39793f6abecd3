import { z } from 'zod';

/**
 * An episode that is counted: when its first delivery arrived, whether it was acknowledged, whether a runbook has started for it. Once it
 * is resolved it is kept for a while, because a source may reopen it, and then its resolve is counted no more; `timed` is false for an end
 * that says nothing of when it was over. Milliseconds.
 */
export const openEpisode = z.object({
  alert: z.string(),
  episode: z.int(),
  at: z.int(),
  acknowledged: z.boolean(),
  ran: z.boolean(),
  resolved: z.object({ at: z.int(), ran: z.boolean(), timed: z.boolean() }).nullable(),
});
export type OpenEpisode = z.infer<typeof openEpisode>;

/** A part of all open episodes, so that news of one does not write all of them. */
export const openEpisodes = z.object({
  /** `epis_<part>` */
  id: z.string(),
  version: z.int(),
  list: z.array(openEpisode),
});
export type OpenEpisodes = z.infer<typeof openEpisodes>;

/** How many parts there are. The number is in stored ids, so it never changes. */
const parts = 64;

export function partOfAlert(alert: string): string {
  let sum = 0;
  for (const char of alert) sum = (sum * 31 + char.charCodeAt(0)) % 1_000_003;
  return `epis_${String(sum % parts).padStart(2, '0')}`;
}

/** How long a resolved episode is remembered, and how many of one part there are at most. */
const kept = 2 * 86_400_000;
const most = 2000;

/** Forgets what is long over, and of too many the oldest. */
export function boundEpisodes(doc: OpenEpisodes, now: number): void {
  const fresh = doc.list.filter(one => one.resolved === null || one.resolved.at > now - kept);
  doc.list = fresh.length <= most ? fresh : fresh.sort((a, b) => a.at - b.at).slice(-most);
}
