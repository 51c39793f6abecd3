import { z } from 'zod';
import { cutText, visibleLine } from '../../../../kernel/text.ts';
import type { FeedEntry } from '../../../../model/gates/feed.ts';
import type { ListedThing } from '../../../../model/gates/known-bad.ts';
import { commitId } from '../../../../model/gates/known-bad-file.ts';
import {
  comparedEcosystems,
  compareVersions,
  namePackage,
  type PackageName,
  readPurl,
} from '../../../../model/gates/purl.ts';

const text = z.string().max(1000);
const event = z.object({
  introduced: text.optional(),
  fixed: text.optional(),
  last_affected: text.optional(),
});
type Event = z.infer<typeof event>;
const range = z.object({ type: text, repo: text.optional(), events: z.array(event).max(10_000) });

/** What is read of a record of the OSV schema (ossf.github.io/osv-schema, 1.7). Unknown members are left alone. */
const record = z.object({
  id: text.min(1),
  summary: z.string().optional(),
  aliases: z.array(text).max(1000).nullish(),
  withdrawn: z.string().nullish(),
  affected: z
    .array(
      z.object({
        package: z.object({ ecosystem: text, name: text, purl: text.optional() }).nullish(),
        ranges: z.array(range).max(1000).nullish(),
        versions: z.array(text).max(50_000).nullish(),
      }),
    )
    .max(10_000)
    .nullish(),
});
type Affected = NonNullable<z.infer<typeof record>['affected']>[number];

/** The entries of one record: its ids, its packages, and its commits. Empty for one that was withdrawn; null for what is no record. */
export function readOsvRecord(given: unknown): FeedEntry[] | null {
  const parsed = record.safeParse(given);
  if (!parsed.success) return null;
  const { id, summary, aliases, withdrawn, affected } = parsed.data;
  if (withdrawn != null) return [];
  const reason = cutText(visibleLine(summary === undefined ? id : `${id}: ${summary}`), 300);
  const entryOf = (thing: ListedThing): FeedEntry => ({ thing, reason, by: 'OSV' });
  const ids = [...new Set([id, ...(aliases ?? [])].map(one => one.toUpperCase()))];
  return [
    ...ids.map(one => entryOf({ kind: 'vulnerability', id: one })),
    ...(affected ?? []).flatMap(one => [...packageOf(one), ...commitsOf(one)].map(entryOf)),
  ];
}

/** Types of purl by the names of ecosystems in OSV, and how a name there is written in a purl. */
const ecosystems: Readonly<Record<string, string>> = {
  npm: 'npm',
  pypi: 'pypi',
  go: 'golang',
  'crates.io': 'cargo',
  maven: 'maven',
  nuget: 'nuget',
  rubygems: 'gem',
  packagist: 'composer',
  pub: 'pub',
  hex: 'hex',
  swifturl: 'swift',
  debian: 'deb/debian',
  ubuntu: 'deb/ubuntu',
  alpine: 'apk/alpine',
  'red hat': 'rpm/redhat',
  'github actions': 'github',
};

function nameOf({ package: named }: Affected): PackageName | null {
  if (named == null) return null;
  const own = named.purl === undefined ? null : readPurl(named.purl);
  if (own !== null) return own;
  // `Debian:12` is the same packages in one release of it.
  const [type = '', namespace] = (ecosystems[named.ecosystem.split(':')[0]?.toLowerCase() ?? ''] ?? '').split('/');
  if (type === '') return null;
  const at = type === 'maven' ? named.name.indexOf(':') : named.name.lastIndexOf('/');
  if (namespace !== undefined || at < 0) return namePackage(type, namespace ?? null, named.name);
  return namePackage(type, named.name.slice(0, at), named.name.slice(at + 1));
}

function packageOf(affected: Affected): ListedThing[] {
  const named = nameOf(affected);
  if (named === null) return [];
  const versions = [...new Set(affected.versions ?? [])];
  const ranges = (affected.ranges ?? []).filter(one => one.type !== 'GIT');
  // Where all versions are listed, a range in an order that is not known here adds nothing.
  const wanted = ranges.filter(one => isCompared(one.type, named) || versions.length === 0);
  const texts = wanted.flatMap(one => (isCompared(one.type, named) ? rangesOf(one.events) : [wordsOf(one.events)]));
  if (versions.length + texts.length === 0 && (affected.ranges ?? []).length > 0) return [];
  return [{ kind: 'package', purl: named.purl, versions, ranges: texts }];
}

function isCompared(type: string, { type: ecosystem }: PackageName): boolean {
  return type === 'SEMVER' || comparedEcosystems.includes(ecosystem);
}

/** A range that nothing can be compared with, in words: whoever has the package is asked about. */
function wordsOf(events: readonly Event[]): string {
  const words = events.flatMap(one => Object.entries(one).map(([name, value]) => `${name} ${value}`));
  return cutText(`not compared: ${words.join(', ')}`, 300);
}

const first = '0';

/** Ranges as npm writes them. Events may come in any order, so they are sorted first. */
function rangesOf(events: readonly Event[]): string[] {
  const marks = events.flatMap(({ introduced, fixed, last_affected: last }) => [
    ...(introduced === undefined ? [] : [{ is: 'introduced', version: introduced } as const]),
    ...(fixed === undefined ? [] : [{ is: 'fixed', version: fixed } as const]),
    ...(last === undefined ? [] : [{ is: 'last', version: last } as const]),
  ]);
  if (marks.some(({ version }) => version !== first && compareVersions(version, version) === null))
    return [wordsOf(events)];
  marks.sort((a, b) => order(a.version, b.version));
  const ranges: string[] = [];
  let from: string | null = null;
  for (const { is, version } of marks) {
    if (is === 'introduced') from ??= version === first ? '0.0.0-0' : version;
    else if (from !== null) {
      ranges.push(`>=${from} ${is === 'fixed' ? '<' : '<='}${version}`);
      from = null;
    }
  }
  return from === null ? ranges : [...ranges, `>=${from}`];
}

function order(a: string, b: string): number {
  if (a === first || b === first) return Number(b === first) - Number(a === first);
  return compareVersions(a, b) ?? 0;
}

/** One entry for each commit that brought it: what contains it and no mend of it has it. */
function commitsOf({ ranges }: Affected): ListedThing[] {
  return (ranges ?? []).flatMap(({ type, repo, events }) => {
    if (type !== 'GIT' || repo === undefined || repo === '') return [];
    const all = (name: keyof Event) => events.flatMap(one => one[name] ?? []).filter(isCommit);
    const [last = null] = all('last_affected');
    return all('introduced').map(
      (introduced): ListedThing => ({ kind: 'range', repository: repo, introduced, fixed: all('fixed'), last }),
    );
  });
}

function isCommit(given: string): boolean {
  return given === first || commitId.safeParse(given).success;
}
