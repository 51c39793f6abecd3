import type { z } from 'zod';
import type { Alert } from '../model/alert.ts';
import type { Risk } from '../model/decision.ts';
import type { EventKind } from '../model/event.ts';
import type { StepApi } from './runbook.ts';

/** A trigger of a TypeScript runbook. `where` and `params` are CEL over the event. */
export interface TriggerDefinition {
  /** The name of a source in tocsin.yaml. */
  source: string;
  /** The kind of event; alerts and ticks when left out. A trigger takes notices and changes only with their kind. */
  kind?: EventKind;
  match?: Record<string, string | number | boolean | readonly (string | number | boolean)[] | { re: string }>;
  where?: string;
  params?: Record<string, string>;
}

/**
 * A runbook in TypeScript: the default export of `runbooks/<id>.ts`. `run` is replayed, so it must be deterministic: everything that varies
 * or has an effect belongs in a step.
 */
export interface RunbookDefinition<Shape extends z.ZodObject = z.ZodObject> {
  title: string;
  about?: string;
  risk: Risk;
  params?: Shape;
  on?: readonly TriggerDefinition[];
  /** CEL over params: the targets of the runbook, a text or a list of texts. */
  target?: string;
  /** Names of secrets of tocsin.yaml that its steps may use. */
  secrets?: readonly string[];
  /** Runbooks that it calls with `step.runbook`; the plan covers them too. */
  calls?: readonly string[];
  run(input: {
    step: StepApi;
    params: z.infer<Shape>;
    alert: Alert | null;
    run: { id: string; reason: string | null };
  }): Promise<void>;
}

export function defineRunbook<Shape extends z.ZodObject>(runbook: RunbookDefinition<Shape>): RunbookDefinition<Shape> {
  return runbook;
}
