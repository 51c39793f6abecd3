import type { Alert, AlertState } from '../model/alert.ts';
import type { Approval, ApprovalState } from '../model/approval.ts';
import type { Post } from '../model/card.ts';
import type { Entry, FactKind, NewEntry } from '../model/journal.ts';
import type { Run, RunState } from '../model/run.ts';

/**
 * Keeps the truth. A change is data: guards that must all hold, entries that are appended to the journal, and the projections that
 * follow from them, in one durable transaction. Concurrent changes share a transaction (group commit); each succeeds or fails alone.
 */
export interface Store {
  readonly id: string;
  /**
   * Makes the change durable (fsync) before it resolves. Changes are applied in the order of the calls.
   * Rejects with TocsinError `guard-failed` when a guard does not hold (nothing of this change is stored, the others of the same
   * transaction are not touched; `at` begins with the guard's kind and names it: `stream run/x`, `claim intake/x`, `lease run/x`, `take run/x`, `halt everything`, `post slack/x`,
   * or with `row` when a document is older than the stored one, or is a new alert whose identity another has), `store-failed` when the database refuses (nothing is stored; only when
   * the disk itself failed may it turn out after a restart that it was: then the store writes no more until it is opened again; and when the
   * connection to a server was lost in a commit and the server did not come back in time to tell, which the message then says).
   */
  commit(change: Change): Promise<Committed>;

  /** A lease by the store's clock. Resolves to a fencing token that is greater than any before under this name, or null while another holds it. */
  acquire(lease: { name: string; holder: string; ttl: number }): Promise<number | null>;
  /** Prolongs; false when it was lost meanwhile. */
  renew(lease: { name: string; holder: string; token: number; ttl: number }): Promise<boolean>;
  release(lease: { name: string; holder: string; token: number }): Promise<void>;
  /** Who holds these leases now, by the store's clock; names that nobody holds are left out. */
  holders(names: readonly string[]): Promise<{ name: string; holder: string }[]>;

  alert(id: string): Promise<Alert | null>;
  alertOf(source: string, fingerprint: string): Promise<Alert | null>;
  /** The latest episode first. */
  alerts(query: Page & { state?: AlertState }): Promise<Alert[]>;
  run(id: string): Promise<Run | null>;
  /** Newest first. `due` finds runs that a wake-up should have rung for: queued, or with wakeAt at or before it; these come oldest first. */
  runs(
    query: Page & { states?: readonly RunState[]; runbook?: string; alert?: string; due?: number; parent?: string },
  ): Promise<Run[]>;
  approval(id: string): Promise<Approval | null>;
  /** Newest first. `expiredBy` finds open approvals that expire at or before it, the longest overdue first. */
  approvals(query: Page & { state?: ApprovalState; run?: string; expiredBy?: number }): Promise<Approval[]>;
  /** For brakes: when runs of this runbook (with this target, if given) were started by `auto`, at or after `since`, oldest first. */
  autoRuns(query: { runbook: string; target?: string; since: number }): Promise<number[]>;
  claimed(claim: { space: string; key: string }): Promise<boolean>;
  halted(): Promise<{ by: string; reason: string; at: number } | null>;

  /** Entries after `after`, oldest first; with `kinds` only those. */
  journal(query: { after: number; limit: number; kinds?: readonly FactKind[] }): Promise<Entry[]>;
  /** The same rows exactly as they are stored and unparsed: what verification and export read. Never rejects for a damaged entry. */
  journalRows(query: { after: number; limit: number }): Promise<JournalRow[]>;
  /** All entries of one stream, oldest first. */
  stream(name: string): Promise<Entry[]>;
  head(): Promise<{ seq: number; hash: string }>;
  /** Rejects with `journal-broken` when the stored bytes are not those of the digest. */
  blob(digest: string): Promise<Uint8Array | null>;

  /** What the threads should show; see model/card.ts. */
  post(platform: string, key: string): Promise<Post | null>;
  posts(query: PostQuery): Promise<Post[]>;
  cursor(name: string): Promise<number>;

  /** Live output of a step, in order, from chunk `after` (0 for all). */
  output(query: { run: string; step?: string; after: number; limit: number }): Promise<OutputChunk[]>;

  /**
   * Calls the listener when another process changed something, soon afterwards; a hint, which may come late, twice or for several
   * changes at once. A store with one owning process does not have it. Returns how to stop.
   */
  onAppend?(listener: (news: Appended) => void): () => void;

  /** True when a trivial write is possible now: what /readyz asks. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** What other processes changed. */
export interface Appended {
  /** The journal's head by then. */
  seq: number;
  /** The newest `changed` stamp of a post. */
  stamp: number;
  /** Runs with new output, as far as they are known; empty after a connection was lost, although there may be some. */
  outputs: readonly string[];
  /** Runs that somebody wants ended, as far as they are known; empty after a connection was lost, although there may be some. */
  cancels: readonly string[];
}

export interface Page {
  /** 100 when left out, 1000 at most. */
  limit?: number;
  /** Return what sorts after this id in the list's own order; nothing when there is no such id. */
  after?: string;
}

export interface PostQuery {
  platform: string;
  channel?: string;
  /** The key of the root post whose thread is wanted; null for roots only. */
  thread?: string | null;
  /** Only posts whose wanted version is newer than the delivered one. */
  undelivered?: boolean;
  /** Only posts that changed after this `changed` stamp, in the order of their stamps. */
  changedAfter?: number;
  /** Only posts whose `order` is this or less: how older ones are reached. */
  upTo?: number;
  /** 100 when left out, 1000 at most. */
  limit?: number;
  /** `newest` for the tail of a channel; the default is oldest first. */
  order?: 'oldest' | 'newest';
}

export interface Change {
  guards?: readonly Guard[];
  entries?: readonly NewEntry[];
  rows?: readonly Row[];
  blobs?: readonly { digest: string; bytes: Uint8Array | string }[];
}

export type Guard =
  /** The stream has exactly this many entries. */
  | { kind: 'stream'; stream: string; version: number }
  /** Nobody has made this claim yet; making it is part of the change. `keep` says how long it is remembered, null for ever. */
  | { kind: 'claim'; space: string; key: string; at: number; keep: number | null }
  /** The name's token is this one and was not released. One that ran out and that nobody took still holds: fencing is about order, not time. */
  | { kind: 'lease'; name: string; token: number /** Gives the lease back with this change. */; release?: boolean }
  /** The lease is free as `acquire` means it, and its next token is this one (1 for a name that was never held); taking it for `ttl` milliseconds is part of the change. */
  | { kind: 'take'; name: string; holder: string; token: number; ttl: number }
  /** Nothing is halted: what stops everything stops also what was decided on a moment before. */
  | { kind: 'halt' }
  /** The post still has this `changed` stamp; 0: there is none. Whoever writes a post it read guards it so, as the projection and a poster may be two processes. */
  | { kind: 'post'; platform: string; key: string; changed: number };

export type Row =
  | { table: 'alert'; doc: Alert }
  | { table: 'run'; doc: Run }
  | { table: 'approval'; doc: Approval }
  | { table: 'post'; doc: Post }
  | { table: 'cursor'; name: string; value: number }
  | { table: 'halt'; doc: { by: string; reason: string; at: number } | null }
  | { table: 'output'; doc: OutputChunk };

export interface OutputChunk {
  run: string;
  step: string;
  attempt: number;
  /** Rises by one within the run, over all of its steps, from 1. */
  seq: number;
  text: string;
  at: number;
}

/** A row of the journal as it is stored. `stream`, `position` (from 1, within the stream) and `kind` are copies for look-ups. */
export interface JournalRow {
  seq: number;
  stream: string;
  position: number;
  kind: string;
  bytes: string;
  prev: string;
  hash: string;
}

export interface Committed {
  /** The entries as stored, in order. */
  entries: Entry[];
}

export interface StoreOptions {
  /** The folder of an embedded store. */
  folder: string;
  /** The address of a database server; null for an embedded store. */
  url: string | null;
  now: () => number;
  /** Called once, when the disk failed so that nothing more is written before the store is opened afresh by a new process. */
  onDamage?: (error: Error) => void;
}

export interface StoreDriver {
  id: string;
  about: string;
  open(options: StoreOptions): Promise<Store>;
}

export function defineStore(driver: StoreDriver): StoreDriver {
  return driver;
}
