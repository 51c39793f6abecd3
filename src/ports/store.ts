import type { Alert, AlertState } from '../model/alert.ts';
import type { Approval, ApprovalState } from '../model/approval.ts';
import type { Post } from '../model/card.ts';
import type { DeliveryCount, DeliveryRecord } from '../model/delivery.ts';
import type { AnyDocument, DocumentKind, DocumentOf } from '../model/document.ts';
import type { Severity } from '../model/event.ts';
import type { Entry, FactKind, NewEntry } from '../model/journal.ts';
import type { Letter, LetterState } from '../model/letter.ts';
import type { Look } from '../model/look.ts';
import type { Recorded, Recording } from '../model/recording.ts';
import type { Sighting, Tally, TallyKey, TallySum } from '../model/records/records.ts';
import type { Run, RunState } from '../model/run.ts';
import type { SearchTerm } from '../model/search/parse.ts';

/**
 * The system of record. A change is data: guards that must all hold, entries to append to the journal, and the rows of projections, all in
 * one durable transaction. Concurrent changes share a transaction (group commit); each succeeds or fails alone.
 */
export interface Store {
  readonly id: string;
  /**
   * Makes the change durable (fsync) before it resolves. Changes are applied in the order of the calls. Rejects with:
   * - `guard-failed` when a guard does not hold. Nothing of this change is stored; other changes of the same transaction are not affected.
   *   `at` names the guard by its kind: `stream run/x`, `claim intake/x`, `lease run/x`, `take run/x`, `halt everything`, `post slack/x`.
   *   It begins with `row` when a document is older than the stored one, or is a new alert with the identity of another.
   * - `store-failed` when the database fails. Nothing is stored, with two exceptions. When the disk itself failed, the change may turn out
   *   after a restart to be stored; the store then writes no more until it is opened again. When the connection to a server was lost in a
   *   commit and the server did not come back in time, the outcome is unknown, and the message says so.
   */
  commit(change: Change): Promise<Committed>;

  /**
   * Takes a lease for `ttl` milliseconds by the store's clock. Resolves to a fencing token greater than all earlier ones of this name, or
   * to null while another holder has it.
   */
  acquire(lease: { name: string; holder: string; ttl: number }): Promise<number | null>;
  /** Extends a lease; false when it was lost meanwhile. */
  renew(lease: { name: string; holder: string; token: number; ttl: number }): Promise<boolean>;
  release(lease: { name: string; holder: string; token: number }): Promise<void>;
  /** The present holders of these leases, by the store's clock; leases without a holder are left out. */
  holders(names: readonly string[]): Promise<{ name: string; holder: string }[]>;

  alert(id: string): Promise<Alert | null>;
  alertOf(source: string, fingerprint: string): Promise<Alert | null>;
  /** What was last seen of the alert at its origin; null when nobody looked. */
  look(alert: string): Promise<Look | null>;
  /** The latest episode first. */
  alerts(query: Page & { state?: AlertState }): Promise<Alert[]>;
  /** What a search finds. `now` is the time by which ages go. The times by which lists are sorted are those of `AlertSort`. */
  findAlerts(query: Page & { terms: readonly SearchTerm[]; now: number; sort?: AlertSort }): Promise<Alert[]>;
  /** How many a search finds, by state and severity and by the value of each label of `by`; an empty value for a label that is missing. */
  countAlerts(query: { terms: readonly SearchTerm[]; now: number; by?: readonly string[] }): Promise<AlertCount[]>;
  /** Alerts that a build without searches wrote: to be committed again as they are, so that they are found. */
  unfoundAlerts(limit: number): Promise<Alert[]>;
  run(id: string): Promise<Run | null>;
  findRuns(query: Page & { terms: readonly SearchTerm[]; now: number }): Promise<Run[]>;
  countRuns(query: { terms: readonly SearchTerm[]; now: number }): Promise<StateCount[]>;
  findApprovals(query: Page & { terms: readonly SearchTerm[]; now: number }): Promise<Approval[]>;
  countApprovals(query: { terms: readonly SearchTerm[]; now: number }): Promise<StateCount[]>;
  /** How many documents of the kind are in each state. */
  countDocuments(kind: DocumentKind): Promise<StateCount[]>;
  /** Newest first. `due` selects runs that need a wake-up (queued, or with `wakeAt` at or before it), oldest first. */
  runs(
    query: Page & { states?: readonly RunState[]; runbook?: string; alert?: string; due?: number; parent?: string },
  ): Promise<Run[]>;
  approval(id: string): Promise<Approval | null>;
  /** Newest first. `expiredBy` selects open approvals that expire at or before it, the longest overdue first. */
  approvals(query: Page & { state?: ApprovalState; run?: string; expiredBy?: number }): Promise<Approval[]>;
  letter(id: string): Promise<Letter | null>;
  /** What sources could not read, newest first. */
  letters(query: Page & { source?: string; state?: LetterState }): Promise<Letter[]>;
  document<K extends DocumentKind>(kind: K, id: string): Promise<DocumentOf<K> | null>;
  /** The documents of a kind, the latest `at` first; with `dueBy` the longest due first, with `overBy` the last due. See model/document.ts. */
  documents<K extends DocumentKind>(kind: K, query: DocumentQuery): Promise<DocumentOf<K>[]>;
  /** For brakes: the times at which `auto` started runs of this runbook (on this target, if given), from `since` on, oldest first. */
  autoRuns(query: { runbook: string; target?: string; since: number }): Promise<number[]>;
  claimed(claim: { space: string; key: string }): Promise<boolean>;
  halted(): Promise<{ by: string; reason: string; at: number } | null>;

  /** Entries after sequence `after`, oldest first; with `kinds` only entries of these kinds. */
  journal(query: { after: number; limit: number; kinds?: readonly FactKind[] }): Promise<Entry[]>;
  /** The rows as stored, unparsed, for verification and export. Never rejects for a damaged entry. */
  journalRows(query: { after: number; limit: number }): Promise<JournalRow[]>;
  /** All entries of one stream, oldest first. */
  stream(name: string): Promise<Entry[]>;
  head(): Promise<{ seq: number; hash: string }>;
  /**
   * The bytes of a digest, or null. Rejects with `journal-broken` when the stored bytes do not match the digest, and like every read with
   * `row-broken` when they cannot be unpacked.
   */
  blob(digest: string): Promise<Uint8Array | null>;

  /** The wanted messages of the threads; see model/card.ts. */
  post(platform: string, key: string): Promise<Post | null>;
  posts(query: PostQuery): Promise<Post[]>;
  cursor(name: string): Promise<number>;
  /** A text that is remembered under the name; null for none. */
  memo(name: string): Promise<string | null>;

  /**
   * The keys of a rule with what all their stretches count together, 1000 at most: those among `keys`, with at least so many, of which
   * nothing arrived since. `of: 'values'` counts different values instead of records. `unseen` leaves out keys that are noted as firing.
   * Without `keys` they come in an order of the store, and those behind `after` are the next page.
   */
  tallySums(query: {
    source: string;
    rule: string;
    keys?: readonly string[];
    atLeast?: number;
    of?: 'records' | 'values';
    quietSince?: number;
    unseen?: boolean;
    after?: string;
    limit?: number;
  }): Promise<TallySum[]>;
  /** All that is counted of one key, the earliest stretch first. */
  tally(key: TallyKey): Promise<Tally[]>;
  /** How many keys of the rule are counted, `most` at most. */
  tallyKeys(query: { source: string; rule: string; most: number }): Promise<number>;
  /** The keys that fire, the longest first, and when their last record arrived. */
  sightings(most: number): Promise<(Sighting & { arrived: number })[]>;

  /** Live output of a step, in order, from chunk `after` (0 for all). */
  output(query: { run: string; step?: string; after: number; limit: number }): Promise<OutputChunk[]>;

  /** What became of the last deliveries to a source, in all rings, newest first. */
  deliveries(source: string): Promise<DeliveryRecord[]>;
  /** How often what became of deliveries to this source, or to all sources. */
  deliveryCounts(source?: string): Promise<DeliveryCount[]>;
  /** All recordings that are there, the oldest first. */
  recordings(): Promise<Recording[]>;
  /** What a recording kept, in order. */
  recorded(recording: string): Promise<(Recorded & { body: Uint8Array })[]>;

  /**
   * Calls the listener soon after another process changed something. It is a hint, which may come late, twice or once for several changes.
   * A store with one owning process does not have it. Returns the function that unsubscribes.
   */
  onAppend?(listener: (news: Appended) => void): () => void;

  /** True when a trivial write succeeds now; used by /readyz. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** A notification of changes by other processes. */
export interface Appended {
  /** The journal's head at that time. */
  seq: number;
  /** The first entry of the change, whose last is `seq`, and the kinds of them all; left out when they are not known. */
  first?: number | undefined;
  kinds?: readonly string[] | undefined;
  /** The newest `changed` stamp of a post. */
  stamp: number;
  /** Runs with new output, as far as known. After a lost connection it is empty, although there may be some. */
  outputs: readonly string[];
  /** Runs that are to be cancelled, as far as known. After a lost connection it is empty, although there may be some. */
  cancels: readonly string[];
}

export interface Page {
  /** 100 when left out, 1000 at most. */
  limit?: number;
  /** Cursor: returns items after this id in the list's order; none when there is no such id. */
  after?: string;
}

/** By the beginning of the episode, by severity and then that, by the last news, by title without regard to case. */
export type AlertSort = 'newest' | 'oldest' | 'severity' | 'changed' | 'title';

export interface StateCount {
  state: string;
  count: number;
}

export interface AlertCount extends StateCount {
  state: AlertState;
  severity: Severity;
  /** One value for each label that was asked for, cut to 500 characters. */
  values: readonly string[];
}

/** Times are milliseconds since the epoch. */
export interface DocumentQuery extends Page {
  state?: string;
  key?: string;
  other?: string;
  /** Only those whose `at` is at most this. */
  upTo?: number;
  /** Only those that are due at this time or later, or never. */
  dueFrom?: number;
  /** Only those that are due at this time or earlier. */
  dueBy?: number;
  /** Only those that were due before this time, the last due first. */
  overBy?: number;
}

export interface PostQuery {
  platform: string;
  channel?: string;
  /** The key of the thread's root post; null for roots only. */
  thread?: string | null;
  /** Only posts whose wanted version is newer than the delivered version. */
  undelivered?: boolean;
  /** Cursor: only posts with a later `changed` stamp, in the order of their stamps. */
  changedAfter?: number;
  /** Only posts whose `order` is at most this, for paging to older ones. */
  upTo?: number;
  /** 100 when left out, 1000 at most. */
  limit?: number;
  /** `newest` first for the tail of a channel; `oldest` first when left out. */
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
  /** The claim was not made before; making it is part of the change. It is kept for `keep` milliseconds, null for ever. */
  | { kind: 'claim'; space: string; key: string; at: number; keep: number | null }
  /** The lease has this fencing token and was not released. It may have expired, if it was not taken again: fencing is about order. */
  | { kind: 'lease'; name: string; token: number /** Gives the lease back with this change. */; release?: boolean }
  /**
   * The lease is free as for `acquire`, and its next fencing token is this one (1 for a name that was never held). Taking it for `ttl`
   * milliseconds is part of the change.
   */
  | { kind: 'take'; name: string; holder: string; token: number; ttl: number }
  /** There is no halt. A halt also stops changes that were decided just before it. */
  | { kind: 'halt' }
  /**
   * The post still has this `changed` stamp; 0 when it must not exist. Optimistic concurrency for read and write of a post, because the
   * projection and the delivery may be two processes.
   */
  | { kind: 'post'; platform: string; key: string; changed: number };

export type Row =
  | { table: 'alert'; doc: Alert }
  | { table: 'run'; doc: Run }
  | { table: 'approval'; doc: Approval }
  | { table: 'letter'; doc: Letter }
  | ({ table: 'document' } & AnyDocument)
  | { table: 'post'; doc: Post }
  /** Not journalled: what a look found. The newest one of an alert is kept. */
  | { table: 'look'; doc: Look }
  | { table: 'cursor'; name: string; value: number }
  /** A short text that a source remembers, such as how far it has read at its origin. */
  | { table: 'memo'; name: string; value: string }
  | { table: 'halt'; doc: { by: string; reason: string; at: number } | null }
  | { table: 'output'; doc: OutputChunk }
  /**
   * Not journalled, like the next four: adds `count` to the row with this ring and id, or makes it, and keeps the newest rows of its ring
   * (model/delivery.ts).
   */
  | { table: 'delivery'; doc: DeliveryRecord }
  /** Adds `count`. */
  | { table: 'delivery_count'; doc: DeliveryCount }
  | { table: 'recording'; doc: Recording }
  | { table: 'recorded'; recording: string; doc: Recorded; body: Uint8Array }
  /** Deletes a recording with all that it kept. */
  | { table: 'recording-gone'; id: string }
  /** Not journalled: counts of raw records, which are added to those that the store has. */
  | { table: 'tally'; doc: Tally }
  /** Forgets what was counted of a key and arrived until then, milliseconds since the epoch. */
  | { table: 'tally'; forget: TallyKey & { upTo: number } }
  /** Deletes counts that are kept no longer, some thousands at a time. */
  | { table: 'tally'; expired: number }
  /** Not journalled: a key that fires; it is noted until its end. */
  | { table: 'sighting'; doc: Sighting }
  | { table: 'sighting'; over: TallyKey };

export interface OutputChunk {
  run: string;
  step: string;
  attempt: number;
  /** Counts from 1 within the run, over all its steps. */
  seq: number;
  text: string;
  at: number;
}

/** A stored row of the journal. `stream`, `position` (from 1, within the stream) and `kind` are copies for look-ups. */
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
  /** The URL of a database server; null for an embedded store. */
  url: string | null;
  now: () => number;
  /** Called once, when the disk failed. Nothing more is written until a new process opens the store. */
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
