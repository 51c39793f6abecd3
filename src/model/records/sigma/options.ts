import { z } from 'zod';

const word = z.string().min(1).max(200);

const logsource = z
  .strictObject({
    product: word.optional(),
    category: word.optional(),
    service: word.optional(),
    where: z
      .string()
      .optional()
      .meta({
        description: 'CEL over `record`: which records these are; all when left out.',
        examples: ['record.app == "sshd"'],
      }),
  })
  .refine(one => one.product ?? one.category ?? one.service, 'one of product, category and service says what it is');

/** Rules in the files of Sigma. */
export const sigmaOptions = z.strictObject({
  files: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .meta({
      description: 'Files, or folders of .yml and .yaml files, relative to tocsin.yaml.',
      examples: [['./sigma']],
    }),
  logsources: z
    .array(logsource)
    .min(1)
    .max(100)
    .meta({
      description:
        'What the records are, in the words of `logsource`. A rule is used when all that its logsource names is in one of these; others are left out with a warning.',
      examples: [[{ product: 'linux', service: 'sshd', where: 'record.app == "sshd"' }]],
    }),
  fields: z
    .record(word, word)
    .default({})
    .meta({ description: 'What fields of the rules are called here, with dots between members.' }),
  by: z
    .array(word)
    .max(4)
    .default([])
    .meta({ description: 'The fields by whose values a rule without a grouping of its own makes an alert each.' }),
});
export type SigmaOptions = z.infer<typeof sigmaOptions>;
