import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { KeyedMutex } from '../../kernel/mutex.ts';
import type { Actor } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import type { AnyDocument, DocumentOf, StreamKind } from '../../model/document.ts';
import { foldApproval, foldRun } from '../../model/fold.ts';
import { foldGate, foldKnownBad } from '../../model/gates/fold.ts';
import { type Fact, type NewEntry, streamOf } from '../../model/journal.ts';
import { foldHeld, foldPermit } from '../../model/ledger/fold.ts';
import { foldWindow } from '../../model/ledger/window.ts';
import type { Run } from '../../model/run.ts';
import type { Change, Guard, Row, Store } from '../../ports/store.ts';
import type { Feed } from './feed.ts';

/** What a writer adds to one stream, decided on its current state. `null` means that there is nothing to do any more. */
export interface Step {
  facts: Fact[];
  /** A change of the document that is not journalled. */
  adjust?: (run: Run) => Run;
  /** Further parts of the same change: entries of other streams, rows, blobs, guards. */
  with?: Change;
}

/** What the holder of a run's lease adds to its commits. */
export interface Under {
  /** Further guards of the change. */
  guards(): readonly Guard[];
  /**
   * The run as the caller knows it, which saves a read: the holder of the lease is nearly always the only writer. When somebody else
   * wrote, the guard of the stream fails, and the run is read.
   */
  latest?(): Run;
}

/**
 * Appends to runs, approvals and the documents of model/document.ts: reads the newest state, lets `decide` say what follows from it, folds, and commits both under the
 * stream's version. When another writer was first it reads and decides again, so a decision is never made on old state. Rejects with
 * `not-found` for an unknown id, and with `guard-failed` when another guard fails or after 20 tries.
 */
export interface Streams {
  run(id: string, who: Actor, decide: (run: Run) => Step | null | Promise<Step | null>, under?: Under): Promise<Run>;
  approval(
    id: string,
    who: Actor,
    decide: (approval: Approval) => Step | null | Promise<Step | null>,
  ): Promise<Approval>;
  document<K extends StreamKind>(
    kind: K,
    id: string,
    who: Actor,
    decide: (doc: DocumentOf<K>) => Step | null | Promise<Step | null>,
  ): Promise<DocumentOf<K>>;
}

/** The most tries against other writers before the caller gets `guard-failed`; within a process the mutex makes them rare. */
const maxTries = 20;

export function createStreams(parts: { store: Store; feed: Feed; clock: Clock; mutex: KeyedMutex }): Streams {
  const { store, feed, clock, mutex } = parts;

  async function append<T extends { version: number }>(
    kind: Kind<T>,
    id: string,
    who: Actor,
    decide: (doc: T) => Step | null | Promise<Step | null>,
    under?: { guards(): readonly Guard[]; latest?(): T },
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const kept = attempt === 1 ? under?.latest?.() : undefined;
      const known = kept ?? (await kind.read(store, id));
      if (known === null) throw new TocsinError('not-found', { given: id });
      const step = await decide(known);
      if (step === null && kept === undefined) return known;
      // The caller's copy may be old: "nothing to do" counts only on the newest state.
      if (step === null) continue;
      const at = clock.now();
      const stream = kind.stream(id);
      const folded = step.facts.reduce((doc: T, fact) => kind.fold(doc, fact, at), known);
      const next = kind.adjust(folded, step);
      const entries: NewEntry[] = step.facts.map(fact => ({ stream, actor: who, at, fact }));
      try {
        await feed.commit({
          guards: [
            ...(under?.guards() ?? []),
            { kind: 'stream', stream, version: known.version },
            ...(step.with?.guards ?? []),
          ],
          entries: [...entries, ...(step.with?.entries ?? [])],
          rows: [kind.row(next), ...(step.with?.rows ?? [])],
          blobs: step.with?.blobs ?? [],
        });
        return next;
      } catch (error) {
        if (!isCode(error, 'guard-failed') || attempt >= maxTries || !isConflict(error)) throw error;
      }
    }
  }

  return {
    run: (id, who, decide, under) => mutex.with(streamOf.run(id), () => append(runs, id, who, decide, under)),
    approval: (id, who, decide) => mutex.with(streamOf.approval(id), () => append(approvals, id, who, decide)),
    document: (kind, id, who, decide) => {
      const of = documents(kind);
      return mutex.with(of.stream(id), () => append(of, id, who, decide));
    },
  };
}

interface Kind<T> {
  stream(id: string): string;
  read(store: Store, id: string): Promise<T | null>;
  fold(known: T | null, fact: Fact, at: number): T;
  adjust(doc: T, step: Step): T;
  row(doc: T): Row;
}

const runs: Kind<Run> = {
  stream: streamOf.run,
  read: (store, id) => store.run(id),
  fold: foldRun,
  adjust: (doc, step) => step.adjust?.(doc) ?? doc,
  row: doc => ({ table: 'run', doc }),
};
const approvals: Kind<Approval> = {
  stream: streamOf.approval,
  read: (store, id) => store.approval(id),
  fold: foldApproval,
  adjust: doc => doc,
  row: doc => ({ table: 'approval', doc }),
};

/** The stream of a document, and its reducer. */
export const documentStreams: {
  [K in StreamKind]: {
    stream(id: string): string;
    fold(known: DocumentOf<K> | null, fact: Fact, at: number): DocumentOf<K>;
  };
} = {
  gate: { stream: streamOf.gate, fold: foldGate },
  permit: { stream: streamOf.permit, fold: foldPermit },
  held: { stream: streamOf.held, fold: foldHeld },
  'break-glass': { stream: streamOf.breakGlass, fold: foldWindow },
  'known-bad': { stream: streamOf.knownBad, fold: foldKnownBad },
};

function documents<K extends StreamKind>(kind: K): Kind<DocumentOf<K>> {
  const { stream, fold } = documentStreams[kind];
  return {
    stream,
    fold,
    read: (store, id) => store.document(kind, id),
    adjust: doc => doc,
    row: doc => ({ table: 'document', kind, doc }) as { table: 'document' } & AnyDocument,
  };
}

/** Which kind of guard a `guard-failed` names: `stream`, `claim`, `lease`, `take`, `halt`, `post`, or `row` for a projection that is older than the stored one. */
export function failedGuard(error: TocsinError): string {
  return (error.at ?? '').split(' ')[0] ?? '';
}

/** True when reading again and deciding again can help. */
function isConflict(error: TocsinError): boolean {
  return ['stream', 'row'].includes(failedGuard(error));
}
