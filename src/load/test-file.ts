import { z } from 'zod';
import { severity } from '../model/event.ts';
import { json } from '../model/run.ts';

/** The assumed output of a step. Fields that are left out have default values of their type (exit code 0, empty texts). */
const assumed = z.union([
  z.strictObject({
    fails: z.string().min(1).meta({ description: 'The step fails for this reason.' }),
    ending: z.enum(['failed', 'ineffective', 'unconfirmed']).default('failed'),
  }),
  z.record(z.string(), json),
]);

const facts = z.union([z.string().min(1), z.record(z.string(), z.string())]);

/** A change that a case is about. What is left out is not known. */
const changeGiven = z.strictObject({
  action: z.string().min(1).default('change'),
  resource: z
    .strictObject({ type: z.string().min(1), id: z.string().min(1), name: z.string().optional() })
    .default({ type: 'thing', id: 'thing' }),
  actor: z.string().optional().meta({ description: 'The name of who did it.' }),
  before: facts.optional().meta({ description: 'A digest, or settings.' }),
  after: facts.optional().meta({ description: 'A digest, or settings.' }),
  account: z.string().optional(),
  environment: z.string().optional(),
  outcome: z.enum(['success', 'failure', 'unknown']).default('success'),
  error: z.string().optional().meta({ description: 'Why it failed: the outcome is then failure.' }),
  id: z.string().optional(),
  unpermitted: z.boolean().default(false).meta({
    description: 'It was judged, and nothing permits it: only triggers with unpermitted take it then.',
  }),
});
export type ChangeGiven = z.infer<typeof changeGiven>;

/** Schema of one case in runbooks/<id>.test.yaml. */
export const testCase = z.strictObject({
  name: z.string().min(1),
  params: z.record(z.string(), json).optional().meta({ description: 'Parameters as a person would give them.' }),
  event: z
    .strictObject({
      source: z.string(),
      schedule: z.string().optional().meta({ description: 'The name of a schedule: the event is its tick.' }),
      notice: z.string().optional().meta({ description: 'The type of a notice: the event is one.' }),
      change: changeGiven.optional().meta({ description: 'The event is a change.' }),
      title: z.string().default('an alert'),
      severity: severity.default('warning'),
      state: z.enum(['firing', 'resolved']).default('firing'),
      labels: z.record(z.string(), z.string()).default({}),
      annotations: z.record(z.string(), z.string()).default({}),
    })
    .optional()
    .meta({ description: 'An event that a trigger should take, instead of params.' }),
  steps: z.record(z.string(), assumed).default({}).meta({ description: 'What steps put out, by step id.' }),
  expect: z.strictObject({
    matches: z.boolean().optional().meta({ description: 'Whether a trigger holds for the event.' }),
    refused: z.string().optional().meta({ description: 'The parameters are refused, for a reason with these words.' }),
    params: z.record(z.string(), json).optional(),
    targets: z.array(z.string()).optional(),
    steps: z.array(z.string()).optional().meta({ description: 'The steps that run, in order.' }),
    skipped: z.array(z.string()).optional(),
    undone: z.array(z.string()).optional().meta({ description: 'The steps that are undone, in order.' }),
    inputs: z.record(z.string(), json).optional().meta({ description: 'What steps get, after templates, by step id.' }),
    state: z.enum(['succeeded', 'failed', 'ineffective', 'unconfirmed']).optional(),
  }),
});
export type TestCase = z.infer<typeof testCase>;
export const testFile = z.strictObject({ cases: z.array(testCase).min(1) });
