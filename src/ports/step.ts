import type { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import type { ChildCommand } from '../kernel/child/child.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { Approval } from '../model/approval.ts';
import type { Risk } from '../model/decision.ts';
import type { Run, Waiting } from '../model/run.ts';

/** One step type. `run` is called again after a wait, with what was recorded, and says where it stands. */
export interface StepType<Input = unknown, Output extends Json = Json> {
  /** The file's name, and the key in YAML. */
  id: string;
  about: string;
  /** What the runbook gives, after templates. In YAML a short form (`exec: [a, b]`) is allowed when the schema takes it. */
  input: z.ZodType<Input>;
  output: z.ZodType<Output>;
  risk: Risk;
  /** Whether running it twice does no harm, when the runbook does not say. */
  idempotent: boolean;
  /** Milliseconds until it is stopped, when the runbook does not say; `default` for `run.timeout` of tocsin.yaml, null for never (it waits on purpose). */
  timeout: number | 'default' | null;
  examples: readonly StepExample[];
  /** Keys of the input whose text is code: `${{ }}` in them is refused at load, with the reason. */
  literal?: readonly string[];
  /**
   * For the plan: what exactly will happen. Used on the card, so it shows argv elements unambiguously, and several lines only where each line
   * of what the runbook says stands behind a gutter.
   */
  show(input: Input): string;
  run(input: Input, context: StepContext): Promise<StepResult<Output>>;
}

export type StepResult<Output extends Json = Json> =
  | { state: 'done'; output: Output; exitCode?: number }
  | {
      state: 'failed';
      because: string;
      output?: Json;
      exitCode?: number /** How the run ends when nothing else is done about it; `failed` when left out. */;
      ending?: 'failed' | 'ineffective' | 'unconfirmed';
    }
  /** Gives the worker back. The step is looked at again when `wakeAt` comes or when there is news of what it waits for. */
  | { state: 'waiting'; for: Waiting['for']; wakeAt: number | null; on?: string };

export interface StepContext {
  run: Run;
  step: string;
  attempt: number;
  /** `<run>/<step>`: the same in every attempt, for services that take an idempotency key. */
  idempotencyKey: string;
  /** Aborted by time-out, cancel and a lost lease. */
  signal: AbortSignal;
  clock: Clock;
  log: Log;
  /** What was recorded when this step began to wait; null on the first call. */
  waiting: Waiting | null;
  /** When the last step before this one ended; evidence of firing must be newer. Milliseconds since the epoch. */
  lastStepAt: number;
  /** The alert as it is now; null when the run has none. */
  alert(): Promise<Alert | null>;
  /** Asks the alert's source where it can be asked; `unknown` otherwise. Never rejects. */
  isFiring(): Promise<'firing' | 'resolved' | 'unknown'>;
  /** Runs a child process; see kernel/child/child.ts. Output streams into the thread, redacted. */
  spawn(command: SpawnCommand): Promise<SpawnResult>;
  /** HTTP within the egress rules of tocsin.yaml. */
  fetch: typeof fetch;
  /** The value of a secret that the runbook names. Rejects with `params-invalid` for another. */
  secret(name: string): Promise<string>;
  /** Adds text to the step's output. */
  say(text: string): void;
  /** Posts a message in the run's thread, and mentions people or groups. */
  post(message: {
    text: string;
    mention: readonly string[];
    tone?: 'info' | 'good' | 'warning' | 'error';
  }): Promise<void>;
  /** Opens the step's approval when there is none, and returns its present state. */
  approval(ask: StepAsk): Promise<Approval>;
  /** Starts the child run when there is none, and returns it. Its runbook must be in the plan's snapshot. */
  child(runbook: string, params: Record<string, Json>): Promise<Run>;
  /** True in `tocsin test` and dry runs: nothing outside may change. */
  dry: boolean;
}

export interface StepAsk {
  question: string;
  by: readonly string[];
  quorum: number;
  expires: number;
  reasonRequired: boolean;
}

/** What a step may start: argv, folder, environment, input. */
export type SpawnCommand = ChildCommand;

export interface SpawnResult {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Bounded, redacted text; `cut` counts the bytes that were left out in the middle. */
  stdout: string;
  stderr: string;
  cut: number;
}

export interface StepExample {
  title: string;
  /** As in YAML: the value under the step type's key. */
  input: unknown;
  expect:
    | { state: 'done'; output?: Json }
    | { state: 'failed'; because?: string }
    | { state: 'waiting'; for: Waiting['for'] }
    | { refused: string };
}

export function defineStep<Input, Output extends Json>(step: StepType<Input, Output>): StepType<Input, Output> {
  return step;
}
