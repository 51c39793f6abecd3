import { longestSample } from '../sql/records.ts';
import { type Element, type ElementType, encodeArray } from './arrays.ts';
import type { Statement } from './session.ts';

/** The columns of a text that may be packed. */
const packed = { codec: 'int8', size: 'int8', packed: 'bytea' } as const;

/** The columns of each table that is written in bulk, in the order of its parameters. */
export const columnsOf = {
  journal: {
    seq: 'int8',
    stream: 'text',
    pos: 'int8',
    kind: 'text',
    bytes: 'text',
    prev: 'text',
    hash: 'text',
    ...packed,
  },
  claim: { space: 'text', key: 'text', at: 'int8', until: 'int8' },
  lease: { name: 'text', holder: 'text', token: 'int8', until: 'int8' },
  alert: {
    id: 'text',
    source: 'text',
    fingerprint: 'text',
    state: 'text',
    first_seen: 'int8',
    version: 'int8',
    doc: 'text',
    ...packed,
    base: 'int8',
    severity: 'text',
    starts_at: 'int8',
    last_seen: 'int8',
    acked: 'int8',
    title: 'text',
    labels: 'text',
    found: 'int8',
  },
  run: {
    id: 'text',
    runbook: 'text',
    alert: 'text',
    parent: 'text',
    state: 'text',
    created_at: 'int8',
    wake_at: 'int8',
    version: 'int8',
    doc: 'text',
  },
  auto_run: { runbook: 'text', target: 'text', at: 'int8', run: 'text' },
  approval: {
    id: 'text',
    run: 'text',
    state: 'text',
    created_at: 'int8',
    expires_at: 'int8',
    version: 'int8',
    doc: 'text',
  },
  document: {
    id: 'text',
    kind: 'text',
    state: 'text',
    at: 'int8',
    due: 'int8',
    key: 'text',
    other: 'text',
    version: 'int8',
    doc: 'text',
  },
  letter: { id: 'text', source: 'text', state: 'text', first_at: 'int8', version: 'int8', doc: 'text' },
  post: {
    platform: 'text',
    key: 'text',
    channel: 'text',
    thread: 'text',
    ord: 'int8',
    wanted: 'int8',
    delivered: 'int8',
    changed: 'int8',
    doc: 'text',
    ...packed,
    base: 'int8',
  },
  look: { alert: 'text', doc: 'text' },
  cursor: { name: 'text', value: 'int8' },
  memo: { name: 'text', value: 'text' },
  output: { run: 'text', seq: 'int8', step: 'text', doc: 'text', ...packed },
  tally: {
    source: 'text',
    rule: 'text',
    key: 'text',
    bucket: 'int8',
    value: 'text',
    n: 'int8',
    arrived: 'int8',
    until: 'int8',
    sample: 'text',
  },
  sighting: { source: 'text', rule: 'text', key: 'text', at: 'int8' },
  blob: { digest: 'text', bytes: 'bytea', at: 'int8', codec: 'int8', size: 'int8', base: 'int8' },
  delivery: { source: 'text', ring: 'text', id: 'text', at: 'int8', first: 'int8', count: 'int8', doc: 'text' },
  delivery_count: { source: 'text', what: 'text', count: 'int8', at: 'int8' },
  recording: { id: 'text', at: 'int8', doc: 'text' },
  recorded: { recording: 'text', number: 'int8', doc: 'text', body: 'bytea' },
} as const satisfies Record<string, Record<string, ElementType>>;

export type BulkTable = keyof typeof columnsOf;
export type BulkRow<T extends BulkTable> = Record<keyof (typeof columnsOf)[T], Element>;

/** The key columns of an upsert. A table not listed here refuses a second row with the same key; `keep` leaves the first row as it is. */
const replaced: Partial<Record<BulkTable, readonly string[] | 'keep'>> = {
  claim: ['space', 'key'],
  lease: ['name'],
  alert: ['id'],
  run: ['id'],
  approval: ['id'],
  document: ['id'],
  letter: ['id'],
  post: ['platform', 'key'],
  look: ['alert'],
  cursor: ['name'],
  memo: ['name'],
  auto_run: 'keep',
  blob: 'keep',
  sighting: 'keep',
};

/** What was counted is added to what is there. */
const addTallies = ` on conflict (source, rule, key, bucket, value) do update set n = tally.n + excluded.n,
  arrived = greatest(tally.arrived, excluded.arrived), until = greatest(tally.until, excluded.until),
  sample = case when length(tally.sample) < ${longestSample} then tally.sample || excluded.sample else tally.sample end`;

const texts = new Map<BulkTable, string>();

/** One insert for any number of rows; each column is one array. No key may occur twice in it, unless the table keeps the first row. */
export function insertRows<T extends BulkTable>(table: T, rows: readonly BulkRow<T>[]): Statement {
  const columns = Object.entries(columnsOf[table]) as [keyof BulkRow<T>, ElementType][];
  const text = texts.get(table) ?? insertText(table);
  texts.set(table, text);
  return {
    name: `insert-${table}`,
    text,
    values: columns.map(([column, type]) =>
      encodeArray(
        type,
        rows.map(row => row[column]),
      ),
    ),
  };
}

function insertText(table: BulkTable): string {
  const columns = Object.entries(columnsOf[table]);
  const names = columns.map(([name]) => `"${name}"`);
  const arrays = columns.map(([, type], index) => `$${index + 1}::${type}[]`);
  return `insert into "${table}" (${names.join()}) select * from unnest(${arrays.join()})${onConflict(table)}`;
}

function onConflict(table: BulkTable): string {
  if (table === 'tally') return addTallies;
  const key = replaced[table];
  if (key === undefined) return '';
  if (key === 'keep') return ' on conflict do nothing';
  const others = Object.keys(columnsOf[table]).filter(name => !key.includes(name));
  const set = others.map(name => `"${name}" = excluded."${name}"`);
  return ` on conflict (${key.map(name => `"${name}"`).join()}) do update set ${set.join()}`;
}
