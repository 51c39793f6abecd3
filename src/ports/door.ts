import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Gate, GateVerdict } from '../model/gates/gate.ts';
import type { Subject } from '../model/gates/subject.ts';
import type { Delivery } from './source.ts';

/** The tools of a door. */
export interface DoorHost {
  clock: Clock;
  log: Log;
  /** Reaches only the addresses of the door's options, with the egress checks. */
  fetch: typeof fetch;
}

/** A question that came through a door. */
export interface DoorQuestion {
  subject: Subject;
  /** Who asked for it, by their names there: they do not vote. */
  requesters: readonly string[];
  /** What is needed to answer; never a secret. */
  callback: Readonly<Record<string, string>>;
  /** What the answer is proven with, where each question brings its own. It is sealed, kept until the answer, and then forgotten. */
  secret: string | null;
}

/** What a proven delivery is. `nothing`: it asks nothing, or nothing any more; it is answered 200 all the same. */
export type Heard = { kind: 'asks'; question: DoorQuestion } | { kind: 'nothing'; because: string };

/** What the caller is to be told. */
export interface Telling {
  gate: Gate;
  verdict: GateVerdict;
  /** In a sentence. */
  because: string;
  /** The page of the question. */
  link: string;
  /** See `DoorQuestion`; null when there is none, or it is not to be had any more. */
  secret: string | null;
}

/** What became of it, in a sentence for the thread. `ok: false`: the caller does not take it any more, and trying again is no use. */
export interface ToldAnswer {
  ok: boolean;
  text: string;
}

/**
 * A service that asks gates. Methods that send reject with `origin-limited` (retry after `retryAfter` milliseconds), `origin-down` (tried
 * again) or `origin-refused` (permanent), and have time-outs of their own of at most 15 s.
 */
export interface DoorConnection {
  /** The name for people: `GitHub`. */
  title: string;
  /** The gate that it asks. */
  gate: string;
  /** Rejects with `bad-signature` or `bad-body`, and with the errors above when what is true cannot be read. */
  hear(delivery: Delivery): Promise<Heard>;
  /**
   * Tells the verdict, which is no `pending`. It may be called again after it had its effect, because the process may end before the effect
   * is recorded. What is asked about is read again first: another commit is never let through.
   */
  tell(telling: Telling): Promise<ToldAnswer>;
  /** Tells that people still decide. */
  wait(telling: Telling): Promise<void>;
  /**
   * `again`: so often `wait` is called, milliseconds; null where it is called only when something changed, `mostWaits` times in all.
   * `poll`: so often `missed` is. `changes`: an answer may be taken back. `giveUp`: so long an answer is tried.
   */
  pace: { again: number | null; mostWaits: number | null; poll: number | null; changes: boolean; giveUp: number };
  /** The questions that no delivery brought. */
  missed?(): Promise<DoorQuestion[]>;
}
