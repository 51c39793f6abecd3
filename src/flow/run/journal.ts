import type { Clock } from '../../kernel/clock.ts';
import { isCode } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import { foldRun } from '../../model/fold.ts';
import type { Run } from '../../model/run.ts';
import type { Change } from '../../ports/store.ts';
import { type Step as Addition, failedGuard, type Streams } from '../journal/streams.ts';
import type { RunLease } from './lease.ts';
import { Stopped } from './step.ts';

/** Decides what to add, on the run as it is then. It may be called again, when another writer was first. */
export type Decide = (run: Run) => Addition | null;

/**
 * The writes of a session to its run: in order, all under its lease. Additions of the same moment are coalesced into one change: a commit
 * costs the same for one entry as for three, and every node waits for the same head row.
 */
export interface RunJournal {
  /** The run with all that was added, committed or about to be. */
  run(): Run;
  /**
   * Resolves when it, and everything before it, is durable. Rejects with Stopped `lease-lost` when the lease is gone. `last` releases the
   * lease with it.
   */
  append(decide: Decide, last?: boolean): Promise<void>;
  /**
   * Adds without waiting: it is committed with what follows at once, or alone a moment later. It is for results, which the runbook may read
   * before they are durable: all that it does with them is committed with them or after them.
   */
  add(decide: Decide): void;
  /**
   * Adds what is committed only together with something else; without that it is dropped. When it throws Stopped, what was to be committed
   * with it is rejected with that, and only an ending may follow.
   */
  lead(decide: Decide): void;
  /** Resolves when everything that was added is durable; rejects with what prevented that. */
  settled(): Promise<void>;
  /** The error by which a result was lost; null when none was. After it only an ending may follow. */
  lost(): unknown;
}

interface Waiting {
  decide: Decide;
  last: boolean;
  /** Null when no caller waits for it. */
  done: PromiseWithResolvers<void> | null;
}

/** What a session has added, and how much of it is committed. */
interface RunJournalBuffer {
  /** The run as it is stored. */
  committed: Run;
  /** The run with all that was added. */
  shown: Run;
  leading: Decide[];
  waiting: Waiting[];
  /** Set when an addition was lost for which no caller waited: then only an ending may follow. After a lost lease nothing may. */
  broken: { error: unknown; lease: boolean } | null;
}

export interface RunJournalParts {
  streams: Pick<Streams, 'run'>;
  clock: Clock;
  /** Called before anything is decided a second time, because another writer was first. */
  again?(): Promise<void>;
}

export function createRunJournal(found: Run, lease: RunLease, parts: RunJournalParts): RunJournal {
  const buffer: RunJournalBuffer = { committed: found, shown: found, leading: [], waiting: [], broken: null };
  const { clock } = parts;
  const writer: Writer = { buffer, lease, parts };
  let working: Promise<void> | null = null;

  async function work(): Promise<void> {
    // Branches that go on in the same moment write together.
    await null;
    while (buffer.waiting.length > 0) {
      const batch = buffer.waiting;
      buffer.waiting = [];
      await commitAllowed(batch, writer);
    }
    working = null;
  }

  function put(one: Waiting): void {
    buffer.waiting.push(one);
    if (buffer.broken === null) buffer.shown = combine([], [one], buffer.shown, clock.now()).run;
  }

  const begin = () => {
    if (buffer.waiting.length > 0) working ??= work();
  };

  return {
    run: () => buffer.shown,
    append(decide, last = false) {
      const done = Promise.withResolvers<void>();
      put({ decide, last, done });
      begin();
      return done.promise;
    },
    add(decide) {
      put({ decide, last: false, done: null });
      // Two turns of the event loop, so that a runbook that is over has added its ending.
      setImmediate(() => setImmediate(begin));
    },
    lead(decide) {
      buffer.leading.push(decide);
      buffer.shown = applyTo(buffer.shown, decide(buffer.shown), clock.now());
    },
    async settled() {
      begin();
      await working;
      if (buffer.broken !== null) throw buffer.broken.error;
    },
    lost: () => (buffer.broken === null || buffer.broken.lease ? null : buffer.broken.error),
  };
}

/** What the functions that write the buffer share. */
interface Writer {
  buffer: RunJournalBuffer;
  lease: RunLease;
  parts: RunJournalParts;
}

async function commitAllowed(batch: readonly Waiting[], writer: Writer): Promise<void> {
  const { buffer } = writer;
  const isAllowed = (one: Waiting) => buffer.broken === null || (one.last && !buffer.broken.lease);
  const allowed = batch.filter(isAllowed);
  if (allowed.length > 0) await commit(allowed, writer);
  for (const one of batch) if (!allowed.includes(one)) one.done?.reject(buffer.broken?.error);
}

/** Commits the batch as one change, and settles the promise of each addition. */
async function commit(batch: readonly Waiting[], writer: Writer): Promise<void> {
  const { buffer, lease } = writer;
  const { streams, clock, again } = writer.parts;
  const last = batch.some(one => one.last);
  let made = combine([], [], buffer.committed, 0);
  let tries = 0;
  const decide = async (run: Run) => {
    if (++tries > 1) await again?.();
    made = combine(buffer.leading, batch, run, clock.now());
    return made.addition;
  };
  try {
    buffer.committed = await streams.run(buffer.committed.id, system, decide, {
      guards: () => [lease.guard(last)],
      latest: () => buffer.committed,
    });
    if (made.addition !== null) {
      lease.committed(last);
      buffer.leading = [];
    }
    for (const one of batch) {
      if (made.refused.has(one)) one.done?.reject(made.refused.get(one));
      else one.done?.resolve();
    }
  } catch (cause) {
    if (isHalt(cause)) return await commitWithout(batch, { held: made.held, cause }, writer);
    if (cause instanceof Stopped) return stop(batch, cause, buffer);
    await refuse(batch, cause, writer);
  }
  buffer.shown = combine(buffer.leading, buffer.waiting, buffer.committed, clock.now()).run;
}

/** The beginning was refused, and with it all that was to come after it. */
function stop(batch: readonly Waiting[], error: Stopped, buffer: RunJournalBuffer): void {
  buffer.leading = [];
  buffer.shown = buffer.committed;
  buffer.broken = { error, lease: false };
  for (const { done } of batch) done?.reject(error);
}

/** Handles a refused change. One addition must not make the others lose their results, so each is tried alone. */
async function refuse(batch: readonly Waiting[], cause: unknown, writer: Writer): Promise<void> {
  const { buffer, lease } = writer;
  if (isLeaseLost(cause)) {
    lease.lost();
    buffer.broken = { error: new Stopped('lease-lost'), lease: true };
    for (const { done } of batch) done?.reject(buffer.broken.error);
  } else if (batch.length > 1) {
    for (const one of batch) {
      if (buffer.broken === null) await commit([one], writer);
      // What came after a lost result was decided on the basis of it.
      else one.done?.reject(buffer.broken.error);
    }
  } else {
    for (const { done } of batch) {
      if (done === null) buffer.broken = { error: cause, lease: false };
      else done.reject(cause);
    }
  }
}

/** Refuses only the additions that a halt holds: results are journalled also while everything is halted. */
async function commitWithout(
  batch: readonly Waiting[],
  { held, cause }: { held: ReadonlySet<Waiting>; cause: unknown },
  writer: Writer,
): Promise<void> {
  const rest = batch.filter(one => !held.has(one));
  await commit(rest, writer);
  for (const one of held) one.done?.reject(cause);
}

function isLeaseLost(error: unknown): boolean {
  return isCode(error, 'guard-failed') && ['lease', 'take'].includes(failedGuard(error));
}

function isHalt(error: unknown): boolean {
  return isCode(error, 'guard-failed') && failedGuard(error) === 'halt';
}

function applyTo(run: Run, addition: Addition | null, at: number): Run {
  if (addition === null) return run;
  const folded = addition.facts.reduce((doc: Run, fact) => foldRun(doc, fact, at), run);
  return addition.adjust?.(folded) ?? folded;
}

/**
 * Combines additions into one, each decided on the run as those before it leave it; null when there is nothing to do. One that throws is
 * refused alone; `held` are those that a halt would refuse.
 */
function combine(leading: readonly Decide[], batch: readonly Waiting[], run: Run, at: number) {
  let doc = run;
  const additions: Addition[] = [];
  const refused = new Map<Waiting, unknown>();
  const held = new Set<Waiting>();
  const take = (addition: Addition | null) => {
    if (addition !== null) additions.push(addition);
    doc = applyTo(doc, addition, at);
  };
  for (const decide of leading) take(decide(doc));
  const leads = additions.length;
  for (const one of batch) {
    try {
      const addition = one.decide(doc);
      if (addition?.with?.guards?.some(guard => guard.kind === 'halt')) held.add(one);
      take(addition);
    } catch (error) {
      refused.set(one, error);
    }
  }
  return { run: doc, refused, held, addition: additions.length === leads ? null : merge(additions) };
}

function merge(additions: readonly Addition[]): Addition {
  const [first, ...others] = additions;
  if (first !== undefined && others.length === 0) return first;
  return {
    facts: additions.flatMap(({ facts }) => facts),
    adjust: after => additions.reduce((made, { adjust }) => adjust?.(made) ?? made, after),
    with: additions.reduce((made: Change, one) => join(made, one.with ?? {}), {}),
  };
}

function join(one: Change, other: Change): Change {
  return {
    guards: [...(one.guards ?? []), ...(other.guards ?? [])],
    entries: [...(one.entries ?? []), ...(other.entries ?? [])],
    rows: [...(one.rows ?? []), ...(other.rows ?? [])],
    blobs: [...(one.blobs ?? []), ...(other.blobs ?? [])],
  };
}
