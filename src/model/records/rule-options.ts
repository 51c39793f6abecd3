import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { severity } from '../event.ts';

const atLeast = (most: number) =>
  z
    .int()
    .min(1)
    .max(most)
    .meta({ description: `From how many on it fires; at most ${most.toLocaleString('en')}.` });
const within = duration
  .refine(ms => ms >= 1000 && ms <= 7 * 86_400_000, 'a window is 1s to 7d long')
  .meta({ description: 'The length of the window, by the times of the records. 1s to 7d.' });

export const ruleOptions = z
  .strictObject({
    name: z
      .string()
      .max(100)
      .regex(/^[^\p{C}\s]([^\p{C}]*[^\p{C}\s])?$/u, 'a line of text, at most 100 characters')
      .meta({ description: 'The name, unique in the source. It is part of the identity of the alerts.' }),
    where: z
      .string()
      .optional()
      .meta({
        description:
          'CEL over `record`: which records count; all when left out. A member that is missing makes it false.',
        examples: ['record.action == "REJECT" && record.dstport == 22'],
      }),
    by: z
      .array(z.string())
      .max(4)
      .default([])
      .meta({
        description: 'CEL: each combination of these values is an alert of its own. A missing one is the empty text.',
        examples: [['record.srcaddr']],
      }),
    count: z
      .strictObject({ atLeast: atLeast(1_000_000), within })
      .optional()
      .meta({
        description: 'Fires when so many records match within the window.',
      }),
    distinct: z
      .strictObject({
        of: z.string().meta({ description: 'CEL: the value whose different ones are counted.' }),
        atLeast: atLeast(1000),
        within,
      })
      .optional()
      .meta({ description: 'Fires when so many different values occur in the matching records of the window.' }),
    absent: z
      .strictObject({ for: within })
      .optional()
      .meta({ description: 'Fires when no record that matches arrived for so long.' }),
    notice: z.boolean().default(false).meta({
      description: 'Without a window: each match is a notice instead of an alert.',
    }),
    quiet: within.optional().meta({
      description:
        'The alert is over when for so long no record that matches arrived. The length of the window when left out, 15m without a window.',
    }),
    severity: severity.default('warning'),
    title: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ description: 'What the thread is called; the name when left out.' }),
    labels: z.record(z.string().min(1), z.string()).default({}).meta({ description: 'Labels that runbooks match on.' }),
  })
  .superRefine((given, ctx) => {
    const windows = [given.count, given.distinct, given.absent].filter(one => one !== undefined).length;
    if (windows > 1) ctx.addIssue({ code: 'custom', message: 'a rule has one of count, distinct and absent' });
    if (given.notice && windows > 0)
      ctx.addIssue({ code: 'custom', path: ['notice'], message: 'a rule with a window makes alerts' });
  });
export type RuleOptions = z.infer<typeof ruleOptions>;
