import type { Log } from '../kernel/log.ts';

/** Carries wake-ups for runs. A wake-up may be lost, duplicated or late: the store is authoritative, and the sweeper sends it again. */
export interface Dispatcher {
  readonly id: string;
  /**
   * Sends a wake-up at `at`, or now. Wake-ups for one run that are not handled yet may be coalesced; one for a run that is being handled
   * is delivered afterwards. Never rejects, and never waits for a server that is down.
   */
  wake(wakeUp: WakeUp): Promise<void>;
  /** Starts handling wake-ups. One dispatcher never calls the handler for the same run concurrently. */
  start(answer: (run: string) => Promise<void>): void;
  /** The number of handlers at work. */
  busy(): number;
  /** null when healthy; otherwise what is wrong and what to do. Wake-ups are then late but not lost: the sweeper sends them again. */
  trouble(): string | null;
  /** Stops taking wake-ups at once; resolves when the running handlers have ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface WakeUp {
  run: string;
  /** Milliseconds since the epoch; now when left out. */
  at?: number;
  /** Priority over waiting wake-ups: a person waits for this one. */
  first?: boolean;
  /** A W3C traceparent, passed along where traces are exported. */
  trace?: string;
}

export interface DispatcherOptions {
  /** How many runs this process handles at the same time. */
  concurrency: number;
  /** The URL of a server; null where none is needed. */
  url: string | null;
  now: () => number;
  log: Log;
  /** True when OpenTelemetry's global tracer is set: then wake-ups that have a trace emit spans. */
  traced?: boolean;
}

export interface DispatcherDriver {
  id: string;
  about: string;
  /**
   * Rejects only for permanent errors: a wrong address or password, or a server that is too old or would drop wake-ups. A server that is
   * down is reported by `trouble()` and retried with back-off.
   */
  open(options: DispatcherOptions): Promise<Dispatcher>;
}

export function defineDispatcher(driver: DispatcherDriver): DispatcherDriver {
  return driver;
}
