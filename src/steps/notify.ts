import { z } from 'zod';
import { visibleLine } from '../kernel/text.ts';
import { defineStep } from '../ports/step.ts';

const text = z.string().min(1).max(4000);
const names = z.union([
  z
    .string()
    .min(1)
    .transform(name => [name]),
  z.array(z.string().min(1)).max(20),
]);
const full = z.strictObject({
  text: text.meta({ description: 'What is posted in the thread. It is data: nothing in it is markup.' }),
  mention: names.prefault([]).meta({ description: 'People or groups who are called.' }),
  tone: z.enum(['info', 'good', 'warning', 'error']).default('info'),
});
type Input = z.infer<typeof full>;

export default defineStep<Input, null>({
  id: 'notify',
  about: 'Posts a message in the thread, and calls people where it says so.',
  input: z.union([text.transform(said => full.parse({ text: said })), full]),
  output: z.null(),
  risk: 'none',
  idempotent: true,
  timeout: 30_000,
  examples: [
    { title: 'A line', input: 'The cache is warm again.', expect: { state: 'done', output: null } },
    {
      title: 'Call somebody',
      input: { text: 'Please look at web-1.', mention: 'sre', tone: 'warning' },
      expect: { state: 'done', output: null },
    },
    { title: 'Nothing to say', input: '', expect: { refused: '' } },
  ],
  deed: () => ({ kind: 'quiet' }),
  show: ({ text: said, mention }) =>
    `post ${visibleLine(said)}${mention.length === 0 ? '' : `  calls ${mention.map(visibleLine).join(', ')}`}`,
  async run({ text: said, mention, tone }, context) {
    if (context.dry) context.say(`would post: ${said}`);
    else await context.post({ text: said, mention, tone });
    return { state: 'done', output: null };
  },
});
