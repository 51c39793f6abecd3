/** Feeds of what is known to be bad: their formats, and how they are polled and kept. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { Json } from '../../../../kernel/canonical.ts';
import { TocsinError } from '../../../../kernel/errors.ts';
import { sliceStrictJson } from '../../../../kernel/sliced-json.ts';
import { parseStrictJson } from '../../../../kernel/strict-json.ts';
import { cutText, visibleLine } from '../../../../kernel/text.ts';
import { readBadWord } from '../../../../model/gates/bad-words.ts';
import type { FeedEntry, FeedSpec } from '../../../../model/gates/feed.ts';
import { readOsvRecord } from './osv.ts';

export interface FeedContent {
  entries: FeedEntry[];
  /** How many of its parts were not understood. */
  skipped: number;
}

/** The most entries of a feed. */
const mostEntries = 500_000;
const limits = { depth: 32, keys: 10_000_000, string: 1024 * 1024 };
/** So much is parsed at a time, before others have their turn. */
const part = { elements: 500, bytes: 256 * 1024 };
const longestLine = 2000;

/** Reads what a feed sent. Rejects with `bad-body` for what is not of its kind, or too much. */
export async function readFeed(kind: FeedSpec['kind'], body: Buffer): Promise<FeedContent> {
  const content: FeedContent = { entries: [], skipped: 0 };
  if (kind === 'list') await readLines(body, content);
  else if (kind === 'kev') await readRecords(body, 'vulnerabilities', readKevRecord, content);
  else await readRecords(body, 'vulns', readOsvRecord, content);
  return content;
}

/**
 * The addresses of records, where a feed of OSV is an index: a list of texts, or `{"records": […]}`. Null when it is none. An address is
 * relative to that of the index, and has its origin.
 */
export function osvIndex(body: Buffer, base: string): string[] | null {
  if (!/^[\s\ufeff]*(\[\s*"|\{\s*"records"\s*:)/.test(body.subarray(0, 200).toString('utf8'))) return null;
  const given = parseStrictJson(body, limits);
  const parsed = z.union([z.array(z.string()), z.object({ records: z.array(z.string()) })]).safeParse(given);
  if (!parsed.success) throw notOf('the index is no list of addresses');
  const paths = Array.isArray(parsed.data) ? parsed.data : parsed.data.records;
  return paths.map(path => {
    const url = URL.parse(path, base);
    if (url !== null && url.origin === new URL(base).origin) return url.href;
    throw notOf('a record of the index is at another server');
  });
}

function notOf(what: string): TocsinError {
  return new TocsinError('bad-body', { message: `This is not what the feed should be: ${what}.` });
}

async function readRecords(
  body: Buffer,
  list: string,
  read: (record: unknown) => FeedEntry[] | null,
  content: FeedContent,
): Promise<void> {
  for await (const records of recordsOf(body, list)) {
    for (const record of records) {
      const entries = read(record);
      if (entries === null) content.skipped++;
      else for (const entry of entries) add(entry, content);
    }
    await nextTurn();
  }
}

function add(entry: FeedEntry, { entries }: FeedContent): void {
  if (entries.length >= mostEntries) throw notOf(`it has more than ${mostEntries} entries`);
  entries.push(entry);
}

/** The records of a list, of an object with the list as a member, or one record alone, some at a time. */
async function* recordsOf(body: Buffer, list: string): AsyncGenerator<readonly Json[]> {
  const isList = /^[\s\ufeff]*\[/.test(body.subarray(0, 100).toString('utf8'));
  const whole = isList ? Buffer.concat([Buffer.from(`{"${list}":`), withoutMark(body), Buffer.from('}')]) : body;
  const pause = async () => void (await nextTurn());
  const parts = await sliceStrictJson(whole, { list, ...part }, limits, pause);
  for (const read of parts?.map(one => one.read) ?? [() => parseStrictJson(whole, limits)]) {
    const document = read();
    if (document === null || typeof document !== 'object' || Array.isArray(document)) throw notOf('it is no object');
    const records = document[list];
    if (records !== undefined && !Array.isArray(records)) throw notOf(`its ${list} is no list`);
    yield records ?? [document];
  }
}

function withoutMark(body: Buffer): Buffer {
  return body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? body.subarray(3) : body;
}

/** What is read of the catalogue of CISA: `vulnerabilities` with these members. */
const kevRecord = z.object({
  cveID: z.string().regex(/^CVE-\d{4}-\d{4,}$/i),
  vulnerabilityName: z.string().optional(),
  dateAdded: z.string().max(40).optional(),
});

function readKevRecord(given: unknown): FeedEntry[] | null {
  const parsed = kevRecord.safeParse(given);
  if (!parsed.success) return null;
  const { cveID, vulnerabilityName, dateAdded } = parsed.data;
  const since = dateAdded === undefined ? '' : ` (listed on ${dateAdded})`;
  const reason = cutText(visibleLine(`it is exploited: ${vulnerabilityName ?? cveID}${since}`), 300);
  return [{ thing: { kind: 'vulnerability', id: cveID.toUpperCase() }, reason, by: 'CISA' }];
}

/** Lines of digests, commits and purls with versions. What stands behind ` #` is the reason. */
async function readLines(body: Buffer, content: FeedContent): Promise<void> {
  const lines = body
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split('\n');
  for (const [place, line] of lines.entries()) {
    if (place % 5000 === 4999) await nextTurn();
    const text = line.slice(0, longestLine);
    const at = text.search(/(^|\s)#/);
    const word = (at < 0 ? text : text.slice(0, at)).trim();
    const why = at < 0 ? '' : text.slice(at).trim().slice(1);
    if (word === '') continue;
    const thing = readBadWord(word);
    const reason = cutText(visibleLine(why.trim()) || 'it is on the list', 300);
    if (thing === null) content.skipped++;
    else add({ thing, reason, by: '' }, content);
  }
}
