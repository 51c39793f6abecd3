import type { Json } from '../kernel/canonical.ts';
import type { StopSignal } from '../kernel/child/signals.ts';
import type { Alert } from '../model/alert.ts';
import type { Risk } from '../model/decision.ts';
import type { Event, EventKind } from '../model/event.ts';
import type { RunbookView } from './chat.ts';
import type { Deed } from './deed.ts';

/** A loaded runbook, written in YAML or TypeScript. Made by load/, read by flow/. */
export interface Runbook {
  id: string;
  title: string;
  about: string;
  kind: 'yaml' | 'ts';
  risk: Risk;
  triggers: readonly Trigger[];
  params: ParamSet;
  /** The targets with these parameters; brakes count them. */
  targets(params: Params): string[];
  /** Names of secrets that its steps may ask for. */
  secrets: readonly string[];
  /** All its files (itself, its imports, the runbooks it calls), by path relative to the runbook folder. */
  files: ReadonlyMap<string, Uint8Array>;
  entry: string;
  /** The steps as far as they are known before the run; empty for TypeScript. `shows` has the parameters filled in. */
  outline(params: Params): StepOutline[];
  view: RunbookView;
  /** The body. It must be deterministic except for its steps: it is replayed from the journal after every wait and every restart. */
  body(input: RunbookInput): Promise<void>;
}

export type Params = Readonly<Record<string, Json>>;

export interface StepOutline {
  id: string;
  title: string;
  type: string;
  /** Exactly what will run, or a note that it is computed later. */
  shows: string;
  /** Null when its type does not say. */
  deed?: Deed | null;
}

/** What binds events to a runbook. */
export interface Trigger {
  source: string;
  /** Null when the trigger names none (see takesKind). */
  kind: EventKind | null;
  /** It takes changes that nothing permitted, when they are judged, and nothing when it arrives. */
  unpermitted?: true;
  match: readonly LabelMatch[];
  /** CEL over the event; throws when it cannot be evaluated. Null when there is none. */
  where: ((variables: EventVariables) => boolean) | null;
  whereText: string | null;
  /** Computes the parameters from the event. Throws TocsinError `params-invalid`. */
  params(variables: EventVariables): Params;
}

export type LabelMatch =
  | { label: string; kind: 'equals'; value: string }
  | { label: string; kind: 'in'; values: readonly string[] }
  | { label: string; kind: 're'; pattern: string; test: (value: string) => boolean };

export interface EventVariables {
  event: Event;
  alert: Alert | null;
}

export interface ParamSet {
  /** Fills defaults and coerces text to the declared type. Throws TocsinError `params-invalid`, which names every wrong or unknown one. */
  parse(given: Params): Params;
}

export interface RunbookInput {
  step: StepApi;
  params: Params;
  alert: Alert | null;
  run: { id: string; reason: string | null };
}

export interface StepOptions {
  title?: string;
  /** Milliseconds, or text such as `2m`; null for never. */
  timeout?: number | string | null;
  retry?: { times: number; wait?: number | string; factor?: number };
  idempotent?: boolean;
  /** What happens to a step that was started and has no recorded result; `ask` when left out, `retry` when idempotent. */
  onInterrupt?: 'ask' | 'retry' | 'skip' | 'fail';
  /** Runs when the run fails later, in reverse order. */
  undo?: { type: string; input: unknown };
}

export interface ExecOutput {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** The API of a runbook's body. Every call is journalled under its id; on replay a finished call returns its recorded result. */
export interface StepApi {
  exec(
    id: string,
    argv: readonly string[],
    options?: StepOptions & {
      okExit?: readonly number[];
      cwd?: string;
      env?: Record<string, string>;
      secrets?: Record<string, string>;
      stdin?: string;
      stopSignal?: StopSignal;
      isolate?: boolean;
    },
  ): Promise<ExecOutput>;
  script(
    id: string,
    code: string,
    options?: StepOptions & {
      shell?: string;
      okExit?: readonly number[];
      cwd?: string;
      secrets?: Record<string, string>;
      stopSignal?: StopSignal;
      isolate?: boolean;
    },
  ): Promise<ExecOutput>;
  http(id: string, request: HttpRequest, options?: StepOptions): Promise<HttpOutput>;
  wait(id: string, time: number | string, options?: StepOptions): Promise<void>;
  approve(
    id: string,
    ask: { ask: string; by: string | readonly string[]; quorum?: number; expires?: number | string; reason?: boolean },
    options?: StepOptions,
  ): Promise<void>;
  notify(
    id: string,
    message: string | { text: string; mention?: readonly string[] },
    options?: StepOptions,
  ): Promise<void>;
  verify(
    id: string,
    what:
      | { resolved: true; within: number | string }
      | { exec: readonly string[]; every?: number | string; within: number | string }
      | { http: HttpRequest; every?: number | string; within: number | string },
    options?: StepOptions,
  ): Promise<void>;
  runbook(id: string, name: string, params?: Params, options?: StepOptions): Promise<{ state: string }>;
  parallel<T extends Record<string, (step: StepApi) => Promise<unknown>>>(
    id: string,
    branches: T,
  ): Promise<{ [K in keyof T]: Awaited<ReturnType<T[K]>> }>;
  /** Any step type by its id. */
  do(id: string, type: string, input: unknown, options?: StepOptions): Promise<Json>;
  /** Records that a step was skipped, with the reason. */
  skip(id: string, type: string, because: string, options?: StepOptions): Promise<void>;
}

export interface HttpRequest {
  url: string;
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  body?: Json;
  /** Statuses that count as success; 200 to 299 when left out. */
  okStatus?: readonly number[];
  secrets?: Record<string, string>;
}

export interface HttpOutput {
  status: number;
  headers: Record<string, string>;
  body: string;
}
