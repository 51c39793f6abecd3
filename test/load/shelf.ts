import { z } from 'zod';
import { duration } from '../../src/kernel/duration.ts';
import type { StepType } from '../../src/ports/step.ts';
import { defineStep } from '../../src/ports/step.ts';

/** Step types with the inputs of the real ones, for tests of loading: they never run. */
const never = async () => ({ state: 'done' as const, output: null });

const argv = z.array(z.string().min(1)).min(1);
const execOutput = z.object({ exitCode: z.int().nullable(), stdout: z.string(), stderr: z.string() });

function type(facts: {
  id: string;
  input: z.ZodType;
  output?: z.ZodType;
  literal?: readonly string[];
  show(input: never): string;
}): [string, StepType] {
  const driver = {
    about: '',
    output: z.null(),
    risk: 'low',
    idempotent: false,
    timeout: null,
    examples: [],
    run: never,
    ...facts,
  } as unknown as StepType;
  return [facts.id, defineStep(driver as never) as StepType];
}

export const shelf: ReadonlyMap<string, StepType> = new Map([
  type({
    id: 'exec',
    input: z.union([
      argv.transform(list => ({ argv: list })),
      z.strictObject({
        argv,
        okExit: z.array(z.int()).optional(),
        cwd: z.string().optional(),
        env: z.record(z.string(), z.string()).optional(),
        secrets: z.record(z.string(), z.string()).optional(),
        stdin: z.string().optional(),
      }),
    ]),
    output: execOutput,
    show: (input: { argv: string[] }) => JSON.stringify(input.argv),
  }),
  type({
    id: 'script',
    input: z.union([
      z.string().transform(run => ({ run })),
      z.strictObject({ run: z.string(), shell: z.string().optional() }),
    ]),
    output: execOutput,
    literal: ['run'],
    show: (input: { run: string }) => input.run,
  }),
  type({
    id: 'http',
    input: z.strictObject({ url: z.string(), method: z.enum(['GET', 'POST']).optional(), body: z.json().optional() }),
    output: z.object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() }),
    show: (input: { url: string }) => input.url,
  }),
  type({ id: 'wait', input: duration, show: (input: number) => String(input) }),
  type({
    id: 'approve',
    input: z.strictObject({
      ask: z.string(),
      by: z.union([z.string(), z.array(z.string())]),
      quorum: z.int().min(1).optional(),
    }),
    show: (input: { ask: string }) => input.ask,
  }),
  type({
    id: 'notify',
    input: z.union([
      z.string().transform(text => ({ text })),
      z.strictObject({ text: z.string(), mention: z.array(z.string()).optional() }),
    ]),
    show: (input: { text: string }) => input.text,
  }),
  type({
    id: 'verify',
    input: z.union([
      z.strictObject({ resolved: z.literal(true), within: duration }),
      z.strictObject({ exec: argv, within: duration }),
    ]),
    show: () => 'verify',
  }),
  type({
    id: 'runbook',
    input: z.union([
      z.string().transform(name => ({ name, params: {} })),
      z.strictObject({ name: z.string(), params: z.record(z.string(), z.json()).optional() }),
    ]),
    output: z.object({ state: z.string() }),
    show: (input: { name: string }) => input.name,
  }),
]);
