import type { z } from 'zod';
import { gate, keyOfGate } from './gates/gate.ts';
import { knownBad } from './gates/known-bad.ts';
import { held } from './ledger/held.ts';
import { permit } from './ledger/permit.ts';
import { glassWindow } from './ledger/window.ts';
import { openEpisodes } from './statistics/open-episodes.ts';
import { weekFigures } from './statistics/week.ts';

/** What a document is found by, besides its id. */
export interface DocumentIndex {
  state: string;
  /** The order of lists, milliseconds since the epoch. */
  at: number;
  /** When its state is over or something is due; null for never. */
  due: number | null;
  key: string;
  other: string;
}

interface Kind<S extends z.ZodType> {
  schema: S;
  index(doc: z.infer<S>): DocumentIndex;
}

const kind = <S extends z.ZodType>(schema: S, index: (doc: z.infer<S>) => DocumentIndex): Kind<S> => ({
  schema,
  index,
});

/**
 * Kinds of documents that share one table: a further kind needs no migration. Each is the fold of one stream of the journal, or of all of it
 * (weeks and episodes of statistics), and has `id` and `version`; ids of different kinds never meet, because each has its prefix.
 */
export const documentKinds = {
  gate: kind(gate, doc => ({
    state: doc.state,
    at: doc.createdAt,
    due: doc.state === 'allowed' ? doc.holdsUntil : doc.expiresAt,
    key: keyOfGate(doc),
    other: doc.hash,
  })),
  permit: kind(permit, doc => ({
    state: doc.state,
    at: doc.from,
    due: doc.until,
    key: doc.key,
    other: doc.principal,
  })),
  held: kind(held, doc => ({
    state: doc.state,
    at: doc.occurredAt,
    due: doc.dueAt,
    // The changes of an alert; that one is told twice is kept from being held twice by a claim.
    key: doc.alert ?? '',
    other: doc.resource,
  })),
  'break-glass': kind(glassWindow, doc => ({
    state: doc.state,
    at: doc.openedAt,
    due: doc.state === 'open' ? doc.until : doc.listAt,
    key: doc.person,
    other: doc.permit,
  })),
  'known-bad': kind(knownBad, doc => ({
    state: doc.state,
    at: doc.createdAt,
    due: doc.until,
    key: JSON.stringify(doc.thing),
    other: doc.alert ?? '',
  })),
  week: kind(weekFigures, doc => ({ state: 'week', at: doc.from, due: null, key: doc.zone, other: '' })),
  episodes: kind(openEpisodes, () => ({ state: 'open', at: 0, due: null, key: '', other: '' })),
} as const;

export type DocumentKind = keyof typeof documentKinds;
/** Those that fold one stream; the others are counted from all of the journal. */
export type StreamKind = Exclude<DocumentKind, 'week' | 'episodes'>;
export type DocumentOf<K extends DocumentKind> = z.infer<(typeof documentKinds)[K]['schema']>;

/** A document with its kind. */
export type AnyDocument = { [K in DocumentKind]: { kind: K; doc: DocumentOf<K> } }[DocumentKind];

export function indexOf({ kind: of, doc }: AnyDocument): DocumentIndex {
  // The pair came together, so the function fits its document.
  return (documentKinds[of].index as (doc: unknown) => DocumentIndex)(doc);
}
