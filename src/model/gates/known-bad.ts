import { z } from 'zod';

const image = z.object({ kind: z.literal('image'), digest: z.string() });
const commit = z.object({ kind: z.literal('commit'), sha: z.string() });
/** The commits of a repository that contain `introduced`, and none of `fixed`. */
const range = z.object({
  kind: z.literal('range'),
  repository: z.string(),
  /** `0` for the beginning of the history. */
  introduced: z.string(),
  /** The commits that mend it; none while it is not mended. */
  fixed: z.array(z.string()),
  /** The last commit that has it, where that is told in place of what mends it. */
  last: z.string().nullable(),
});
/** A package by its purl without version. With neither versions nor ranges, every version of it. */
const packaged = z.object({
  kind: z.literal('package'),
  purl: z.string(),
  versions: z.array(z.string()),
  /** Ranges as npm writes them, for ecosystems whose versions are semantic. */
  ranges: z.array(z.string()),
});

/** What an entry of people names. */
export const badThing = z.discriminatedUnion('kind', [image, commit, range, packaged]);
export type BadThing = z.infer<typeof badThing>;

/** What any entry names: feeds also name vulnerabilities, by their id in upper case. */
export const listedThing = z.discriminatedUnion('kind', [
  image,
  commit,
  range,
  packaged,
  z.object({ kind: z.literal('vulnerability'), id: z.string() }),
]);
export type ListedThing = z.infer<typeof listedThing>;

/** What it keeps out: new workloads, or everything that would start, also a pod of what runs already. */
export const blocks = z.enum(['rollout', 'all']);
export type Blocks = z.infer<typeof blocks>;

/** An entry, whoever made it. */
export interface BadEntry {
  thing: ListedThing;
  reason: string;
  /** `known-bad.yaml`, the id of an entry of people, or the name of a feed. */
  from: string;
  /** Who put it there, by identity or by the name that the file or feed gives. */
  by: string;
  blocks: Blocks;
  /** Milliseconds since the epoch; null without an end. */
  until: number | null;
}

/** An entry that somebody put on the list by Never again, by command or through the API. Those of known-bad.yaml and feeds are no documents. */
export const knownBad = z.object({
  id: z.string(),
  thing: badThing,
  reason: z.string(),
  /** Who put it there, by identity. */
  by: z.string(),
  /** The alert in whose thread it was done; null elsewhere. */
  alert: z.string().nullable(),
  /** Milliseconds since the epoch; null without an end. */
  until: z.int().nullable(),
  blocks,
  state: z.enum(['open', 'ended']),
  createdAt: z.int(),
  version: z.int(),
});
export type KnownBad = z.infer<typeof knownBad>;

/** An entry that holds for a subject, with where it stands, for policy and people. */
export const badMatch = z.object({
  /** What of the subject is bad: `sha256:…`, a commit, `pkg:npm/left-pad@1.3.0`. */
  what: z.string(),
  reason: z.string(),
  /** `known-bad.yaml`, the id of an entry, or the name of a feed. */
  from: z.string(),
  by: z.string(),
  blocks,
  until: z.int().nullable(),
  /** False when it cannot be told whether the entry means this one, as `reason` says. Then people are asked. */
  sure: z.boolean(),
  /** When the feed was last read, milliseconds since the epoch; null for what people wrote. */
  asOf: z.int().nullable(),
});
export type BadMatch = z.infer<typeof badMatch>;

/** What an entry names, for people. */
export function thingText(thing: ListedThing): string {
  switch (thing.kind) {
    case 'image':
      return thing.digest;
    case 'commit':
      return thing.sha;
    case 'vulnerability':
      return thing.id;
    case 'range': {
      const ends = thing.last === null ? thing.fixed : [thing.last];
      return `${thing.repository} ${thing.introduced.slice(0, 10)}..${ends.map(end => end.slice(0, 10)).join(', ')}`;
    }
    case 'package': {
      const which = [...thing.versions, ...thing.ranges].join(', ');
      return which === '' ? `${thing.purl}, all versions` : `${thing.purl}@${which}`;
    }
  }
}

/** Where a match is from: `alice, bad_0mgw3k5q2x`, `CISA, kev as of 2026-11-30 00:55 UTC`. */
export function fromText({ by, from, asOf }: Pick<BadMatch, 'by' | 'from' | 'asOf'>): string {
  const age = asOf === null ? '' : ` as of ${new Date(asOf).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return by === from ? `${from}${age}` : `${by}, ${from}${age}`;
}

/** One line for people about what is surely bad. */
export function badText(match: BadMatch): string {
  return `${match.what} is known to be bad: ${match.reason} (${fromText(match)})`;
}

/** The first match that is sure and was not known when it was decided; null when there is none. */
export function newlyBad(matches: readonly BadMatch[], known: readonly BadMatch[]): BadMatch | null {
  const old = new Set(known.filter(one => one.sure).map(one => `${one.from} ${one.what}`));
  return matches.find(one => one.sure && !old.has(`${one.from} ${one.what}`)) ?? null;
}
