import { createByteCache } from '../../kernel/byte-cache.ts';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { FetchRule } from '../../model/gates/evidence.ts';
import { digestOf, type Subject } from '../../model/gates/subject.ts';

/** How long one document may take, milliseconds. */
const longest = 10_000;
/** How long it is kept, milliseconds: a gate that is asked again does not fetch it again, and a new scan is seen soon. */
const kept = 600_000;
/** The most bytes of all that are kept. */
const mostKept = 64 * 1024 * 1024;

export type Fetched = { ok: true; bytes: Uint8Array } | { ok: false; because: string };

export interface FetchParts {
  clock: Clock;
  /** Within the egress rules, with the limit of a document. */
  fetch: typeof fetch;
}

/** The address for a subject; null where it lacks what the address is made of. */
export function addressOf({ url }: FetchRule, subject: Pick<Subject, 'image' | 'sha'>): string | null {
  const digest = digestOf(subject)?.slice('sha256:'.length);
  if (url.includes('{digest}') && digest === undefined) return null;
  if (url.includes('{sha}') && subject.sha === undefined) return null;
  return url.replaceAll('{digest}', digest ?? '').replaceAll('{sha}', subject.sha ?? '');
}

/** Fetches documents by address. What came is kept for a while, and two that want the same at once share one request. Never rejects. */
export function createDocumentFetch({ clock, fetch }: FetchParts): (url: string) => Promise<Fetched> {
  const known = createByteCache<{ bytes: Uint8Array; at: number }>(mostKept, one => one.bytes.length + 1024);
  const underWay = new Map<string, Promise<Fetched>>();

  async function load(url: string): Promise<Fetched> {
    try {
      const answer = await fetch(url, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(longest),
      });
      if (answer.status !== 200) {
        await answer.body?.cancel();
        return { ok: false, because: `the server answered ${answer.status}` };
      }
      const bytes = new Uint8Array(await answer.arrayBuffer());
      known.set(url, { bytes, at: clock.now() });
      return { ok: true, bytes };
    } catch (error) {
      return { ok: false, because: cutText(visibleLine(messageOf(error)), 300) };
    }
  }

  return url => {
    const found = known.get(url);
    if (found !== undefined && clock.now() - found.at < kept) return Promise.resolve({ ok: true, bytes: found.bytes });
    const going = underWay.get(url) ?? load(url).finally(() => underWay.delete(url));
    underWay.set(url, going);
    return going;
  };
}

/** The address without its query, which may hold a key. */
export function showAddress(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
