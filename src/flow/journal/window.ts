import type { Entry } from '../../model/journal.ts';

/**
 * The newest entries in memory, so that followers that keep up read nothing from the store. Between what this process commits lies what
 * others append: the first follower that comes to such a gap reads it for all.
 */
export interface Window {
  /** Adds what this process committed; news of commits may arrive out of order. */
  add(entries: readonly Entry[]): void;
  /** Entries in memory from the one after `after`, without a gap; empty when that one is not in memory. */
  from(after: number, limit: number): readonly Entry[];
  /** Reads the gap after `after`, once for all who ask meanwhile. Rejects as the read does. False when it gave nothing to go on with. */
  fill(after: number): Promise<boolean>;
  /** Forgets what is before `seq`. */
  forgetBefore(seq: number): void;
}

/**
 * The bounds of what is kept until all followers have handled it: how many entries, and their characters of text. What is beyond is read
 * from the store by a follower that is that far behind.
 */
export const kept = 2048;
const keptText = 2 * 1024 * 1024;
/** The most entries in one read of a gap. */
const atOnce = 512;

/** `read` reads entries of all kinds from the store, in order. */
export function createWindow(read: (query: { after: number; limit: number }) => Promise<Entry[]>): Window {
  const span = createSpan();
  /** What this process committed beyond a gap, in order. */
  let beyond: Entry[] = [];
  let beyondText = 0;
  let filling: { after: number; done: Promise<boolean> } | null = null;

  /** Moves what has no gap before it any more. */
  function join(): void {
    let count = 0;
    for (const entry of beyond) {
      if (entry.seq > (span.end() ?? entry.seq) + 1) break;
      span.push(entry);
      beyondText -= entry.bytes.length;
      count++;
    }
    if (count > 0) beyond = beyond.slice(count);
    // Nobody fills the gap: from the other side of it on, memory is of use again.
    if (beyond.length > kept || beyondText > keptText * 2) {
      span.beginAfter((beyond[0]?.seq ?? 1) - 1);
      join();
    }
  }

  async function readGap(after: number): Promise<boolean> {
    // Forgotten already: what a late follower reads is not what the others need.
    if (span.oldest(after) > after + 1) return false;
    const next = beyond.find(entry => entry.seq > after)?.seq ?? Number.POSITIVE_INFINITY;
    const found = await read({ after, limit: Math.min(atOnce, next - after - 1) });
    // A journal with a hole in it is for the follower to read, and for the audit to say.
    if (found.length === 0 || found.some((entry, index) => entry.seq !== after + 1 + index)) return false;
    if ((span.end() ?? -1) < after) span.beginAfter(after);
    for (const entry of found) span.push(entry);
    join();
    return span.from(after, 1).length > 0;
  }

  return {
    add(entries) {
      for (const entry of entries)
        if (entry.seq > (span.end() ?? 0) && insert(beyond, entry)) beyondText += entry.bytes.length;
      join();
    },
    from: span.from,
    forgetBefore(seq) {
      span.forgetBefore(seq);
      // Nobody comes to a gap that all have passed over: memory goes on behind it.
      if ((span.end() ?? 0) >= seq - 1) return;
      span.beginAfter(seq - 1);
      const needed = beyond.findIndex(entry => entry.seq >= seq);
      for (const entry of beyond.splice(0, needed < 0 ? beyond.length : needed)) beyondText -= entry.bytes.length;
      join();
    },
    async fill(after) {
      if (filling !== null && filling.after <= after) return await filling.done;
      const mine = { after, done: readGap(after) };
      filling = mine;
      return await mine.done.finally(() => {
        if (filling === mine) filling = null;
      });
    },
  };
}

/** Entries without a gap, up to an end, within the bounds of what is kept. */
function createSpan() {
  const recent: Entry[] = [];
  /** Up to here entries were here, also when they are forgotten by now; null before the first one. */
  let end: number | null = null;
  let text = 0;

  function forget(count: number): void {
    for (const entry of recent.splice(0, count)) text -= entry.bytes.length;
  }

  function newestWithin(most: number): number {
    let sum = 0;
    for (let count = 0; count < recent.length; count++) {
      sum += recent.at(-1 - count)?.bytes.length ?? 0;
      if (sum > most) return count;
    }
    return recent.length;
  }

  return {
    end: () => end,
    /** The oldest that is here, or the next that will be. */
    oldest: (unknown: number) => recent[0]?.seq ?? (end ?? unknown) + 1,
    /** Adds the entry after the end, or the first one; any other is here already. */
    push(entry: Entry): void {
      if (end !== null && entry.seq !== end + 1) return;
      recent.push(entry);
      end = entry.seq;
      text += entry.bytes.length;
      if (recent.length > kept * 2) forget(recent.length - kept);
      if (text > keptText * 2) forget(recent.length - newestWithin(keptText));
    },
    beginAfter(seq: number): void {
      forget(recent.length);
      end = seq;
    },
    from(after: number, limit: number): readonly Entry[] {
      const first = recent[0]?.seq;
      if (first === undefined || first > after + 1) return [];
      return recent.slice(after + 1 - first, after + 1 - first + limit);
    },
    forgetBefore(seq: number): void {
      const first = recent[0]?.seq;
      if (first !== undefined) forget(Math.min(recent.length, Math.max(0, seq - first)));
    },
  };
}

/** False when it is there already. */
function insert(entries: Entry[], entry: Entry): boolean {
  let at = entries.length;
  while (at > 0 && (entries[at - 1] as Entry).seq > entry.seq) at--;
  if (entries[at - 1]?.seq === entry.seq) return false;
  entries.splice(at, 0, entry);
  return true;
}
