import { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import { visibleLine } from '../kernel/text.ts';
import { isEnded } from '../model/run.ts';
import { defineStep } from '../ports/step.ts';

const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'this is not the id of a runbook');
const full = z.strictObject({
  name: id.meta({ description: 'The runbook, by its id. It is part of the plan, so an approval covers it.' }),
  params: z.record(z.string(), z.json() as z.ZodType<Json>).default({}),
});
type Input = z.infer<typeof full>;
const output = z.object({ state: z.string(), run: z.string() });

export default defineStep<Input, z.infer<typeof output>>({
  id: 'runbook',
  about:
    'Runs another runbook as a run of its own, under the decision on this one, and waits for its end. Fails when that does not succeed.',
  input: z.union([id.transform(name => full.parse({ name })), full]),
  output,
  risk: 'none',
  idempotent: true,
  timeout: null,
  examples: [
    {
      title: 'Another runbook',
      input: { name: 'top-processes', params: {} },
      expect: { state: 'waiting', for: 'run' },
    },
    { title: 'Without parameters', input: 'top-processes', expect: { state: 'waiting', for: 'run' } },
    { title: 'A path is no id', input: '../secrets', expect: { refused: 'not the id of a runbook' } },
  ],
  show: ({ name, params }) =>
    `run ${name}${Object.entries(params)
      .map(([key, value]) => ` ${visibleLine(key)}=${visibleLine(JSON.stringify(value))}`)
      .join('')}`,
  deed: ({ name }) => ({ kind: 'call', runbook: name }),
  async run({ name, params }, context) {
    if (context.dry) return { state: 'done', output: { state: 'succeeded', run: '' } };
    const child = await context.child(name, params);
    if (!isEnded(child.state)) return { state: 'waiting', for: 'run', wakeAt: null, on: child.id };
    const result = { state: child.state, run: child.id };
    if (child.state === 'succeeded') return { state: 'done', output: result };
    const ending = child.state === 'ineffective' || child.state === 'unconfirmed' ? child.state : 'failed';
    return {
      state: 'failed',
      because: `${name} ended ${child.state}${child.because === null ? '' : `: ${child.because}`}`,
      output: result,
      ending,
    };
  },
});
