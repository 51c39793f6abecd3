import type { DatabaseSync } from 'node:sqlite';
import type { Alert } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Post } from '../../model/card.ts';
import type { Look } from '../../model/look.ts';
import type { Run } from '../../model/run.ts';
import type { OutputChunk, Row } from '../../ports/store.ts';
import { alertColumns, approvalColumns, autoTargets, outputColumns, postColumns, runColumns } from '../sql/columns.ts';
import { writeDoc } from '../sql/docs.ts';
import type { Tables } from '../sql/schema.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, tables } from './query.ts';
import type { Head } from './writer.ts';

type HaltDoc = Extract<Row, { table: 'halt' }>['doc'];

interface Write {
  size: number;
  write(head: Head): void;
}

/** Turns projections into statements. The text of a document is built when the row is given, not inside the transaction. */
export function createRows(db: DatabaseSync): (row: Row) => Write {
  const alert = createAlertRow(db);
  const run = createRunRow(db);
  const approval = createApprovalRow(db);
  const post = createPostRow(db);
  const output = createOutputRow(db);
  const small = createSmallRows(db);
  return row => {
    switch (row.table) {
      case 'alert':
        return alert(row.doc);
      case 'run':
        return run(row.doc);
      case 'approval':
        return approval(row.doc);
      case 'post':
        return post(row.doc);
      case 'output':
        return output(row.doc);
      case 'look':
        return small.look(row.doc);
      case 'cursor':
        return small.cursor(row.name, row.value);
      case 'halt':
        return small.halt(row.doc);
    }
  };
}

function createAlertRow(db: DatabaseSync) {
  const put = prepare<Tables['alert']>(db)(v => {
    const { id, source, fingerprint, state, first_seen, version, doc } = v;
    return tables
      .insertInto('alert')
      .values({ id, source, fingerprint, state, first_seen, version, doc })
      .onConflict(c => c.column('id').doUpdateSet({ source, fingerprint, state, first_seen, version, doc }));
  });
  return (alert: Alert): Write => {
    const doc = writeDoc('alert', alert);
    const row = { ...alertColumns(alert), doc };
    return { size: doc.length, write: () => put.run(row) };
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

function createPostRow(db: DatabaseSync) {
  const put = prepare<Required<Omit<Tables['post'], 'id'>>>(db)(v => {
    const { platform, key, channel, thread, ord, wanted, delivered, changed, doc } = v;
    return tables
      .insertInto('post')
      .values({ platform, key, channel, thread, ord, wanted, delivered, changed, doc })
      .onConflict(c =>
        c.columns(['platform', 'key']).doUpdateSet({ channel, thread, ord, wanted, delivered, changed, doc }),
      );
  });
  return (post: Post): Write => {
    const doc = writeDoc('post', post);
    const row = { ...postColumns(post), doc };
    const write = (head: Head) => {
      head.stamp += 1;
      put.run({ ...row, changed: head.stamp });
    };
    return { size: doc.length, write };
  };
}

function createOutputRow(db: DatabaseSync) {
  const put = prepare<Tables['output']>(db)(({ run, seq, step, doc }) =>
    tables.insertInto('output').values({ run, seq, step, doc }),
  );
  return (chunk: OutputChunk): Write => {
    const doc = writeDoc('output', chunk);
    const row = { ...outputColumns(chunk), doc };
    return { size: doc.length, write: () => put.run(row) };
  };
}

function createSmallRows(db: DatabaseSync) {
  const setCursor = prepare<{ name: string; value: number }>(db)(v =>
    tables.replaceInto('cursor').values({ name: v.name, value: v.value }),
  );
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
    halt: (doc: HaltDoc): Write => {
      if (doc === null) return { size: 64, write: () => clearHalt.run({}) };
      const text = writeDoc('halt', doc);
      return { size: text.length, write: () => setHalt.run({ doc: text }) };
    },
  };
}
