import type { Clock } from '../kernel/clock.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Alert } from '../model/alert.ts';
import type { IncomingEvent } from '../model/event.ts';
import type { DeadLetters } from './letters.ts';
import type { TakeRecords } from './records.ts';

/** What a source with a `start` is given: the way of its events to the store, and what it remembers there. */
export interface EmitTools {
  clock: Clock;
  log: Log;
  /**
   * Commits the events, and with them what is remembered. `once` is an idempotency key: only the first node's emission counts. Resolves to
   * false when another was first.
   */
  emit(events: IncomingEvent[], once: string, memo?: { key: string; value: number | string }): Promise<boolean>;
  /**
   * The same for events that somebody sent by a way of the source's own. Resolves when they are durable; to false when they came before.
   * Rejects with `overloaded` or `store-failed`, and then nothing is stored. An accepted one makes the source well again.
   */
  deliver(events: IncomingEvent[], once: string, made: { trusted: boolean; raw: Buffer }): Promise<boolean>;
  /** Tells of what was refused: counts it, logs it at most once a second, and shows it to the operators where its sender was proven. */
  refused(refusal: Refusal): void;
  /** What keeps the source from taking anything, for /readyz and the console; null once that is over. */
  trouble(because: string | null): void;
  /** What this source remembers under the key, over restarts and for all nodes; 0 for nothing. */
  remembered(key: string): Promise<number>;
  /** The same for a text, such as a position that only its origin understands; null for nothing. Numbers and texts have keys of their own. */
  rememberedText(key: string): Promise<string | null>;
  remember(key: string, value: number | string): Promise<void>;
  /** The alert of this source with the fingerprint, whatever its state; null when it is not known. */
  alertOf(fingerprint: string): Promise<Alert | null>;
  /** The alerts of this source that are live (firing or silenced), read anew. */
  liveAlerts(): AsyncIterable<Alert>;
  /** Takes a batch of raw records, for a source with `records`. */
  takeRecords: TakeRecords;
  /** Counts raw records that were lost, and says so in chat once an hour for each cause, a clause. Never rejects. */
  lost(records: number, because: string): Promise<void>;
  /** What this source could not read. */
  letters: DeadLetters;
  /** True while everything is halted: then no run starts. */
  halted(): Promise<boolean>;
  /** Calls the listener after somebody resumed. Returns the function that unsubscribes. */
  onResume(listener: () => void): () => void;
}

/** Why a source with a way of its own refused something. Nothing in it is the sender's text. */
export interface Refusal {
  code: ErrorCode;
  /** The option or field; null when it is about the whole. */
  at: string | null;
  because: string;
  proven: boolean;
}
