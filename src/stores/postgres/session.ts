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
  // biome-ignore lint/suspicious/noExplicitAny: rows are looked at by who asked, each in its own shape
  rows: any[];
  /** Rows that were changed or found; the word that the server says for the command. */
  count: number;
  command: string;
}

/** Milliseconds. What the server enforces comes before what is enforced here, so that its word is heard where it can speak. */
export const timeouts = {
  connect: 5000,
  /** A lock that another node holds. */
  lock: 5000,
  statement: 6000,
  /** A node that was paused in a transaction must not hold the others up for longer. */
  idleInTransaction: 5000,
  /** A server that hangs does not enforce anything. */
  answer: 7000,
} as const;

/** One connection. Statements that are sent together travel together and are done in order. */
export interface Session {
  /** The server's process that serves it. */
  pid: number;
  alive(): boolean;
  /** Resolves when the connection is gone. */
  ended: Promise<void>;
  /** Rejects with the first failure; the connection is gone when there was no answer in time. */
  send(statements: readonly Statement[]): Promise<Answer[]>;
  close(): Promise<void>;
}

export type Connect = (options?: {
  /** Called for each notification that the session listens to. */
  onNotice?: (pid: number, payload: string) => void;
  /** Waits for answers for as long as they take: for migrations. */
  patient?: boolean;
  /** Lets everything that is sent in one turn of the loop travel together, at the price of the rest of that turn: for many small reads. */
  gather?: boolean;
}) => Promise<Session>;

/** The library is heavy, so it is loaded when a server is configured. */
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

/** bigint as a number: what is counted here stays far below 2^53. */
function typesOf(library: typeof pg): pg.CustomTypesConfig {
  const int8 = 20;
  return {
    getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
      oid === int8 ? Number : library.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
  };
}

/**
 * What a server, a database or a role may have been told otherwise: texts are UTF-8, and what is committed is on disk. Documents are
 * compressed with lz4 where the server has it: its own pglz takes longer for them than everything else in a commit.
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
    // An error of an idle connection is its end; a statement that was under way tells its own.
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
  // After the first failure of a transaction the server refuses the rest of it (25P02), which says nothing.
  const failures = settled.flatMap(result => (result.status === 'rejected' ? [result.reason] : []));
  const failure = failures.find(error => sqlState(error) !== '25P02') ?? failures[0];
  if (failure !== undefined) throw failure;
  return settled.flatMap(result =>
    result.status === 'fulfilled'
      ? [{ rows: result.value.rows, count: result.value.rowCount ?? 0, command: result.value.command }]
      : [],
  );
}

/** Each statement alone would be a call of the system, and a packet; corked they are one. */
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
