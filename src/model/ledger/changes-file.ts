import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { name } from '../config.ts';
import { ledgerKeys } from './ledger-file.ts';

const names = z.union([z.string(), z.array(z.string()).min(1)]);
const day = 86_400_000;

const breakGlassFile = z.strictObject({
  group: names.meta({ description: 'The groups or people who may open a window; nobody else may.' }),
  max: duration
    .refine(given => given >= 60_000 && given <= day, {
      error: 'this is too short or too long for a window',
      params: { allowed: 'from 1m to 1d' },
    })
    .prefault('1h')
    .meta({ description: 'The longest window, and how long one is open when nobody says for how long: 1m to 1d.' }),
  pages: z
    .array(name)
    .optional()
    .meta({ description: 'The sources whose origin pages people when a window opens; all that can when left out.' }),
  to: z
    .array(z.string())
    .default([])
    .meta({ description: 'The channels where it is posted, as platform:channel; those of the routes when left out.' }),
  mention: names
    .optional()
    .meta({ description: 'The groups or people whom the post mentions; the operators when left out.' }),
});

const claimsFile = z.strictObject({
  by: names.meta({ description: 'The groups or people who may agree that a change was meant.' }),
  quorum: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .meta({ description: 'How many of them, besides the one who did it; 1 when left out.' }),
  expires: duration.prefault('1h').meta({ description: 'Until the claim is denied; 1h when left out.' }),
});

/** Schema of changes.yaml: what changes of the environment are held against. */
export const changesFile = z.strictObject({
  ...ledgerKeys,
  principals: z
    .record(name, z.array(z.string().min(1).max(512)).max(100))
    .default({})
    .meta({
      description:
        'By person of tocsin.yaml, the names that changes carry of what that person did: the ARN of a role session, a user of the cluster. Whole names, without patterns.',
    }),
  breakGlass: breakGlassFile
    .optional()
    .meta({ description: 'Who may open a window for themselves, and for how long.' }),
  claims: claimsFile.optional().meta({
    description: 'Who agrees to "it was me"; when left out, the operators, else everybody in people of tocsin.yaml.',
  }),
});
export type ChangesFile = z.infer<typeof changesFile>;
