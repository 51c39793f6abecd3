import type { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import type { ChildCommand } from '../kernel/child/child.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Far } from '../kernel/far/far.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert, AlertEnd } from '../model/alert.ts';
import type { Approval } from '../model/approval.ts';
import type { Risk } from '../model/decision.ts';
import type { Picture } from '../model/picture.ts';
import type { Run, Waiting } from '../model/run.ts';
import type { Deed } from './deed.ts';

/** A step type driver. After a wait `run` is called again with the recorded wait, and returns the new state. */
export interface StepType<Input = unknown, Output extends Json = Json> {
  /** The name of its file, and the key in YAML. */
  id: string;
  about: string;
  /** The input after templates. In YAML a short form (`exec: [a, b]`) is allowed when the schema accepts it. */
  input: z.ZodType<Input>;
  output: z.ZodType<Output>;
  risk: Risk;
  /** True when running it twice does no harm. A runbook may override it. */
  idempotent: boolean;
  /** The time-out in milliseconds; `default`: `run.timeout` of tocsin.yaml; null: never (steps that wait). A runbook may override it. */
  timeout: number | 'default' | null;
  examples: readonly StepExample[];
  /** Keys of the input that hold code: `${{ }}` in them is refused at load. */
  literal?: readonly string[];
  /**
   * Describes exactly what will happen, for the plan and the card. It must show argv elements unambiguously. It may have several lines only
   * if each line of the runbook's text is behind a gutter.
   */
  show(input: Input): string;
  /** What it does, for the headline of a question. Without it the headline names the type. */
  deed?(input: Input): Deed;
  /** Where the work of this step goes on when its processes here are killed, as far as the input shows it. Nowhere when left out. */
  far?(input: Input, run: Run): readonly Far[];
  run(input: Input, context: StepContext): Promise<StepResult<Output>>;
}

export type StepResult<Output extends Json = Json> =
  | {
      state: 'done';
      output: Output;
      exitCode?: number;
      /** What there is to say of it all the same. */
      because?: string;
      /** For how long after it later news may show that it was wrong, milliseconds. */
      window?: number;
    }
  | {
      state: 'failed';
      because: string;
      output?: Json;
      exitCode?: number /** How the run ends when nothing else is done about it; `failed` when left out. */;
      ending?: 'failed' | 'ineffective' | 'unconfirmed';
    }
  /** Releases the worker. `run` is called again at `wakeAt`, or when there is news of what the step waits for. */
  | { state: 'waiting'; for: Waiting['for']; wakeAt: number | null; on?: string };

export interface StepContext {
  run: Run;
  step: string;
  attempt: number;
  /** `<run>/<step>`, the same in every attempt, for services that accept an idempotency key. */
  idempotencyKey: string;
  /** Aborted by a time-out, a cancel or a lost lease. */
  signal: AbortSignal;
  clock: Clock;
  log: Log;
  /** The recorded wait of this step; null on the first call. */
  waiting: Waiting | null;
  /** When the last step before this one ended, milliseconds since the epoch. Evidence of firing must be newer than this. */
  lastStepAt: number;
  /** The present state of the alert; null when the run has none. */
  alert(): Promise<Alert | null>;
  /** Asks the alert's source whether it fires. Never rejects. */
  look(): Promise<Seen>;
  /** Runs a child process and streams its redacted output into the thread. Rejects as in kernel/child/child.ts. */
  spawn(command: SpawnCommand): Promise<SpawnResult>;
  /** HTTP within the egress rules of tocsin.yaml. It may take as long as the step, and ends with it. */
  fetch: typeof fetch;
  /** The value of a secret that the runbook names. Rejects with `params-invalid` for any other. */
  secret(name: string): Promise<string>;
  /** Adds text to the step's output. */
  say(text: string): void;
  /** Posts a message in the run's thread, and mentions people or groups. */
  post(message: {
    text: string;
    mention: readonly string[];
    tone?: 'info' | 'good' | 'warning' | 'error';
  }): Promise<void>;
  /**
   * Asks the metrics of a source for the series of a query, and posts their picture in the run's thread. Rejects with `origin-down` or
   * `origin-refused`, and with `params-invalid` where no source has metrics, or several and none is named.
   */
  chart(ask: StepChartAsk): Promise<StepChartSaid>;
  /** Opens the step's approval if there is none, and resolves to its present state. */
  approval(ask: StepAsk): Promise<Approval>;
  /** Starts the child run if there is none, and resolves to it. Its runbook must be part of the plan's snapshot. */
  child(runbook: string, params: Record<string, Json>): Promise<Run>;
  /** True in dry runs, such as those of `tocsin test`: the step must not change anything outside. */
  dry: boolean;
}

export interface StepChartAsk {
  query: string;
  title: string | null;
  /** How far back, milliseconds. */
  range: number;
  /** The source of tocsin.yaml; null for the only one that has metrics. */
  source: string | null;
}

/** The picture in words, the numbers of each line, and how many series are not drawn. */
export type StepChartSaid = {
  text: string;
  series: Picture['rows'];
  more: number;
};

export interface StepAsk {
  question: string;
  by: readonly string[];
  quorum: number;
  expires: number;
  reasonRequired: boolean;
}

/** What a look at the origin of an alert found. */
export type Seen =
  | { state: 'firing' }
  /** It was not found in this look, and not since `since`; both by the origin's clock, milliseconds since the epoch. */
  | { state: 'gone'; since: number; at: number; end: AlertEnd }
  /** The origin did not answer, or does not know. */
  | { state: 'unknown'; because: string }
  /** It cannot be asked: its source has no address, or no way to ask. */
  | { state: 'blind'; because: string };

/** A child process of a step: argv, folder, environment, input. */
export type SpawnCommand = ChildCommand;

export interface SpawnResult {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** Bounded and redacted text; `cut` is the number of bytes left out of the middle. */
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
