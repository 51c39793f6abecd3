import type { Writable } from 'node:stream';
import type pg from 'pg';
import type { Address } from './address.ts';
import { sqlState } from './failure.ts';

export interface Statement {
  /** Prepared once per session under this name; without one it is not prepared. */
  name?: string;
  text: string;
  values?: unknown[];
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: each caller reads its rows in their own shape
  rows: any[];
  /** Rows that were changed or found. */
  count: number;
  /** The command tag, such as `COMMIT`. */
  command: string;
}

/** Time-outs, milliseconds. The server's are shorter than the client's, so that its error arrives where it can send one. */
export const timeouts = {
  connect: 5000,
  /** A lock that another node holds. */
  lock: 5000,
  statement: 6000,
  /** A node that was paused inside a transaction must not block the others for longer. */
  idleInTransaction: 5000,
  /** The client's own limit, because a server that hangs enforces none. */
  answer: 7000,
} as const;

/** One connection. Statements that are sent together share a network write and run in order. */
export interface Session {
  /** The pid of the server process behind it. */
  pid: number;
  alive(): boolean;
  /** Resolves when the connection is gone. */
  ended: Promise<void>;
  /** Rejects with the first failure. Without an answer in time the connection is closed. */
  send(statements: readonly Statement[]): Promise<Answer[]>;
  close(): Promise<void>;
}

export type Connect = (options?: {
  /** Called for each notification that the session listens to. */
  onNotice?: (pid: number, payload: string) => void;
  /** No time-outs for answers; for migrations. */
  patient?: boolean;
  /** Joins everything that is sent in one turn of the event loop into one write, which waits for the turn's end; for many small reads. */
  gather?: boolean;
}) => Promise<Session>;

/** The library is large, so it is loaded only when a server is configured. */
export async function loadLibrary(): Promise<typeof pg> {
  return (await import('pg')).default;
}

function clientConfig(address: Address, types: pg.CustomTypesConfig): pg.ClientConfig {
  return {
    connectionString: address.url,
    application_name: 'tocsin',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: timeouts.connect,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    query_timeout: timeouts.answer,
    types,
  };
}

/** Parses bigint as a number: all values stored here stay far below 2^53. */
function typesOf(library: typeof pg): pg.CustomTypesConfig {
  const int8 = 20;
  return {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === int8 ? Number : library.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  };
}

/**
 * Settings that a server, a database or a role may have with other defaults: texts are UTF-8, and a commit waits for the disk. Documents
 * are compressed with lz4 where the server has it: compressing them with pglz takes longer than everything else in a commit.
 */
const settings = `
  set client_encoding = 'UTF8';
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
  select set_config(name, 'lz4', false) from pg_settings where name = 'default_toast_compression' and 'lz4' = any(enumvals)`;

const unlimited = {
  query_timeout: 0,
  statement_timeout: 0,
  lock_timeout: 0,
  idle_in_transaction_session_timeout: 0,
} as const;

export function createConnect(library: typeof pg, address: Address): Connect {
  const types = typesOf(library);
  return async ({ onNotice, patient = false, gather = false } = {}) => {
    const limits = patient ? unlimited : {};
    const client = new library.Client({
      ...clientConfig(address, types),
      ...limits,
      pipeline: true,
    } as pg.ClientConfig);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    let alive = true;
    const end = () => {
      alive = false;
      resolve();
    };
    // An error of an idle connection ends it. A statement under way rejects with its own error.
    client.on('error', end);
    client.on('end', end);
    if (onNotice !== undefined) client.on('notification', notice => onNotice(notice.processId, notice.payload ?? ''));
    try {
      await client.connect();
      await client.query(settings);
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return {
      pid: (client as unknown as { processID: number }).processID,
      alive: () => alive,
      ended,
      send: statements => sendAll(client, statements, gather),
      async close() {
        end();
        await client.end().catch(() => {});
      },
    };
  };
}

async function sendAll(client: pg.Client, statements: readonly Statement[], gather: boolean): Promise<Answer[]> {
  const settled = await Promise.allSettled(writeAll(client, statements, gather));
  // After the first failure the server refuses the rest of the transaction (25P02), so those errors are not the cause.
  const failures = settled.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
  const failure = failures.find(error => sqlState(error) !== '25P02') ?? failures[0];
  if (failure !== undefined) throw failure;
  return settled.flatMap(result =>
    result.status === 'fulfilled'
      ? [{ rows: result.value.rows, count: result.value.rowCount ?? 0, command: result.value.command }]
      : [],
  );
}

/** Without cork() each statement would be a system call and a packet of its own. */
function writeAll(client: pg.Client, statements: readonly Statement[], gather: boolean) {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  stream.cork();
  try {
    return statements.map(statement => client.query(statement));
  } finally {
    if (gather) setImmediate(() => stream.uncork());
    else stream.uncork();
  }
}
