import { longestSample } from '../sql/records.ts';
import { type BulkRow, type BulkTable, insertRows } from './bulk.ts';
import type { Statement } from './session.ts';
import type { Head } from './view.ts';

/** The writes of one transaction. Members add to it after their checks; all statements are sent together. */
export interface Batch {
  /** Writes a row. It replaces a row of an earlier member with the same key, at the same position; with `keep` the earlier row stays. */
  put<T extends BulkTable>(table: T, key: string, row: BulkRow<T>, keep?: 'keep'): void;
  /** Adds counts to those of an earlier member with the same key. */
  tally(row: BulkRow<'tally'> & TallyNumbers): void;
  /** Adds a row that no later member can replace. */
  add<T extends BulkTable>(table: T, row: BulkRow<T>): void;
  /** The document of the halt; null clears it. */
  halt(doc: string | null): void;
  /** Adds a statement that runs after the rows. */
  also(statement: Statement): void;
  /** Notes that a run has new output. */
  news(run: string): void;
  /** Notes that the end of a run was requested. */
  cancel(run: string): void;
  /** All statements before the commit; empty when there is nothing to write. `before` is the head as it was read. */
  statements(before: Head, after: Head): Statement[];
}

export function createBatch(): Batch {
  const tables = new Map<BulkTable, Map<string, BulkRow<BulkTable>>>();
  const others: Statement[] = [];
  const outputs = new Set<string>();
  const cancels = new Set<string>();
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
    tally(row) {
      const { source, rule, key, bucket, value } = row;
      const rows = rowsOf('tally') as unknown as Map<string, BulkRow<'tally'> & TallyNumbers>;
      const name = JSON.stringify([source, rule, key, bucket, value]);
      const known = rows.get(name);
      rows.set(name, known === undefined ? row : joinTallies(known, row));
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
    cancel: run => cancels.add(run),
    statements(before, after) {
      const inserts = [...tables].map(([table, rows]) => insertRows(table, [...rows.values()]));
      const statements = [...inserts, ...others];
      if (after.seq !== before.seq || after.stamp !== before.stamp) statements.push(moveHead(after));
      if (after.seq !== before.seq || after.stamp !== before.stamp || outputs.size > 0)
        statements.push(
          notify({ seq: after.seq, stamp: after.stamp, ...appended(before, tables.get('journal')) }, outputs, cancels),
        );
      return statements;
    },
  };
}

interface TallyNumbers {
  n: number;
  arrived: number;
  until: number;
  sample: string;
}

function joinTallies<T extends TallyNumbers>(one: T, other: T): T {
  return {
    ...one,
    n: one.n + other.n,
    arrived: Math.max(one.arrived, other.arrived),
    until: Math.max(one.until, other.until),
    sample: one.sample.length < longestSample ? one.sample + other.sample : one.sample,
  };
}

function moveHead(head: Head): Statement {
  return {
    name: 'move-head',
    text: 'update head set seq = $1, hash = $2, stamp = $3 where id = 1',
    values: [head.seq, head.hash, head.stamp],
  };
}

/** The NOTIFY channel on which processes announce what they appended. */
export const channel = 'tocsin';

/**
 * The most run ids of each kind in one payload. PostgreSQL limits a payload to less than 8,000 bytes; two lists of this length have about
 * 4,300. A follower that misses an id rereads all runs it shows. A worker that misses one sees the cancellation when it renews its lease.
 */
const mostRuns = 64;

/** The longest list of kinds in a payload, characters. A follower that does not hear the kinds reads whether there is something for it. */
const mostKinds = 2000;

type News = Pick<Head, 'seq' | 'stamp'> & { first?: number; kinds?: string[] };

function appended(before: Head, journal: Map<string, BulkRow<BulkTable>> | undefined): Pick<News, 'first' | 'kinds'> {
  const rows = [...(journal?.values() ?? [])] as BulkRow<'journal'>[];
  const kinds = [...new Set(rows.map(row => `${row.kind}`))];
  if (rows.length === 0 || kinds.join().length > mostKinds) return {};
  return { first: before.seq + 1, kinds };
}

function notify({ seq, stamp, ...of }: News, outputs: ReadonlySet<string>, cancels: ReadonlySet<string>): Statement {
  const some = (runs: ReadonlySet<string>) => [...runs].slice(0, mostRuns);
  const payload = { seq, stamp, ...of, outputs: some(outputs), cancels: some(cancels) };
  return { name: 'notify', text: `select pg_notify('${channel}', $1)`, values: [JSON.stringify(payload)] };
}
