import { sha256 } from '../../../../kernel/canonical.ts';
import type { Clock } from '../../../../kernel/clock.ts';
import { isCode, summaryOf, TocsinError } from '../../../../kernel/errors.ts';
import type { Log } from '../../../../kernel/log.ts';
import { system } from '../../../../model/actor.ts';
import { type FeedSpec, type FeedState, feedMemo } from '../../../../model/gates/feed.ts';
import { streamOf } from '../../../../model/journal.ts';
import type { Catalogue } from '../../../../ports/catalogue.ts';
import type { Store } from '../../../../ports/store.ts';
import type { Feed } from '../../../journal/feed.ts';
import { createOnceLogger, type OnceLogger } from '../../../journal/log-once.ts';
import type { KnownBad } from '../../known-bad.ts';
import { parseState, storedEntries } from '../read-feeds.ts';
import { type FeedContent, osvIndex, readFeed } from './feeds.ts';

export interface PollParts {
  store: Pick<Store, 'memo'>;
  feed: Pick<Feed, 'commit'>;
  catalogue: Pick<Catalogue, 'current'>;
  knownBad: Pick<KnownBad, 'refresh'>;
  clock: Clock;
  log: Log;
  /** Within the rules of egress; its bodies have a limit. */
  fetch: typeof fetch;
}

/** Milliseconds between two looks at what is due; the time for one feed with all its records; and until a failed one is tried again. */
const times = { look: 1000, feed: 120_000, again: 60_000 };
const mostRecords = 2000;
const recordsAtOnce = 4;
/** The most bytes of all records of an index together. */
const mostBytes = 64 * 1024 * 1024;

/**
 * Polls the feeds of known-bad.yaml. One node of the fleet does it. What a feed said is kept in the store until it says something else that
 * can be read: an outage, an answer that is no feed, and one that lost all its entries change nothing but the trouble that is shown.
 */
export function startFeeds(parts: PollParts): { stop(): Promise<void> } {
  const { clock, catalogue } = parts;
  const end = new AbortController();
  const busy = new Map<string, Promise<void>>();
  const loggers = new Map<string, OnceLogger>();

  function begin(spec: FeedSpec): void {
    const key = `${spec.name} ${spec.url}`;
    if (busy.has(key)) return;
    const logger =
      loggers.get(spec.name) ??
      createOnceLogger(
        parts.log,
        { feed: spec.name },
        'a feed of what is known to be bad is not read, and what it last said holds',
      );
    loggers.set(spec.name, logger);
    const done = pollIfDue(spec, parts, end.signal).then(
      asked => (asked ? logger.well() : undefined),
      error => (end.signal.aborted ? undefined : logger.failed(error)),
    );
    busy.set(
      key,
      done.finally(() => busy.delete(key)),
    );
  }

  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      catalogue.current().knownBad.feeds.forEach(begin);
      await clock.sleep(times.look, end.signal).catch(() => {});
    }
  }

  const ended = loop();
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
      await Promise.all(busy.values());
    },
  };
}

/** Resolves to whether it was asked. Rejects with why it could not be read, after that was stored. */
async function pollIfDue(spec: FeedSpec, parts: PollParts, signal: AbortSignal): Promise<boolean> {
  const known = parseState(await parts.store.memo(feedMemo(spec.name)));
  const now = parts.clock.now();
  if (known !== null && !isDue(known, spec, now)) return false;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(times.feed)]);
    await poll(spec, known, parts, limit);
    return true;
  } catch (error) {
    if (!signal.aborted && !isCode(error, 'store-failed') && !isCode(error, 'guard-failed'))
      await save({ ...base(spec, known), triedAt: now, trouble: summaryOf(error) }, spec, parts);
    throw error;
  }
}

function isDue(known: FeedState, spec: FeedSpec, now: number): boolean {
  if (known.url !== spec.url || known.kind !== spec.kind) return true;
  const wait = known.trouble === null ? spec.every : Math.min(spec.every, times.again);
  // A clock that was set back must not keep it waiting.
  return now >= known.triedAt + wait || now < known.triedAt;
}

/** The state to go on from: of another address only what it said stays, until this one is read. */
function base(spec: FeedSpec, known: FeedState | null): FeedState {
  const same = known !== null && known.url === spec.url && known.kind === spec.kind;
  return {
    url: spec.url,
    kind: spec.kind,
    etag: same ? known.etag : null,
    modified: same ? known.modified : null,
    digest: known?.digest ?? null,
    entries: known?.entries ?? 0,
    readAt: known?.readAt ?? null,
    triedAt: known?.triedAt ?? 0,
    trouble: known?.trouble ?? null,
  };
}

async function poll(spec: FeedSpec, known: FeedState | null, parts: PollParts, signal: AbortSignal): Promise<void> {
  const before = base(spec, known);
  const answer = await parts.fetch(spec.url, { headers: headersOf(before), signal });
  const now = parts.clock.now();
  if (answer.status === 304 && before.digest !== null) {
    await answer.body?.cancel();
    return await save({ ...before, readAt: now, triedAt: now, trouble: null }, spec, parts);
  }
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new TocsinError('origin-down', { message: `The feed answered ${answer.status}.` });
  }
  const body = Buffer.from(await answer.arrayBuffer());
  const content = await contentOf(spec, body, parts, signal);
  assertContent(spec, content, before);
  const stored = storedEntries(content.entries);
  const state: FeedState = {
    ...before,
    etag: answer.headers.get('etag'),
    modified: answer.headers.get('last-modified'),
    digest: sha256(stored),
    entries: content.entries.length,
    readAt: now,
    triedAt: now,
    trouble: null,
  };
  await save(state, spec, parts, state.digest === before.digest ? null : stored);
  if (content.skipped > 0)
    parts.log.warn(
      { feed: spec.name, skipped: content.skipped },
      'a part of a feed is not understood; the rest of it counts',
    );
}

function headersOf({ etag, modified, digest }: FeedState): Record<string, string> {
  const accept = { accept: 'application/json, text/plain;q=0.9, */*;q=0.5' };
  if (digest === null) return accept;
  if (etag !== null) return { ...accept, 'if-none-match': etag };
  return modified === null ? accept : { ...accept, 'if-modified-since': modified };
}

async function contentOf(spec: FeedSpec, body: Buffer, parts: PollParts, signal: AbortSignal): Promise<FeedContent> {
  const index = spec.kind === 'osv' ? osvIndex(body, spec.url) : null;
  if (index === null) return await readFeed(spec.kind, body);
  if (index.length > mostRecords)
    throw new TocsinError('bad-body', { message: `The index names more than ${mostRecords} records.` });
  const content: FeedContent = { entries: [], skipped: 0 };
  let bytes = 0;
  for (let from = 0; from < index.length; from += recordsAtOnce) {
    const some = index.slice(from, from + recordsAtOnce);
    // One record that does not come leaves the whole as it was: a part of a list would look like all of it.
    for (const one of await Promise.all(some.map(url => recordAt(url, parts, signal)))) {
      bytes += one.length;
      if (bytes > mostBytes)
        throw new TocsinError('bad-body', { message: 'The records of the index are too large together.' });
      const { entries, skipped } = await readFeed('osv', one);
      for (const entry of entries) content.entries.push(entry);
      content.skipped += skipped;
    }
  }
  return content;
}

async function recordAt(url: string, { fetch: request }: PollParts, signal: AbortSignal): Promise<Buffer> {
  const answer = await request(url, { signal });
  if (answer.ok) return Buffer.from(await answer.arrayBuffer());
  await answer.body?.cancel();
  throw new TocsinError('origin-down', { message: `A record of the feed answered ${answer.status}.` });
}

/** An empty list is an accident of its owner more often than good news; only a plain list may begin empty. */
function assertContent({ kind }: FeedSpec, { entries, skipped }: FeedContent, before: FeedState): void {
  if (skipped > entries.length)
    throw new TocsinError('bad-body', { message: 'Most of the feed is not understood: it is something else.' });
  if (entries.length === 0 && (before.entries > 0 || kind !== 'list'))
    throw new TocsinError('bad-body', { message: 'The feed has no entries any more.' });
}

/** With `stored`, what it says is new. */
async function save(state: FeedState, spec: FeedSpec, parts: PollParts, stored: string | null = null): Promise<void> {
  const { feed, clock, knownBad } = parts;
  const memo = { table: 'memo', name: feedMemo(spec.name), value: JSON.stringify(state) } as const;
  if (stored === null || state.digest === null) await feed.commit({ rows: [memo] });
  else {
    const { digest, entries } = state;
    const fact = { kind: 'known-bad.read', feed: spec.name, digest, entries } as const;
    await feed.commit({
      entries: [{ stream: streamOf.knownBad(spec.name), actor: system, at: clock.now(), fact }],
      rows: [memo],
      blobs: [{ digest, bytes: stored }],
    });
  }
  await knownBad.refresh();
}
