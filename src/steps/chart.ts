import { z } from 'zod';
import { duration, showDuration } from '../kernel/duration.ts';
import { visibleLine } from '../kernel/text.ts';
import { defineStep } from '../ports/step.ts';

const query = z.string().trim().min(1).max(4000);
const range = duration.refine(time => time >= 60_000 && time <= 31 * 86_400_000, {
  error: 'this is not a range of a picture',
  params: { allowed: 'from 1m to 31d' },
});
const full = z.strictObject({
  query: query.meta({
    description:
      'In the language of the metrics, for Prometheus PromQL. A comparison with a number is drawn as a threshold.',
  }),
  range: range.prefault('1h').meta({ description: 'How far back, to now.' }),
  title: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'What stands above it; the name of the metric when left out.' }),
  source: z.string().min(1).max(100).optional().meta({
    description: 'The source of tocsin.yaml whose metrics are asked; may be left out where only one has metrics.',
  }),
});
type Input = z.infer<typeof full>;

const number = z.number().nullable();
const output = z.object({
  /** The picture in words. */
  text: z.string(),
  series: z.array(z.object({ name: z.string(), first: number, last: number, low: number, high: number })),
  /** How many series are not drawn. */
  more: z.int(),
});

export default defineStep<Input, z.infer<typeof output>>({
  id: 'chart',
  about:
    'Asks the metrics of a source (`prometheus:` of an alertmanager source) for the series of a query, and posts them as a picture with its text in the thread. A platform without pictures gets the text. It reads only. The step fails when the metrics cannot be had; `retry` and `if` decide what that means.',
  input: z.union([query.transform(text => full.parse({ query: text })), full]),
  output,
  risk: 'none',
  idempotent: true,
  timeout: 30_000,
  examples: [
    {
      title: 'The load of all nodes, the last hour',
      input: 'node_load1',
      expect: { state: 'failed', because: 'no source with metrics' },
    },
    {
      title: 'With a threshold and a name',
      input: { query: 'node_filesystem_avail_bytes < 1e9', range: '6h', title: 'Room on disks' },
      expect: { state: 'failed', because: 'no source with metrics' },
    },
    { title: 'A range that no picture holds', input: { query: 'up', range: '400d' }, expect: { refused: '31d' } },
  ],
  deed: () => ({ kind: 'quiet' }),
  show: ({ query: asked, range: back, title, source }) =>
    `picture of ${visibleLine(asked)}, the last ${showDuration(back)}${source === undefined ? '' : ` of ${visibleLine(source)}`}${title === undefined ? '' : ` as ${JSON.stringify(visibleLine(title))}`}`,
  async run({ query: asked, range: back, title, source }, context) {
    if (context.dry) {
      context.say(`would ask for ${asked}`);
      return { state: 'done', output: { text: '', series: [], more: 0 } };
    }
    const said = await context.chart({ query: asked, range: back, title: title ?? null, source: source ?? null });
    context.say(`${said.text}\n`);
    return { state: 'done', output: said };
  },
});
