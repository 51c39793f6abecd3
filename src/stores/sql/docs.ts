import { z } from 'zod';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { alert } from '../../model/alert.ts';
import { approval } from '../../model/approval.ts';
import { post } from '../../model/card.ts';
import { delivery } from '../../model/delivery.ts';
import { type AnyDocument, type DocumentKind, type DocumentOf, documentKinds } from '../../model/document.ts';
import { content, entryVersion, type NewEntry } from '../../model/journal.ts';
import { letter } from '../../model/letter.ts';
import { look } from '../../model/look.ts';
import { recorded, recording } from '../../model/recording.ts';
import { run } from '../../model/run.ts';
import type { OutputChunk } from '../../ports/store.ts';

/** What each table holds as JSON text. */
export const docs = {
  // Compiled, because each event on its way in is checked several times; strict, so that a schema that stops being compilable is noticed.
  alert: z.compile(alert, { strict: true }),
  run: z.compile(run, { strict: true }),
  approval: z.compile(approval, { strict: true }),
  post: z.compile(post, { strict: true }),
  letter,
  look,
  delivery,
  recording,
  recorded,
  halt: z.object({ by: z.string(), reason: z.string(), at: z.int() }),
  output: z.object({
    run: z.string(),
    step: z.string(),
    attempt: z.int(),
    seq: z.int(),
    text: z.string(),
    at: z.int(),
  }) satisfies z.ZodType<OutputChunk>,
};
export type DocTable = keyof typeof docs;
type Doc<T extends DocTable> = z.infer<(typeof docs)[T]>;

/** The text of a document. Checked on the way in, because what does not read back would block every list it is in. */
export function writeDoc<T extends DocTable>(table: T, doc: Doc<T>): string {
  refuseUnreadable(docs[table], doc, `table ${table}`);
  return JSON.stringify(doc);
}

/** The same for a document of the shared table. */
export function writeDocument({ kind, doc }: AnyDocument): string {
  refuseUnreadable(documentKinds[kind].schema, doc, `kind ${kind}`);
  return JSON.stringify(doc);
}

/** Parses a document of a row. Throws an error that names the document when it does not parse. */
export function readDoc<T extends DocTable>(table: T, row: { doc: string }): Doc<T> {
  return parseDoc(docs[table], row, `table ${table}`) as Doc<T>;
}

/** The same for a row of the shared table. */
export function readDocument<K extends DocumentKind>(kind: K, row: { doc: string }): DocumentOf<K> {
  return parseDoc(documentKinds[kind].schema, row, `kind ${kind}`) as DocumentOf<K>;
}

function parseDoc(schema: z.ZodType, row: { doc: string }, at: string): unknown {
  try {
    return schema.parse(JSON.parse(row.doc));
  } catch (error) {
    throw new TocsinError('store-failed', {
      message: 'A stored document is not what its table holds.',
      at: `${at}: ${row.doc.slice(0, 60)}`,
      given: explainParse(error),
      cause: error,
    });
  }
}

/** The journal cannot be corrected afterwards, so an entry that would not read back is refused. */
export function checkEntry(entry: NewEntry): void {
  refuseUnreadable(content, { ...entry, v: entryVersion }, `stream ${entry.stream}`);
}

export function explainParse(error: unknown): string {
  return error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
}

function refuseUnreadable(schema: z.ZodType, value: unknown, at: string): void {
  const checked = schema.safeParse(value);
  if (checked.success) return;
  throw new TocsinError('store-failed', {
    message: 'The change has something in it that would not read back.',
    at,
    given: z.prettifyError(checked.error),
    remedy: 'This is a fault in Tocsin: report it with this text.',
    cause: checked.error,
  });
}
