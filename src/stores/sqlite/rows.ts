import type { DatabaseSync } from 'node:sqlite';
import type { Alert } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Post } from '../../model/card.ts';
import type { AnyDocument } from '../../model/document.ts';
import type { Letter } from '../../model/letter.ts';
import type { Look } from '../../model/look.ts';
import type { Run } from '../../model/run.ts';
import type { OutputChunk, Row } from '../../ports/store.ts';
import type { Base } from '../sql/bases.ts';
import {
  alertColumns,
  approvalColumns,
  autoTargets,
  documentColumns,
  letterColumns,
  outputColumns,
  postColumns,
  runColumns,
} from '../sql/columns.ts';
import { writeDoc, writeDocument } from '../sql/docs.ts';
import { docColumns, readyText } from '../sql/packed.ts';
import type { Tables } from '../sql/schema.ts';
import { toColumn } from '../sql/text.ts';
import { createDeliveryRows } from './delivery-rows.ts';
import { prepare, tables } from './query.ts';
import { createTallyRows } from './tallies.ts';
import type { Head, Write } from './writer.ts';

type HaltDoc = Extract<Row, { table: 'halt' }>['doc'];

/**
 * Turns projections into statements. The text of a document is built when the row is given, not inside the transaction. `base` is the entry
 * that it repeats.
 */
export function createRows(db: DatabaseSync): (row: Row, base: Base | null) => Write {
  const alert = createAlertRow(db);
  const run = createRunRow(db);
  const approval = createApprovalRow(db);
  const letter = createLetterRow(db);
  const document = createDocumentRow(db);
  const post = createPostRow(db);
  const output = createOutputRow(db);
  const small = createSmallRows(db);
  const deliveries = createDeliveryRows(db);
  const tally = createTallyRows(db);
  return (row, base) => {
    switch (row.table) {
      case 'alert':
        return alert(row.doc, base);
      case 'run':
        return run(row.doc);
      case 'approval':
        return approval(row.doc);
      case 'letter':
        return letter(row.doc);
      case 'document':
        return document(row);
      case 'post':
        return post(row.doc, base);
      case 'output':
        return output(row.doc);
      case 'look':
        return small.look(row.doc);
      case 'cursor':
        return small.cursor(row.name, row.value);
      case 'memo':
        return small.memo(row.name, row.value);
      case 'halt':
        return small.halt(row.doc);
      case 'delivery':
        return deliveries.delivery(row.doc);
      case 'delivery_count':
        return deliveries.count(row.doc);
      case 'recording':
        return deliveries.recording(row.doc);
      case 'recorded':
        return deliveries.recorded(row);
      case 'recording-gone':
        return deliveries.gone(row.id);
      case 'tally':
      case 'sighting':
        return tally(row);
    }
  };
}

function createAlertRow(db: DatabaseSync) {
  const put = prepare<Tables['alert']>(db)(v => {
    const { id, source, fingerprint, state, first_seen, version, doc, codec, size, packed, base } = v;
    const { severity, starts_at, last_seen, acked, title, labels, found } = v;
    const search = { severity, starts_at, last_seen, acked, title, labels, found };
    const others = { source, fingerprint, state, first_seen, version, doc, codec, size, packed, base, ...search };
    return tables
      .insertInto('alert')
      .values({ id, ...others })
      .onConflict(c => c.column('id').doUpdateSet(others));
  });
  return (alert: Alert, base: Base | null): Write => {
    const doc = readyText(writeDoc('alert', alert), base);
    const row = alertColumns(alert);
    return { size: doc.length, write: () => put.run({ ...row, ...docColumns(doc) }) };
  };
}

function createRunRow(db: DatabaseSync) {
  const put = prepare<Tables['run']>(db)(v => {
    const { id, runbook, alert, parent, state, created_at, wake_at, version, doc } = v;
    return tables
      .insertInto('run')
      .values({ id, runbook, alert, parent, state, created_at, wake_at, version, doc })
      .onConflict(c =>
        c.column('id').doUpdateSet({ runbook, alert, parent, state, created_at, wake_at, version, doc }),
      );
  });
  const countAuto = prepare<Tables['auto_run']>(db)(({ runbook, target, at, run }) =>
    tables
      .insertInto('auto_run')
      .values({ runbook, target, at, run })
      .onConflict(c => c.doNothing()),
  );
  return (run: Run): Write => {
    const doc = writeDoc('run', run);
    const row = { ...runColumns(run), doc };
    const targets = autoTargets(run);
    const write = () => {
      put.run(row);
      for (const target of targets) countAuto.run({ runbook: row.runbook, target, at: run.createdAt, run: row.id });
    };
    return { size: doc.length, write };
  };
}

function createApprovalRow(db: DatabaseSync) {
  const put = prepare<Tables['approval']>(db)(v => {
    const { id, run, state, created_at, expires_at, version, doc } = v;
    return tables
      .insertInto('approval')
      .values({ id, run, state, created_at, expires_at, version, doc })
      .onConflict(c => c.column('id').doUpdateSet({ run, state, created_at, expires_at, version, doc }));
  });
  return (approval: Approval): Write => {
    const doc = writeDoc('approval', approval);
    const row = { ...approvalColumns(approval), doc };
    return { size: doc.length, write: () => put.run(row) };
  };
}

function createLetterRow(db: DatabaseSync) {
  const put = prepare<Tables['letter']>(db)(v => {
    const { id, source, state, first_at, version, doc } = v;
    return tables
      .insertInto('letter')
      .values({ id, source, state, first_at, version, doc })
      .onConflict(c => c.column('id').doUpdateSet({ source, state, first_at, version, doc }));
  });
  return (letter: Letter): Write => {
    const doc = writeDoc('letter', letter);
    const row = { ...letterColumns(letter), doc };
    return { size: doc.length, write: () => put.run(row) };
  };
}

function createDocumentRow(db: DatabaseSync) {
  const put = prepare<Tables['document']>(db)(v => {
    const { id, kind, state, at, due, key, other, version, doc } = v;
    return tables
      .insertInto('document')
      .values({ id, kind, state, at, due, key, other, version, doc })
      .onConflict(c => c.column('id').doUpdateSet({ kind, state, at, due, key, other, version, doc }));
  });
  return (document: AnyDocument): Write => {
    const doc = writeDocument(document);
    const row = { ...documentColumns(document), doc };
    return { size: doc.length, write: () => put.run(row) };
  };
}

function createPostRow(db: DatabaseSync) {
  const put = prepare<Required<Omit<Tables['post'], 'id'>>>(db)(v => {
    const { platform, key, channel, thread, ord, wanted, delivered, changed, doc, codec, size, packed, base } = v;
    const others = { channel, thread, ord, wanted, delivered, changed, doc, codec, size, packed, base };
    return tables
      .insertInto('post')
      .values({ platform, key, ...others })
      .onConflict(c => c.columns(['platform', 'key']).doUpdateSet(others));
  });
  return (post: Post, base: Base | null): Write => {
    const doc = readyText(writeDoc('post', post), base);
    const row = postColumns(post);
    const write = (head: Head) => {
      head.stamp += 1;
      put.run({ ...row, changed: head.stamp, ...docColumns(doc) });
    };
    return { size: doc.length, write };
  };
}

function createOutputRow(db: DatabaseSync) {
  const put = prepare<Tables['output']>(db)(({ run, seq, step, doc, codec, size, packed }) =>
    tables.insertInto('output').values({ run, seq, step, doc, codec, size, packed }),
  );
  return (chunk: OutputChunk): Write => {
    const doc = readyText(writeDoc('output', chunk));
    const row = { ...outputColumns(chunk), ...docColumns(doc) };
    return { size: doc.length, write: () => put.run(row) };
  };
}

function createSmallRows(db: DatabaseSync) {
  const setCursor = prepare<{ name: string; value: number }>(db)(v =>
    tables.replaceInto('cursor').values({ name: v.name, value: v.value }),
  );
  const setMemo = prepare<Tables['memo']>(db)(v => tables.replaceInto('memo').values({ name: v.name, value: v.value }));
  const setLook = prepare<Tables['look']>(db)(v => tables.replaceInto('look').values({ alert: v.alert, doc: v.doc }));
  const setHalt = prepare<{ doc: string }>(db)(v => tables.replaceInto('halt').values({ id: 1, doc: v.doc }));
  const clearHalt = prepare(db)(() => tables.deleteFrom('halt'));
  return {
    look: (doc: Look): Write => {
      const row = { alert: toColumn(doc.alert), doc: writeDoc('look', doc) };
      return { size: row.doc.length, write: () => setLook.run(row) };
    },
    cursor: (name: string, value: number): Write => ({
      size: 16,
      write: () => setCursor.run({ name: toColumn(name), value }),
    }),
    memo: (name: string, text: string): Write => {
      const row = { name: toColumn(name), value: toColumn(text) };
      return { size: row.value.length, write: () => setMemo.run(row) };
    },
    halt: (doc: HaltDoc): Write => {
      if (doc === null) return { size: 64, write: () => clearHalt.run({}) };
      const text = writeDoc('halt', doc);
      return { size: text.length, write: () => setHalt.run({ doc: text }) };
    },
  };
}
