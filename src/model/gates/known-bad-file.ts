import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';
import { feedKind } from './feed.ts';
import { blocks } from './known-bad.ts';

/** `sha256:…` of an image. */
export const imageDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'the digest of an image: sha256: and 64 lower-case hexadecimal digits');

/** The full id of a commit. */
export const commitId = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'the full id of a commit: 40 or 64 lower-case hexadecimal digits');

/** A name of a repository, with or without its host. */
const repository = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^\s\p{C}]+$/u, 'no spaces and no control characters');

const day = /^\d{4}-\d{2}-\d{2}$/;

/** A day, which is meant whole, or a moment; milliseconds since the epoch. */
const end = z.string().transform((text, context) => {
  const at = Date.parse(day.test(text) ? `${text}T23:59:59.999Z` : text);
  // What Date.parse takes besides ISO 8601 depends on the machine.
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) && Number.isFinite(at)) return at;
  context.addIssue({ code: 'custom', message: 'a day such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z' });
  return z.NEVER;
});

const things = ['image', 'commit', 'range', 'package'] as const;

const entryFile = z
  .strictObject({
    image: imageDigest.optional().meta({ description: 'The digest of an image: sha256:…' }),
    commit: commitId.optional().meta({ description: 'The full id of a commit, in any repository.' }),
    range: z
      .strictObject({
        repository,
        introduced: commitId.meta({ description: 'The first bad commit.' }),
        fixed: commitId.optional().meta({ description: 'The commit that mends it; left out while there is none.' }),
      })
      .optional()
      .meta({ description: 'Commits of a repository. Its history is looked up in the clone that clones: names.' }),
    package: z
      .string()
      .max(500)
      .optional()
      .meta({ description: 'A package by its purl: pkg:npm/left-pad, or pkg:npm/left-pad@1.3.0.' }),
    versions: z
      .union([z.array(z.string().min(1).max(200)).min(1).max(1000), z.string().min(1).max(250)])
      .optional()
      .meta({
        description:
          'With package: the versions as a list, or a range such as ">=1.0.0 <1.3.1" for npm, cargo and golang. All versions when left out.',
      }),
    reason: z.string().trim().min(1).max(500).meta({ description: 'Why, for people.' }),
    by: z.string().trim().min(1).max(100).meta({ description: 'Who says so.' }),
    until: end.optional().meta({ description: 'When it ends: a day, which counts whole (UTC), or a moment.' }),
    blocks: blocks.default('rollout').meta({
      description: 'What it keeps out: rollout for new workloads, all for whatever would start.',
    }),
  })
  .superRefine((given, context) => {
    const named = things.filter(one => given[one] !== undefined);
    if (named.length !== 1)
      context.addIssue({
        code: 'custom',
        message: named.length === 0 ? 'it does not say what is bad' : `it names ${named.join(' and ')} at once`,
        params: { allowed: `one of ${things.join(', ')}` },
      });
    if (given.versions !== undefined && given.package === undefined)
      context.addIssue({ code: 'custom', path: ['versions'], message: 'versions belong to a package' });
  });
export type KnownBadEntryFile = z.infer<typeof entryFile>;

const feedFile = z.strictObject({
  kind: feedKind.meta({
    description:
      'kev: the catalogue of exploited vulnerabilities of CISA, as JSON. osv: records of osv.dev, as JSON. list: lines of digests, commits and purls with versions.',
  }),
  url: z.url({ protocol: /^https?$/ }).meta({ description: 'Where it is; egress of tocsin.yaml must allow its host.' }),
  every: duration
    .refine(given => given >= 1000 && given <= 7 * 86_400_000, {
      error: 'this is too short or too long',
      params: { allowed: 'from 1s to 7d' },
    })
    .prefault('1h')
    .meta({ description: 'How often it is looked at.' }),
  blocks: blocks.default('rollout').meta({ description: 'What its entries keep out.' }),
});

/** Schema of known-bad.yaml: what is never let through a gate. */
export const knownBadFile = z.strictObject({
  entries: z.array(entryFile).max(2000).default([]).meta({ description: 'What people know to be bad.' }),
  feeds: z
    .record(name, feedFile)
    .refine(given => Object.keys(given).length <= 20, { error: 'there are more than 20 feeds' })
    .default({})
    .meta({ description: 'Lists of others, by the name that matches show.' }),
  clones: z.record(repository, z.string().min(1)).default({}).meta({
    description:
      'Local clones by repository, for ranges of commits, relative to this file. Tocsin reads and never fetches.',
  }),
});
