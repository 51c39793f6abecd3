import { z } from 'zod';

/** What an entry names. `range`: the commits of a repository that contain the first and not the last. */
export const badThing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), digest: z.string() }),
  z.object({ kind: z.literal('commit'), sha: z.string() }),
  z.object({
    kind: z.literal('range'),
    repository: z.string(),
    introduced: z.string(),
    /** The commit that mends it; null while there is none. */
    fixed: z.string().nullable(),
  }),
  /** A package by its purl without version, and the versions that are bad; no version means all. */
  z.object({ kind: z.literal('package'), purl: z.string(), versions: z.array(z.string()) }),
]);
export type BadThing = z.infer<typeof badThing>;

/** What it keeps out: new workloads, or everything that would start, also a pod of what runs already. */
export const blocks = z.enum(['rollout', 'all']);

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
});
export type BadMatch = z.infer<typeof badMatch>;
