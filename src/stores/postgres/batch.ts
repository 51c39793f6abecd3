import { type BulkRow, type BulkTable, insertRows } from './bulk.ts';
import type { Statement } from './session.ts';
import type { Head } from './view.ts';

/** What a transaction will write. Members add to it once they have decided; it is sent in one go. */
export interface Batch {
  /** Replaces what an earlier member put under this key, in its place; with `keep` the earlier one stays. */
  put<T extends BulkTable>(table: T, key: string, row: BulkRow<T>, keep?: 'keep'): void;
  /** Adds a row that nothing replaces. */
  add<T extends BulkTable>(table: T, row: BulkRow<T>): void;
  /** The document of the halt; null clears it. */
  halt(doc: string | null): void;
  /** A statement that comes after the rows. */
  also(statement: Statement): void;
  /** A run has new output. */
  news(run: string): void;
  /** Everything up to the commit; empty when there is nothing to write. `before` is the head as it was found. */
  statements(before: Head, after: Head): Statement[];
}

export function createBatch(): Batch {
  const tables = new Map<BulkTable, Map<string, BulkRow<BulkTable>>>();
  const others: Statement[] = [];
  const outputs = new Set<string>();
  const rowsOf = (table: BulkTable) => {
    const rows = tables.get(table) ?? new Map<string, BulkRow<BulkTable>>();
    tables.set(table, rows);
    return rows;
  };
  return {
    put(table, key, row, keep) {
      const rows = rowsOf(table);
      if (keep !== undefined && rows.has(key)) return;
      rows.set(key, row as BulkRow<BulkTable>);
    },
    add(table, row) {
      const rows = rowsOf(table);
      rows.set(`${rows.size}`, row as BulkRow<BulkTable>);
    },
    halt(doc) {
      others.push(
        doc === null
          ? { name: 'clear-halt', text: 'delete from halt' }
          : {
              name: 'set-halt',
              text: 'insert into halt values (1, $1) on conflict (id) do update set doc = excluded.doc',
              values: [doc],
            },
      );
    },
    also: statement => others.push(statement),
    news: run => outputs.add(run),
    statements(before, after) {
      const inserts = [...tables].map(([table, rows]) => insertRows(table, [...rows.values()]));
      const statements = [...inserts, ...others];
      if (after.seq !== before.seq || after.stamp !== before.stamp) statements.push(moveHead(after));
      if (after.seq !== before.seq || after.stamp !== before.stamp || outputs.size > 0)
        statements.push(notify(after, outputs));
      return statements;
    },
  };
}

function moveHead(head: Head): Statement {
  return {
    name: 'move-head',
    text: 'update head set seq = $1, hash = $2, stamp = $3 where id = 1',
    values: [head.seq, head.hash, head.stamp],
  };
}

/** The channel on which processes tell each other of what they appended. */
export const channel = 'tocsin';

/** A payload has at most 8,000 bytes; who misses the name of a run looks at all that it shows. */
const mostRuns = 64;

function notify(head: Head, outputs: ReadonlySet<string>): Statement {
  const payload = { seq: head.seq, stamp: head.stamp, outputs: [...outputs].slice(0, mostRuns) };
  return { name: 'notify', text: `select pg_notify('${channel}', $1)`, values: [JSON.stringify(payload)] };
}
