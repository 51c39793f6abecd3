import { z } from 'zod';
import { duration, parseDuration } from '../kernel/duration.ts';
import { wholeNumber } from '../kernel/number.ts';
import { verdict } from './decision.ts';

/** "1 per 30m" */
const rate = z
  .string()
  .meta({ description: 'A count and a time, for example 1 per 30m.', examples: ['1 per 30m'] })
  .transform((text, context) => {
    const parts = /^(\d+)\s+per\s+(.+)$/.exec(text.trim());
    const within = parseDuration(parts?.[2] ?? '');
    const count = wholeNumber(parts?.[1] ?? '');
    if (within === null || within === 0 || count === null || count < 1) {
      context.addIssue({
        code: 'custom',
        message: `"${text}" is not a rate`,
        params: { allowed: 'for example 1 per 30m' },
      });
      return z.NEVER;
    }
    return { count, within };
  });

export const limitFile = z.strictObject({
  perHour: z.int().min(1).optional().meta({ description: 'Automatic runs of one runbook an hour.' }),
  perTarget: rate.optional(),
});

export const ruleFile = z.strictObject({
  name: z.string().min(1).max(200),
  when: z.string().optional().meta({
    description:
      'CEL over event, alert, labels, runbook, params, targets, actor, trigger, now, history, or, in a rule about gates, over gate, alerts, actor, now; true when left out.',
  }),
  decide: verdict.meta({ description: 'auto, approve, notify or deny.' }),
  by: z
    .union([z.string(), z.array(z.string()).min(1)])
    .optional()
    .meta({ description: 'Groups or people who may vote.' }),
  quorum: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'How many distinct people must approve; 1 when left out.' }),
  expires: duration.optional().meta({ description: 'Until the request is denied or escalates; 30m when left out.' }),
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the policy file; the object is never awaited
  then: z.strictObject({ escalate: z.string() }).optional().meta({ description: 'Who is asked when it expires.' }),
  reason: z.literal('required').optional().meta({ description: 'A vote needs a reason.' }),
  resolve: z.literal('origin').optional().meta({
    description:
      'Once a run has verified that the alert is gone, resolve it at its origin too (a PagerDuty incident). Not done when left out.',
  }),
  limit: limitFile.optional().meta({ description: 'Brakes on auto: beyond them people are asked.' }),
});
export type RuleFile = z.infer<typeof ruleFile>;

/** Schema of policy.yaml: the first rule that holds decides; when none holds, people are asked. */
export const policyFile = z.strictObject({ rules: z.array(ruleFile).max(500) });

/** Keys for brakes that are not implemented yet. They are errors, because a key without an effect would be a false promise. */
export const laterKeys = ['concurrency', 'blastRadius', 'breaker', 'cooldown', 'loop', 'storm', 'window', 'stepUp'];
