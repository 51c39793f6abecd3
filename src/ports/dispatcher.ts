import type { Log } from '../kernel/log.ts';

/** Carries doorbells: "look at this run". A doorbell may be lost, doubled or late; the store has the truth and the sweeper rings again. */
export interface Dispatcher {
  readonly id: string;
  /** Rings at `at` (milliseconds since the epoch), or now. Ringing twice for one run before it is answered may ring once. */
  ring(bell: { run: string; at?: number }): Promise<void>;
  /** Starts answering. The handler is never called twice at the same time for one run by one dispatcher. */
  start(answer: (run: string) => Promise<void>): void;
  /** How many handlers are at work. */
  busy(): number;
  /** Stops taking bells; resolves when the handlers at work have ended. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface DispatcherOptions {
  concurrency: number;
  url: string | null;
  now: () => number;
  log: Log;
}

export interface DispatcherDriver {
  id: string;
  about: string;
  open(options: DispatcherOptions): Promise<Dispatcher>;
}

export function defineDispatcher(driver: DispatcherDriver): DispatcherDriver {
  return driver;
}
