import type { Log } from '../kernel/log.ts';

/** Carries wake-ups: "look at this run". A wake-up may be lost, doubled or late; the store has the truth and the sweeper sends it again. */
export interface Dispatcher {
  readonly id: string;
  /**
   * Rings at `at` (milliseconds since the epoch), or now. Ringing twice for one run before it is answered may ring once; ringing for a run
   * that is being answered rings again afterwards. Never rejects, and never waits for a server that is down.
   */
  wake(wakeUp: WakeUp): Promise<void>;
  /** Starts answering. The handler is never called twice at the same time for one run by one dispatcher. */
  start(answer: (run: string) => Promise<void>): void;
  /** How many handlers are at work. */
  busy(): number;
  /** null when well; otherwise what is wrong and what to do. Wake-ups are late then, never lost for good: the sweeper sends them again. */
  trouble(): string | null;
  /** Stops taking wake-ups at once; resolves when the handlers at work have ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface WakeUp {
  run: string;
  /** Milliseconds since the epoch; now when left out. */
  at?: number;
  /** Goes before the wake-ups that wait already: a person waits for this one. */
  first?: boolean;
  /** What the wake-up belongs to, as a traceparent of W3C Trace Context; carried along where traces are told. */
  trace?: string;
}

export interface DispatcherOptions {
  /** How many runs are answered at the same time by this process. */
  concurrency: number;
  /** The address of a server; null where none is needed. */
  url: string | null;
  now: () => number;
  log: Log;
  /** True when OpenTelemetry's global tracer is set: then wake-ups that have a trace tell it of their way. */
  traced?: boolean;
}

export interface DispatcherDriver {
  id: string;
  about: string;
  /**
   * Rejects only for what waiting does not heal: a wrong address or password, a server that is too old or would drop wake-ups. A server that
   * is down is told by `trouble()`, and tried again with back-off.
   */
  open(options: DispatcherOptions): Promise<Dispatcher>;
}

export function defineDispatcher(driver: DispatcherDriver): DispatcherDriver {
  return driver;
}
