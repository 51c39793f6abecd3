import type { Run, Step } from '../../model/run.ts';
import type { StepOptions } from '../../ports/runbook.ts';
import type { StepType } from '../../ports/step.ts';
import type { Decide } from './journal.ts';
import type { Leftovers } from './leftovers.ts';
import type { Outcome } from './step.ts';

/** What steps need of their session: one worker's time with one run, from replay until the end, a wait or a stop. */
export interface SessionParts {
  /** The run as of the last append. */
  run(): Run;
  /** Appends under the lease; rejects with Stopped `lease-lost` when the lease is gone. */
  append(decide: Decide): Promise<void>;
  /**
   * Records a result; resolves when the runbook may read it. YAML may at once, because what follows is committed with it or after it, see
   * flow/run/journal.ts. The code of a TypeScript runbook can act on it outside of the journal, so there it is durable first.
   */
  result(decide: Decide): void | Promise<void>;
  steps: ReadonlyMap<string, StepType>;
  /** The time-out of a step that names none, milliseconds. */
  defaultTimeout: number;
  now(): number;
  /**
   * Resolves to true when a committed decision or approval for exactly this plan stands, and to false when there is none, or when the
   * process stops. Rejects with `plan-changed` when the snapshot is not intact. (The change that journals the start checks for a halt.)
   */
  mayStart(): Promise<boolean>;
  /** Kills the processes that an interrupted attempt of this step left behind. Resolves to those that it could not end, in words. */
  reap(step: string): Promise<string | null>;
  /** Where a step with this input may go on when its processes here are killed, in words; null for nowhere. */
  farOf(type: StepType, input: unknown): string | null;
  attempt(work: {
    type: StepType;
    input: unknown;
    step: string;
    number: number;
    timeout: number | null;
    waiting: Step['waiting'];
  }): Promise<{ outcome: Outcome; leftovers: Leftovers; log: { digest: string; bytes: string } | null }>;
  token: number;
}

export interface Call {
  path: string;
  type: StepType;
  given: unknown;
  options: Required<Pick<StepOptions, 'idempotent' | 'onInterrupt'>> & {
    title: string;
    timeout: number | null;
    retry: { times: number; wait: number; factor: number };
  };
  digest: string;
}
