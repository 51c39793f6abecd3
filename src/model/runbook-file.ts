import { z } from 'zod';
import { duration } from '../kernel/duration.ts';
import { risk } from './decision.ts';
import { eventKind } from './event.ts';

/** The id of a runbook: the name of its file without the extension. */
export const runbookId = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const stepId = /^[a-z][a-z0-9-]{0,40}$/;
const paramName = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/;

const cel = (about: string) => z.string().meta({ description: `${about} (CEL)` });
const about = z.string().max(2000).optional().meta({ description: 'What people should know about it.' });
const scalar = z.union([z.string(), z.number(), z.boolean()]);

export const labelMatch = z
  .union([
    scalar,
    z.array(scalar).min(1),
    z.strictObject({ re: z.string().meta({ description: 'RE2 pattern that the whole label matches.' }) }),
  ])
  .meta({ description: 'The value of the label, a list of values, or { re: pattern }.' });

export const trigger = z.strictObject({
  source: z.string().meta({ description: 'The name of a source in tocsin.yaml.' }),
  kind: eventKind.optional().meta({
    description:
      'The kind of event. Left out: alerts and ticks. Notices are taken only by triggers that say `kind: notice`, changes only by `kind: change`.',
  }),
  unpermitted: z.literal(true).optional().meta({
    description: 'With `kind: change`: only changes that nothing permitted, once they are judged. For undoing them.',
  }),
  match: z.record(z.string(), labelMatch).default({}).meta({ description: 'All of these labels must match.' }),
  where: cel('Must hold as well; over event, alert, labels, annotations').optional(),
  params: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: "Parameters by expressions (CEL) over the event; they go before a parameter's own `from`." }),
});

const common = {
  about,
  from: cel('Where the value comes from when an event starts the runbook').optional(),
  required: z
    .boolean()
    .optional()
    .meta({ description: 'False: may be left out. True when left out, unless there is a default.' }),
};

const stringParam = z.strictObject({
  type: z.literal('string'),
  ...common,
  default: z.string().optional(),
  pattern: z.string().optional().meta({ description: 'RE2 pattern that the whole value matches.' }),
  maxLength: z.int().min(1).max(65_536).default(1000),
  allowDash: z
    .boolean()
    .default(false)
    .meta({ description: 'Allows values that begin with "-", which commands may take for options.' }),
});
const numberShape = {
  ...common,
  default: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
};
const numberParam = z.strictObject({ type: z.literal('number'), ...numberShape });
const integerParam = z.strictObject({ type: z.literal('integer'), ...numberShape, default: z.int().optional() });
const booleanParam = z.strictObject({ type: z.literal('boolean'), ...common, default: z.boolean().optional() });
const enumParam = z.strictObject({
  type: z.literal('enum'),
  ...common,
  options: z.array(z.string().min(1)).min(1),
  default: z.string().optional(),
});
const personParam = z
  .strictObject({ type: z.literal('person'), ...common, default: z.string().optional() })
  .meta({ description: 'The id of somebody in `people` of tocsin.yaml.' });

export const param = z.discriminatedUnion('type', [
  stringParam,
  numberParam,
  integerParam,
  booleanParam,
  enumParam,
  personParam,
]);
export type ParamFile = z.infer<typeof param>;

const retry = z.strictObject({
  times: z.int().min(1).max(20).meta({ description: 'How often it is tried again.' }),
  wait: duration.optional().meta({ description: 'Before the first new try.' }),
  factor: z.number().min(1).max(10).optional().meta({ description: 'The wait grows by it with every try.' }),
});

/** The keys that every step may have, besides the key of its type. */
export const stepCommon = z.object({
  id: z
    .string()
    .regex(stepId, 'a step id is lower-case letters, digits and dashes, at most 41, starting with a letter'),
  title: z.string().max(200).optional(),
  if: cel('The step is left out unless this holds; over params, steps, alert, labels, run').optional(),
  timeout: z
    .union([duration, z.literal('never')])
    .optional()
    .meta({ description: 'Until it is stopped: 30s, 10m, or never.' }),
  retry: retry.optional(),
  idempotent: z.boolean().optional().meta({ description: 'Running it twice does no harm.' }),
  onInterrupt: z
    .enum(['ask', 'retry', 'skip', 'fail'])
    .optional()
    .meta({ description: 'What happens when Tocsin stopped while it ran; retry when idempotent, else ask.' }),
  undo: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: 'A step type with its input; runs in reverse order when the run fails later.' }),
});
export type StepCommon = z.infer<typeof stepCommon>;
export const stepKeys = Object.keys(stepCommon.shape);

/** Schema of a YAML runbook. It accepts any object as a step; steps are checked one by one against their step types. */
export const runbookFile = z.strictObject({
  title: z.string().min(1).max(200),
  about,
  risk: risk.meta({ description: 'none (read only), low, medium or high.' }),
  on: z.array(trigger).default([]).meta({ description: 'The triggers: what binds events to the runbook.' }),
  params: z
    .record(
      z.string().regex(paramName, 'a parameter is letters, digits and underscores, starting with a letter'),
      param,
    )
    .default({}),
  target: cel('What it acts on, a text or a list of texts; brakes count targets').optional(),
  secrets: z
    .array(z.string())
    .default([])
    .meta({ description: 'Names of secrets of tocsin.yaml that its steps may use.' }),
  steps: z.array(z.record(z.string(), z.unknown())).min(1).max(100),
});
export type RunbookFile = z.infer<typeof runbookFile>;
