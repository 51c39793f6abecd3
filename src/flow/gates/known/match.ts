import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Evidence } from '../../../model/gates/evidence.ts';
import type { BadEntry, BadMatch, ListedThing } from '../../../model/gates/known-bad.ts';
import { isInRange, type PackageName, readPurl } from '../../../model/gates/purl.ts';
import { digestOf, type Subject } from '../../../model/gates/subject.ts';
import type { History } from './history.ts';
import { type BadIndex, keyOf } from './known.ts';
import { isSameRepository } from './repository.ts';

/** The most matches that are told: a gate keeps them. */
export const mostMatches = 50;
/** The most ranges of one repository that are looked up for a question; people are asked about the others. */
const mostRanges = 100;
/** How many components of a bill of materials are looked up before others have their turn. */
const perTurn = 500;

/** The entries of one origin. */
export interface BadSource {
  index: BadIndex;
  /** When a feed was last read, milliseconds since the epoch; null for what people wrote. */
  asOf: number | null;
}

interface Hit extends BadEntry {
  asOf: number | null;
}

interface Matching {
  sources: readonly BadSource[];
  history: History;
  /** Milliseconds since the epoch: entries whose end is over do not count. */
  now: number;
}

/** The entries that hold for the subject, or for what its evidence says that it is made of: the sure ones first, 50 at most. */
export async function matchBad(subject: Subject, evidence: Evidence, matching: Matching): Promise<BadMatch[]> {
  const found: BadMatch[] = [];
  const image = digestOf(subject);
  const { sha } = subject;
  if (image !== null) found.push(...at(keyOf.image(image), matching).map(entry => sureOf(entry, image)));
  if (sha !== undefined) found.push(...at(keyOf.commit(sha), matching).map(entry => sureOf(entry, sha)));
  found.push(...(await rangesOf(subject, matching)));
  found.push(...vulnerabilitiesOf(evidence, matching));
  found.push(...(await packagesOf(evidence, matching)));
  const known = new Set<string>();
  return found
    .sort((a, b) => Number(b.sure) - Number(a.sure))
    .filter(one => {
      const key = `${one.from} ${one.what} ${one.reason}`;
      return !known.has(key) && known.add(key);
    })
    .slice(0, mostMatches);
}

function at(key: string, { sources, now }: Matching): Hit[] {
  return sources.flatMap(({ index, asOf }) =>
    index.at(key).flatMap(entry => (entry.until === null || entry.until > now ? [{ ...entry, asOf }] : [])),
  );
}

function sureOf({ reason, from, by, blocks, until, asOf }: Hit, what: string): BadMatch {
  return { what, reason, from, by, blocks, until, asOf, sure: true };
}

function unsureOf(entry: Hit, what: string, because: string): BadMatch {
  const match = sureOf(entry, what);
  return {
    ...match,
    sure: false,
    reason: `it is not known whether this one is meant, because ${because}: ${match.reason}`,
  };
}

/** Commits are held against ranges by their history. A commit that is not found in it is not let through by itself. */
async function rangesOf({ repository, sha }: Subject, matching: Matching): Promise<BadMatch[]> {
  if (repository === undefined) return [];
  const ranges = at(keyOf.range(repository), matching).flatMap(entry =>
    entry.thing.kind === 'range' && isSameRepository(entry.thing.repository, repository)
      ? [{ entry, thing: entry.thing }]
      : [],
  );
  const found: BadMatch[] = [];
  for (const [place, { entry, thing }] of ranges.entries()) {
    if (sha === undefined) found.push(unsureOf(entry, repository, 'the question names no commit'));
    else if (place >= mostRanges) found.push(unsureOf(entry, sha, `only ${mostRanges} ranges are looked up`));
    else {
      const answer = await matching.history.contains(thing, sha);
      if (answer.is === 'in') found.push(sureOf(entry, sha));
      if (answer.is === 'unknown') found.push(unsureOf(entry, sha, answer.because));
    }
    if (found.length >= mostMatches) break;
  }
  return found;
}

function vulnerabilitiesOf({ vulnerabilities }: Evidence, matching: Matching): BadMatch[] {
  if (!matching.sources.some(({ index }) => index.hasVulnerabilities)) return [];
  const found: BadMatch[] = [];
  for (const one of vulnerabilities.list) {
    const entries = at(keyOf.vulnerability(one.id), matching);
    found.push(...entries.map(entry => sureOf(entry, `${one.id} in ${one.package}@${one.version}`)));
    if (found.length >= mostMatches) break;
  }
  return found;
}

async function packagesOf({ sbom }: Evidence, matching: Matching): Promise<BadMatch[]> {
  if (!matching.sources.some(({ index }) => index.hasPackages)) return [];
  const found: BadMatch[] = [];
  for (const [place, { purl, version }] of sbom.components.entries()) {
    if (place % perTurn === perTurn - 1) await nextTurn();
    const named = purl === '' ? null : readPurl(purl);
    if (named === null) continue;
    for (const entry of at(keyOf.package(named.key), matching)) {
      const match = versionMatch(entry, named, named.version || version);
      if (match !== null) found.push(match);
    }
  }
  return found;
}

function versionMatch(entry: Hit, { purl }: PackageName, version: string): BadMatch | null {
  const { thing } = entry;
  if (thing.kind !== 'package') return null;
  if (version === '' && thing.versions.length + thing.ranges.length > 0)
    return unsureOf(entry, purl, 'the bill of materials names no version');
  const what = version === '' ? purl : `${purl}@${version}`;
  const is = isListed(thing, version);
  if (is === null) return unsureOf(entry, what, 'its version cannot be compared with a range');
  return is ? sureOf(entry, what) : null;
}

/** Null when it cannot be told. */
function isListed({ versions, ranges }: Extract<ListedThing, { kind: 'package' }>, version: string): boolean | null {
  if (versions.length + ranges.length === 0 || versions.includes(version)) return true;
  const answers = ranges.map(range => isInRange(version, range));
  if (answers.includes(true)) return true;
  return answers.includes(null) ? null : false;
}
