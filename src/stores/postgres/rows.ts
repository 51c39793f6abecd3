import type { Alert } from '../../model/alert.ts';
import type { Post } from '../../model/card.ts';
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
import { guardFailed, identityTaken } from '../sql/guards.ts';
import { docColumns, type ReadyText, readyText } from '../sql/packed.ts';
import { fromColumn, toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import { deliveryRow } from './delivery-rows.ts';
import { type PreparedRow, plain } from './prepared.ts';
import { tallyRow } from './tallies.ts';
import { identityName, type Needs, postName, type Versioned, type View } from './view.ts';

/** The text of a document is built when the row is given, not inside the transaction. `base` is the entry that it repeats. */
export function prepareRow(row: Row, base: Base | null): PreparedRow {
  switch (row.table) {
    case 'alert':
      return alertRow(row.doc, readyText(writeDoc('alert', row.doc), base));
    case 'run': {
      const doc = writeDoc('run', row.doc);
      const columns = { ...runColumns(row.doc), doc };
      return versioned('run', row.doc.id, columns, doc.length, (_view, batch) => {
        batch.put('run', columns.id, columns);
        countAuto(row.doc, batch);
      });
    }
    case 'approval': {
      const doc = writeDoc('approval', row.doc);
      const columns = { ...approvalColumns(row.doc), doc };
      const write: PreparedRow['write'] = (_view, batch) => batch.put('approval', columns.id, columns);
      return versioned('approval', row.doc.id, columns, doc.length, write);
    }
    case 'letter': {
      const doc = writeDoc('letter', row.doc);
      const columns = { ...letterColumns(row.doc), doc };
      const write: PreparedRow['write'] = (_view, batch) => batch.put('letter', columns.id, columns);
      return versioned('letter', row.doc.id, columns, doc.length, write);
    }
    case 'document': {
      const doc = writeDocument(row);
      const columns = { ...documentColumns(row), doc };
      const write: PreparedRow['write'] = (_view, batch) => batch.put('document', columns.id, columns);
      return versioned('document', row.doc.id, columns, doc.length, write);
    }
    case 'post':
      return postRow(row.doc, readyText(writeDoc('post', row.doc), base));
    case 'output':
      return outputRow(row.doc);
    case 'look': {
      const columns = { alert: toColumn(row.doc.alert), doc: writeDoc('look', row.doc) };
      return plain(columns.doc.length, (_view, batch) => batch.put('look', columns.alert, columns));
    }
    case 'cursor': {
      const name = toColumn(row.name);
      return plain(16, (_view, batch) => batch.put('cursor', name, { name, value: row.value }));
    }
    case 'memo': {
      const columns = { name: toColumn(row.name), value: toColumn(row.value) };
      return plain(columns.value.length, (_view, batch) => batch.put('memo', columns.name, columns));
    }
    case 'halt': {
      const doc = row.doc === null ? null : writeDoc('halt', row.doc);
      return plain(64, (view, batch) => {
        view.halted = doc !== null;
        batch.halt(doc);
      });
    }
    case 'tally':
    case 'sighting':
      return tallyRow(row);
    default:
      return deliveryRow(row);
  }
}

/** The identity (source and fingerprint) of a new alert must not belong to another alert. */
function alertRow(alert: Alert, doc: ReadyText): PreparedRow {
  const { id } = alert;
  const columns = alertColumns(alert);
  const prepared = versioned('alert', id, columns, doc.length, (view, batch) =>
    batch.put('alert', columns.id, { ...columns, ...docColumns(doc, base => holds(base, view)) }),
  );
  const name = identityName(columns);
  return {
    ...prepared,
    need(needs) {
      prepared.need(needs);
      needBase(doc, needs);
      needs.identities.set(name, columns);
    },
    check(view) {
      prepared.check(view);
      const other = view.identities.get(name);
      if (other !== undefined && other !== columns.id && !view.versions.alert.has(columns.id))
        throw identityTaken(id, fromColumn(other));
    },
    write(view, batch) {
      view.identities.set(name, columns.id);
      prepared.write(view, batch);
    },
  };
}

function postRow(post: Post, doc: ReadyText): PreparedRow {
  const columns = postColumns(post);
  const key = postName(columns);
  const prepared = plain(doc.length, (view, batch) => {
    view.head.stamp += 1;
    view.posts.set(key, view.head.stamp);
    batch.put('post', key, { ...columns, changed: view.head.stamp, ...docColumns(doc, base => holds(base, view)) });
  });
  return { ...prepared, need: needs => needBase(doc, needs) };
}

function outputRow(chunk: OutputChunk): PreparedRow {
  const doc = readyText(writeDoc('output', chunk));
  const { base: _, ...packed } = docColumns(doc);
  return plain(doc.length, (_view, batch) => {
    batch.add('output', { ...outputColumns(chunk), ...packed });
    batch.news(chunk.run);
  });
}

/** An entry that was stored before this change. */
function needBase({ base }: ReadyText, needs: Needs): void {
  if (base?.hash != null && base.seq !== null) needs.bases.add(base.seq);
}

/** After a failover to a standby that lags, another entry may have the sequence of one that was lost. */
function holds({ seq, hash }: Base, view: View): boolean {
  return hash === null || (seq !== null && view.bases.get(seq) === hash);
}

function countAuto(run: Run, batch: Batch): void {
  const runbook = toColumn(run.runbook);
  for (const target of autoTargets(run)) {
    const row = { runbook, target, at: run.createdAt, run: toColumn(run.id) };
    batch.put('auto_run', JSON.stringify(Object.values(row)), row, 'keep');
  }
}

function versioned(
  table: Versioned,
  id: string,
  columns: { id: string; version: number },
  size: number,
  write: PreparedRow['write'],
): PreparedRow {
  return {
    size,
    need: needs => void needs.documents[table].add(columns.id),
    check(view) {
      const stored = view.versions[table].get(columns.id);
      if (stored !== undefined && columns.version < stored)
        throw guardFailed('row', `${table}/${id}`, `version ${stored} or later`, `${columns.version}`);
    },
    write(view, batch) {
      view.versions[table].set(columns.id, columns.version);
      write(view, batch);
    },
  };
}
