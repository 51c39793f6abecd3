import type { Alert } from '../../model/alert.ts';
import type { Run } from '../../model/run.ts';
import type { OutputChunk, Row } from '../../ports/store.ts';
import { alertColumns, approvalColumns, autoTargets, outputColumns, postColumns, runColumns } from '../sql/columns.ts';
import { writeDoc } from '../sql/docs.ts';
import { guardFailed, identityTaken } from '../sql/guards.ts';
import { fromColumn, toColumn } from '../sql/text.ts';
import type { Batch } from './batch.ts';
import { identityName, type Needs, postName, type Versioned, type View } from './view.ts';

/** A projection that is ready to be written. */
export interface PreparedRow {
  size: number;
  need(needs: Needs): void;
  /** Throws `guard-failed` when the document is older than the stored one. */
  check(view: View): void;
  write(view: View, batch: Batch): void;
}

/** The text of a document is built when the row is given, not inside the transaction. */
export function prepareRow(row: Row): PreparedRow {
  switch (row.table) {
    case 'alert': {
      const doc = writeDoc('alert', row.doc);
      return alertRow(row.doc, { ...alertColumns(row.doc), doc });
    }
    case 'run': {
      const doc = writeDoc('run', row.doc);
      const columns = { ...runColumns(row.doc), doc };
      return versioned('run', row.doc.id, columns, (_view, batch) => {
        batch.put('run', columns.id, columns);
        countAuto(row.doc, batch);
      });
    }
    case 'approval': {
      const doc = writeDoc('approval', row.doc);
      const columns = { ...approvalColumns(row.doc), doc };
      return versioned('approval', row.doc.id, columns, (_view, batch) => batch.put('approval', columns.id, columns));
    }
    case 'post': {
      const doc = writeDoc('post', row.doc);
      const columns = { ...postColumns(row.doc), doc };
      return plain(doc.length, (view, batch) => {
        view.head.stamp += 1;
        const key = postName(columns);
        view.posts.set(key, view.head.stamp);
        batch.put('post', key, { ...columns, changed: view.head.stamp });
      });
    }
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
    case 'halt': {
      const doc = row.doc === null ? null : writeDoc('halt', row.doc);
      return plain(64, (view, batch) => {
        view.halted = doc !== null;
        batch.halt(doc);
      });
    }
  }
}

/** The identity (source and fingerprint) of a new alert must not belong to another alert. */
function alertRow({ id }: Alert, columns: ReturnType<typeof alertColumns> & { doc: string }): PreparedRow {
  const prepared = versioned('alert', id, columns, (_view, batch) => batch.put('alert', columns.id, columns));
  const name = identityName(columns);
  return {
    ...prepared,
    need(needs) {
      prepared.need(needs);
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

function outputRow(chunk: OutputChunk): PreparedRow {
  const doc = writeDoc('output', chunk);
  return plain(doc.length, (_view, batch) => {
    batch.add('output', { ...outputColumns(chunk), doc });
    batch.news(chunk.run);
  });
}

function countAuto(run: Run, batch: Batch): void {
  const runbook = toColumn(run.runbook);
  for (const target of autoTargets(run)) {
    const row = { runbook, target, at: run.createdAt, run: toColumn(run.id) };
    batch.put('auto_run', JSON.stringify(Object.values(row)), row, 'keep');
  }
}

function plain(size: number, write: PreparedRow['write']): PreparedRow {
  return { size, need() {}, check() {}, write };
}

function versioned(
  table: Versioned,
  id: string,
  columns: { id: string; version: number; doc: string },
  write: PreparedRow['write'],
): PreparedRow {
  return {
    size: columns.doc.length,
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
