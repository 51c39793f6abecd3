/**
 * The reference for durable ingest: a small server of Fastify and zod that writes for each event as many rows as Tocsin does, as large, into
 * the same tables, and answers when they are on the disk. Requests that come together share a transaction. Prints its port.
 *
 * node bench/reference.ts ORDER.json, which is a ReferenceOrder
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import Fastify from 'fastify';
import pg from 'pg';
import { z } from 'zod';
import type { Column, TableRows } from './rows.ts';

export interface ReferenceOrder {
  token: string;
  tables: TableRows[];
  /** A file of SQLite with the statements that make the tables, or the address of a database that has them. */
  database: { kind: 'sqlite'; path: string; schema: string[] } | { kind: 'postgres'; address: string };
}

type Value = SQLInputValue;
type Insert = { table: string; names: string[]; rows: Value[][] };

const labels = z.record(z.string(), z.string());
const delivery = z.object({
  receiver: z.string(),
  status: z.enum(['firing', 'resolved']),
  version: z.literal('4'),
  groupKey: z.string(),
  truncatedAlerts: z.number(),
  groupLabels: labels,
  commonLabels: labels,
  commonAnnotations: labels,
  externalURL: z.string(),
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels,
      annotations: labels,
      startsAt: z.iso.datetime(),
      endsAt: z.iso.datetime(),
      generatorURL: z.string(),
      fingerprint: z.string(),
    }),
  ),
});

const order: ReferenceOrder = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const commit = order.database.kind === 'sqlite' ? openSqlite(order.database) : await openPostgres(order.database);
const write = groupCommit(commit);
let events = 0;

const app = Fastify();
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/events/alertmanager', async (request, reply) => {
  if (request.headers.authorization !== `Bearer ${order.token}`) return reply.code(401).send();
  const raw = request.body as Buffer;
  const { alerts } = delivery.parse(JSON.parse(raw.toString('utf8')));
  await Promise.all(alerts.map(alert => write(makeRows(raw, JSON.stringify(alert)))));
  return reply.code(202).send({ accepted: alerts.map(alert => ({ alert: alert.fingerprint })) });
});
await app.listen({ host: '127.0.0.1', port: 0 });
console.log(new URL(app.listeningOrigin).port);

function makeRows(raw: Buffer, doc: string): Insert[] {
  const number = ++events;
  const digest = createHash('sha256').update(raw).digest();
  return order.tables.map(({ table, rows }) => ({
    table,
    names: rows[0]?.map(column => column.name) ?? [],
    rows: rows.map((columns, index) =>
      columns.map(column => fill(column, { number: number * rows.length + index, raw, doc, digest })),
    ),
  }));
}

/** A value as large as the one that Tocsin wrote. What tells rows apart keeps its beginning: ids rise with time, digests do not. */
function fill(
  { value, unique }: Column,
  { number, raw, doc, digest }: { number: number; raw: Buffer; doc: string; digest: Buffer },
): Value {
  if (value.type === 'null') return null;
  if (value.type === 'number') return unique ? number : value.number;
  if (value.type === 'bytes') {
    const length = Buffer.byteLength(value.text, 'base64');
    if (unique) return digest.subarray(0, length);
    return length <= raw.length ? raw.subarray(0, length) : Buffer.concat([raw], length);
  }
  const { length } = value.text;
  if (!unique) return length > 200 ? doc.slice(0, length).padEnd(length) : value.text;
  if (/^[0-9a-f]{64}$/.test(value.text)) return digest.toString('hex');
  return value.text.slice(0, -12) + String(number).padStart(Math.min(12, length), '0');
}

/** What comes while a group is written is the next group. */
function groupCommit(commitAll: (events: readonly Insert[][]) => Promise<void>): (rows: Insert[]) => Promise<void> {
  let queue: { rows: Insert[]; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let working = false;
  async function work(): Promise<void> {
    while (queue.length > 0) {
      const group = queue;
      queue = [];
      await commitAll(group.map(one => one.rows)).then(
        () => group.forEach(one => void one.resolve()),
        error => group.forEach(one => void one.reject(error)),
      );
    }
    working = false;
  }
  return rows =>
    new Promise((resolve, reject) => {
      queue.push({ rows, resolve, reject });
      if (!working) setImmediate(work);
      working = true;
    });
}

/** With synchronous=FULL a commit returns when the log is on the disk. */
function openSqlite({ path, schema }: { path: string; schema: readonly string[] }) {
  const db = new DatabaseSync(path);
  db.exec('pragma page_size = 8192; pragma locking_mode = exclusive; pragma journal_mode = wal');
  db.exec('pragma synchronous = full; pragma cache_size = -16000; pragma wal_autocheckpoint = 1500');
  for (const statement of schema) db.exec(statement);
  const inserts = new Map(
    order.tables.map(({ table, rows }) => {
      const names = rows[0]?.map(column => column.name) ?? [];
      return [table, db.prepare(`insert into ${table} (${names}) values (${names.map(() => '?')})`)] as const;
    }),
  );
  return async (group: readonly Insert[][]): Promise<void> => {
    db.exec('begin immediate');
    for (const { table, rows } of group.flat()) for (const row of rows) inserts.get(table)?.run(...row);
    db.exec('commit');
    // Lets what came meanwhile in, so that it is one group.
    await new Promise(resolve => setImmediate(resolve));
  };
}

/** One statement for a group, with an insert of many rows for each table: one way there and back, and one sync. */
async function openPostgres({ address }: { address: string }) {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  return async (group: readonly Insert[][]): Promise<void> => {
    const values: Value[] = [];
    const inserts = order.tables.map(({ table, rows: [first = []] }, index) => {
      const rows = group.flatMap(inserted => inserted[index]?.rows ?? []);
      const marks = rows.map(row => `(${row.map(value => `$${values.push(value)}`)})`);
      return `i${index} as (insert into ${table} (${first.map(column => column.name)}) values ${marks})`;
    });
    await client.query(`with ${inserts.join(', ')} select`, values);
  };
}
