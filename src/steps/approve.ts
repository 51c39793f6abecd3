import { z } from 'zod';
import { duration, showDuration } from '../kernel/duration.ts';
import { visibleLine } from '../kernel/text.ts';
import { defineStep } from '../ports/step.ts';

const names = z.union([
  z
    .string()
    .min(1)
    .transform(name => [name]),
  z.array(z.string().min(1)).min(1),
]);

const input = z.strictObject({
  ask: z.string().min(1).max(500).meta({ description: 'The question.' }),
  by: names.meta({ description: 'Groups, or people, who may vote. Whoever asked for the run may not.' }),
  quorum: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .meta({ description: 'How many distinct people must approve; one denial denies.' }),
  expires: duration.prefault('30m').meta({ description: 'When nobody decided by then, it is denied.' }),
  reason: z.boolean().default(false).meta({ description: 'Whether each vote needs a reason.' }),
});
type Input = z.infer<typeof input>;
const output = z.object({ by: z.array(z.string()), reason: z.string().nullable() });

export default defineStep<Input, z.infer<typeof output>>({
  id: 'approve',
  about:
    'Asks people in the thread before it goes on. The run holds no worker meanwhile. A denial or an expiry fails the step.',
  input,
  output,
  risk: 'none',
  idempotent: true,
  timeout: null,
  examples: [
    {
      title: 'One of a group',
      input: { ask: 'Restart it?', by: 'sre' },
      expect: { state: 'waiting', for: 'approval' },
    },
    {
      title: 'Two people, with a reason each',
      input: { ask: 'Fail over?', by: ['sre', 'dba'], quorum: 2, expires: '10m', reason: true },
      expect: { state: 'waiting', for: 'approval' },
    },
    { title: 'Somebody must be asked', input: { ask: 'Restart it?' }, expect: { refused: 'by' } },
  ],
  show: ({ ask, by, quorum, expires }) =>
    `ask ${by.map(visibleLine).join(', ')} (${quorum} needed, within ${showDuration(expires)}): ${visibleLine(ask)}`,
  deed: () => ({ kind: 'quiet' }),
  async run({ ask, by, quorum, expires, reason }, context) {
    if (context.dry) return { state: 'done', output: { by: [], reason: null } };
    const approval = await context.approval({ question: ask, by, quorum, expires, reasonRequired: reason });
    switch (approval.state) {
      case 'open':
        return { state: 'waiting', for: 'approval', wakeAt: approval.expiresAt, on: approval.id };
      case 'approved':
        return {
          state: 'done',
          output: { by: approval.votes.map(vote => vote.person), reason: approval.votes.at(-1)?.reason ?? null },
        };
      default:
        return { state: 'failed', because: approval.because ?? approval.state };
    }
  },
});
