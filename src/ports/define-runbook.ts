import type { z } from 'zod';
import type { Alert } from '../model/alert.ts';
import type { Risk } from '../model/decision.ts';
import type { EventKind } from '../model/event.ts';
import type { StepApi } from './runbook.ts';

/** A trigger as a TypeScript runbook writes it; `where` and `params` are CEL over the event. */
export interface TriggerDefinition {
  /** The name of a source in tocsin.yaml. */
  source: string;
  /** The kind of event; left out, alerts and ticks. Notices are taken only by triggers that say so. */
  kind?: EventKind;
  match?: Record<string, string | number | boolean | readonly (string | number | boolean)[] | { re: string }>;
  where?: string;
  params?: Record<string, string>;
}

/** A runbook in TypeScript: the default export of `runbooks/<id>.ts`. Everything that varies or acts belongs in a step, because `run` is replayed. */
export interface RunbookDefinition<Shape extends z.ZodObject = z.ZodObject> {
  title: string;
  about?: string;
  risk: Risk;
  params?: Shape;
  on?: readonly TriggerDefinition[];
  /** CEL over params: what the runbook acts on, a text or a list of texts. */
  target?: string;
  /** Names of secrets of tocsin.yaml that its steps may use. */
  secrets?: readonly string[];
  /** Runbooks that it calls with `step.runbook`, so that the plan covers them. */
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
