import { z } from 'zod';
import { actor } from './actor.ts';
import { alertEnd, effect } from './alert.ts';
import { approval, approvalState, vote } from './approval.ts';
import { event } from './event.ts';
import { gate } from './gates/gate.ts';
import { knownBad } from './gates/known-bad.ts';
import { held, heldState } from './ledger/held.ts';
import { permit } from './ledger/permit.ts';
import { letter } from './letter.ts';
import { picture } from './picture.ts';
import { ending, json, run, stepEnding, waiting } from './run.ts';
import { digest } from './statistics/digest.ts';

export { entryHash, genesis } from './entry-hash.ts';

/** The format version of entries. Old entries stay in the journal, so a change adds a version and keeps the reader of the old one. */
export const entryVersion = 2;

const body = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.object({ kind: z.literal(kind), ...shape });

/** All kinds of facts (event sourcing). State is the fold of a stream's facts, and comes from nothing else. */
export const fact = z.discriminatedUnion('kind', [
  // stream alert/<id> or event/<id>
  body('event.accepted', {
    event,
    effect: effect.nullable(),
    alert: z.string().nullable(),
    episode: z.int().nullable(),
    /** How the stretch ended, for `resolved` and `unseen`; absent in entries of version 1. */
    end: alertEnd.optional(),
    /** For `reopened`, since version 2: nobody is asked for a while. */
    quiet: z.literal(true).optional(),
  }),
  /** It fired again after its resolve and did not stop: people are asked again, and what was voided is decided anew. */
  body('alert.reopened', { alert: z.string(), episode: z.int(), event }),
  body('alert.acknowledged', {
    alert: z.string(),
    /** When it ends by itself; absent when it does not, and in entries of version 1. */
    until: z.int().optional(),
    reason: z.string().optional(),
  }),
  /** By a person or service who takes it back, or by the system when its time is over. The same for a silence. */
  body('alert.unacknowledged', { alert: z.string() }),
  body('alert.silenced', {
    alert: z.string(),
    until: z.int(),
    reason: z.string().optional(),
    /** The name that the document keeps; absent in entries of version 1. */
    by: z.string().optional(),
  }),
  body('alert.unsilenced', { alert: z.string() }),
  body('alert.closed', { alert: z.string(), episode: z.int(), reason: z.string() }),
  /** Its origin keeps it quiet: a silence, another alert or a time interval there. Since version 2, like the two that follow. */
  body('alert.muted', { alert: z.string(), by: z.string(), until: z.int().nullable() }),
  body('alert.unmuted', { alert: z.string() }),
  /** No news came of it for so long that it may be over. */
  body('alert.quiet', { alert: z.string(), since: z.int() }),
  /** Somebody wrote a note; the actor of the entry. The same for a run and a gate. */
  body('alert.noted', { alert: z.string(), text: z.string() }),

  // stream picture/<alert>/<episode>
  /** The picture of its series, as it fired or once it ended; null with a reason when there is none. */
  body('alert.pictured', {
    alert: z.string(),
    episode: z.int(),
    of: z.enum(['start', 'end']),
    picture: picture.nullable(),
    because: z.string().nullable(),
  }),

  // stream run/<id>
  body('run.created', { run }),
  body('run.released', { run: z.string(), because: z.string() }),
  body('run.started', { run: z.string(), token: z.int() }),
  body('run.asking', { run: z.string(), step: z.string(), because: z.string() }),
  body('run.noted', { run: z.string(), text: z.string() }),
  body('run.finished', { run: z.string(), state: ending, because: z.string().nullable() }),
  body('run.cancelling', { run: z.string(), reason: z.string().nullable() }),
  /** `state` since version 2: the ending as it is known now. */
  body('run.amended', { run: z.string(), because: z.string(), state: z.literal('ineffective').optional() }),
  body('step.started', {
    run: z.string(),
    step: z.string(),
    type: z.string(),
    title: z.string(),
    attempt: z.int(),
    idempotent: z.boolean(),
    inputDigest: z.string(),
    token: z.int(),
  }),
  body('step.waiting', { run: z.string(), step: z.string(), waiting }),
  body('step.finished', {
    run: z.string(),
    step: z.string(),
    attempt: z.int(),
    state: z.enum(['done', 'failed', 'skipped']),
    output: json,
    exitCode: z.int().nullable(),
    because: z.string().nullable(),
    ending: stepEnding.nullable(),
    /** Since version 2: for how long later news may show that its success was wrong, milliseconds. */
    window: z.int().optional(),
    /** The digest of the full stored output; null when there was none. */
    log: z.string().nullable(),
  }),
  body('step.retrying', { run: z.string(), step: z.string(), attempt: z.int(), because: z.string(), wakeAt: z.int() }),
  body('step.interrupted', { run: z.string(), step: z.string(), attempt: z.int(), because: z.string() }),
  body('step.answered', {
    run: z.string(),
    step: z.string(),
    choice: z.enum(['retry', 'skip', 'abort']),
    reason: z.string().nullable(),
  }),
  body('step.undone', { run: z.string(), step: z.string() }),
  body('step.said', {
    run: z.string(),
    step: z.string(),
    text: z.string(),
    mention: z.array(z.string()),
    tone: z.enum(['info', 'good', 'warning', 'error']),
    picture: picture.optional(),
  }),

  // stream approval/<id>
  body('approval.requested', { approval }),
  body('approval.voted', { approval: z.string(), run: z.string().nullable(), vote }),
  /** A first press for a step whose alert is over; a second one counts. */
  body('approval.warned', { approval: z.string(), run: z.string().nullable(), person: z.string() }),
  body('approval.escalated', { approval: z.string(), run: z.string().nullable(), to: z.string(), expiresAt: z.int() }),
  body('approval.closed', {
    approval: z.string(),
    run: z.string().nullable(),
    state: approvalState,
    because: z.string(),
  }),

  // stream decision/<event>: a match whose decision made no run
  body('decision.made', {
    event: z.string(),
    alert: z.string().nullable(),
    episode: z.int().nullable(),
    runbook: z.string(),
    params: z.record(z.string(), json),
    targets: z.array(z.string()),
    verdict: z.enum(['notify', 'deny']),
    rule: z.string(),
    because: z.string(),
  }),

  // stream origin/<source>: write-backs to the origin of an alert, and its answers to queries
  body('origin.told', {
    source: z.string(),
    what: z.enum([
      'acknowledge',
      'note',
      'resolve',
      'recall',
      'page',
      'unpage',
      'on-call',
      'silence',
      'unsilence',
      'report',
      'ticket',
      'ticket-note',
      'ticket-done',
    ]),
    /** Idempotency key of the write-back: it is done once. */
    key: z.string(),
    alert: z.string().nullable(),
    episode: z.int().nullable(),
    run: z.string().nullable(),
    ok: z.boolean(),
    text: z.string(),
  }),

  // stream source/<name>: a delivery of a sender that proved itself was refused; one an hour for each source and field
  body('source.refused', {
    source: z.string(),
    /** The code of the error. */
    code: z.string(),
    /** The mapping, field, limit or place; null when it is about the delivery as a whole. Never a text of the sender. */
    at: z.string().nullable(),
    because: z.string(),
    /** How many more were refused at this field since the last such entry of this node. */
    more: z.int(),
  }),

  /** An example of the source was delivered to it by a press of a button; `events` are the ids of what it made. */
  body('source.tested', { source: z.string(), example: z.string(), events: z.array(z.string()) }),
  /** The next deliveries are kept, without their secrets. */
  body('source.recording', {
    source: z.string(),
    recording: z.string(),
    most: z.int(),
    until: z.int(),
    /** Those of senders that did not prove themselves too. */
    unproven: z.boolean(),
    reason: z.string().nullable(),
  }),
  /** Somebody deleted it, with what it kept. */
  body('source.recording-ended', { source: z.string(), recording: z.string() }),
  // stream letter/<id>: what a source could not read
  body('letter.dead', { letter }),
  body('letter.retrying', { letter: z.string(), reason: z.string().nullable() }),
  body('letter.settled', {
    letter: z.string(),
    state: z.enum(['read', 'discarded']),
    reason: z.string().nullable(),
  }),

  // stream gate/<id>: a caller outside that waits for a decision
  body('gate.asked', { gate }),
  body('gate.closed', {
    gate: z.string(),
    state: z.enum(['allowed', 'denied', 'expired', 'void']),
    because: z.string(),
    /** The permit that an allow leaves. */
    permit: z.string().nullable(),
  }),
  /** An allow that holds no more: somebody took it back, or its subject is known to be bad now. */
  body('gate.revoked', { gate: z.string(), state: z.enum(['revoked', 'void']), because: z.string() }),
  body('gate.noted', { gate: z.string(), text: z.string() }),
  /** The door told its caller, or could not; `key` is told once. */
  body('gate.told', { gate: z.string(), key: z.string(), ok: z.boolean(), text: z.string() }),

  // stream known-bad/<id>, and known-bad/<feed> for what a feed said
  body('known-bad.added', { entry: knownBad }),
  body('known-bad.ended', { entry: z.string(), reason: z.string() }),
  body('known-bad.read', { feed: z.string(), digest: z.string(), entries: z.int() }),

  // stream permit/<id>
  body('permit.issued', { permit }),
  body('permit.ended', {
    permit: z.string(),
    because: z.string(),
    /** When it ended, where that was before this was noticed, milliseconds since the epoch. */
    until: z.int().optional(),
  }),
  /** A change that carries the word of a run: who used it first, and from where. */
  body('permit.used', { permit: z.string(), principal: z.string(), address: z.string().nullable() }),
  /** A permit from somebody who may not give it. */
  body('permit.refused', { from: z.string(), because: z.string() }),

  // stream held/<id>: a change, held against the permits
  body('change.held', { held }),
  body('change.judged', {
    held: z.string(),
    state: heldState,
    because: z.string(),
    permit: z.string().nullable(),
    alert: z.string().nullable(),
    asks: z.boolean(),
    /** The gate that it went past. */
    bypassed: z.string().nullable().default(null),
  }),
  /** The same change came again soon after a run began to undo it: two controllers fight, and people are called. */
  body('change.repeated', { held: z.string(), alert: z.string().nullable(), runbook: z.string(), because: z.string() }),
  /** Somebody says that it was theirs; others are asked whether it may stand. */
  body('change.claimed', { held: z.string(), person: z.string(), reason: z.string(), approval: z.string() }),
  /** What became of it afterwards: claimed, undone, or ended otherwise. */
  body('change.settled', {
    held: z.string(),
    state: z.enum(['claimed', 'undone', 'ended']),
    because: z.string(),
    endedAt: z.int().nullable(),
  }),

  // stream break-glass/<id>
  body('break-glass.opened', {
    window: z.string(),
    person: z.string(),
    reason: z.string(),
    permit: z.string(),
    until: z.int(),
  }),
  /** Its time is over, or somebody ended it, and with it its permit. */
  body('break-glass.ended', { window: z.string(), because: z.string(), listAt: z.int() }),
  /** Later, when everything that was done in it should have been told. */
  body('break-glass.closed', {
    window: z.string(),
    /** What was done in it: ids of held changes, the newest 100. */
    changes: z.array(z.string()),
    more: z.int(),
  }),

  // stream system
  /** What a week was like: it is told once. */
  body('digest.made', { digest }),
  body('halt.set', { reason: z.string() }),
  body('halt.cleared', { reason: z.string() }),
  body('act.refused', { act: z.string(), subject: z.string(), because: z.string() }),
  body('rules.loaded', { digest: z.string(), runbooks: z.int(), rules: z.int() }),
  body('node.started', { node: z.string(), version: z.string() }),
  body('node.stopped', { node: z.string(), because: z.string() }),
]);
export type Fact = z.infer<typeof fact>;
export type FactKind = Fact['kind'];
export type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>;

/** An entry as a writer passes it to the store, which adds sequence, previous hash and hash. */
export interface NewEntry {
  stream: string;
  actor: z.infer<typeof actor>;
  /** Milliseconds since the epoch. */
  at: number;
  fact: Fact;
}

export const content = z.compile(z.object({ stream: z.string(), v: z.int(), actor, at: z.int(), fact }), {
  strict: true,
});

/** One entry of the journal, read back. */
export interface Entry extends NewEntry {
  seq: number;
  version: number;
  /** The exact text that is stored and hashed: JSON of {stream, v, actor, at, fact}. */
  bytes: string;
  prev: string;
  hash: string;
}

/** The text that is stored for an entry. It has all the content, so that the hash covers everything. */
export function entryBytes(entry: NewEntry): string {
  return JSON.stringify({ stream: entry.stream, v: entryVersion, actor: entry.actor, at: entry.at, fact: entry.fact });
}

/** Parses a stored row. Throws a ZodError when the bytes are not an entry of a known version. */
export function parseEntry(row: { seq: number; bytes: string; prev: string; hash: string }): Entry {
  const { v, ...rest } = content.parse(JSON.parse(row.bytes));
  return { ...rest, version: v, seq: row.seq, bytes: row.bytes, prev: row.prev, hash: row.hash };
}

export const streamOf = {
  alert: (id: string) => `alert/${id}`,
  event: (id: string) => `event/${id}`,
  /** One for each `<alert>/<episode>`: an alert that flaps has thousands of episodes. */
  picture: (episode: string) => `picture/${episode}`,
  run: (id: string) => `run/${id}`,
  approval: (id: string) => `approval/${id}`,
  decision: (event: string) => `decision/${event}`,
  origin: (source: string) => `origin/${source}`,
  source: (name: string) => `source/${name}`,
  letter: (id: string) => `letter/${id}`,
  gate: (id: string) => `gate/${id}`,
  knownBad: (id: string) => `known-bad/${id}`,
  permit: (id: string) => `permit/${id}`,
  held: (id: string) => `held/${id}`,
  breakGlass: (id: string) => `break-glass/${id}`,
  system: 'system',
} as const;
