import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { checkServers, serversOf } from '../app/servers.ts';
import { messageOf, TocsinError } from '../kernel/errors.ts';
import { silentLog } from '../kernel/log.ts';
import type { Finding } from '../ports/check.ts';
import { isBusy } from '../stores/sqlite/failure.ts';
import type { Subject } from './doctor-subjects.ts';
import { readUrl } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** How long a process or a database may take to answer, milliseconds. */
const patience = 5000;

/** Whether the database could be written, without writing to it: nothing is made, nothing is migrated. */
export async function checkDatabase(folder: string, terminal: Terminal): Promise<Subject> {
  const { database, redis } = serversOf(terminal.env);
  const findings = await Promise.all([
    database === null ? lookAtSqlite(folder) : lookAtPostgres(database),
    ...(redis === null ? [] : [lookAtRedis(redis, terminal)]),
  ]);
  return { title: 'database', findings };
}

async function lookAtSqlite(folder: string): Promise<Finding> {
  const path = join(folder, 'tocsin.db');
  const what = `SQLite in ${folder}`;
  try {
    if (!existsSync(path)) {
      const nearest = nearestFolder(folder);
      if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is no folder`);
      await access(nearest, constants.W_OK);
      return { what: `${what}, which the first start makes`, state: 'ok' };
    }
    await access(path, constants.W_OK);
    const db = new DatabaseSync(path, { timeout: 500 });
    try {
      db.exec('begin immediate; rollback');
    } finally {
      db.close();
    }
    return { what, state: 'ok' };
  } catch (error) {
    if (isBusy(error)) return { what: `${what}, held by a running Tocsin`, state: 'ok' };
    const remedy =
      'Give this user write access to the folder, or set TOCSIN_DATA to another; see whether the disk is full.';
    return { what, state: 'bad', because: messageOf(error), remedy };
  }
}

function nearestFolder(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** The same look as a start takes: whether it answers, is new enough, and may drop no keys. */
async function lookAtRedis(url: string, terminal: Terminal): Promise<Finding> {
  const what = 'Redis at REDIS_URL';
  try {
    checkServers({ env: terminal.env });
    const { connectRedis } = await import('../dispatchers/bullmq/parts/redis.ts');
    const link = await connectRedis(url, silentLog);
    const trouble = link.trouble();
    link.close();
    if (trouble === null) return { what, state: 'ok' };
    return { what, state: 'bad', because: trouble, remedy: 'See whether the server is up and reachable from here.' };
  } catch (error) {
    const remedy = error instanceof TocsinError ? { remedy: error.remedy } : {};
    return { what, state: 'bad', because: messageOf(error), ...remedy };
  }
}

const server = z.object({ standby: z.boolean(), may: z.boolean() });

async function lookAtPostgres(url: string): Promise<Finding> {
  const what = 'PostgreSQL at DATABASE_URL';
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: patience, query_timeout: patience });
  // A connection that breaks after its failure was told must not end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      "select pg_is_in_recovery() as standby, has_schema_privilege(current_schema(), 'create') as may",
    );
    const found = server.parse(rows[0]);
    if (found.standby)
      return { what, state: 'bad', because: 'it is a standby', remedy: 'Name the primary in DATABASE_URL.' };
    if (found.may) return { what, state: 'ok' };
    return {
      what,
      state: 'bad',
      because: 'its user may not make tables',
      remedy: 'Grant create on the schema to the user, or use another.',
    };
  } catch (error) {
    const remedy = 'See whether the server is up and reachable from here, and the user and password in DATABASE_URL.';
    return { what, state: 'bad', because: messageOf(error), remedy };
  } finally {
    await client.end().catch(() => {});
  }
}

const readiness = z.object({
  ready: z.boolean(),
  draining: z.boolean(),
  parts: z.record(z.string(), z.string().nullable()),
});

/** What the process that runs says of itself; nothing when none does, because doctor is for before the start, too. */
export async function checkRunning(terminal: Terminal): Promise<Subject> {
  const url = readUrl(terminal.env);
  const title = `the Tocsin at ${url}`;
  try {
    const answer = await fetch(`${url}/readyz`, { redirect: 'error', signal: AbortSignal.timeout(patience) });
    const parsed = readiness.safeParse(await answer.json());
    if (!parsed.success) return { title, findings: [] };
    const { parts, draining } = parsed.data;
    const findings: Finding[] = Object.entries(parts).map(([what, because]) =>
      because === null ? { what, state: 'ok' } : { what, state: 'bad', because },
    );
    return { title, findings: draining ? [...findings, { what: 'it is stopping', state: 'warning' }] : findings };
  } catch {
    return { title, findings: [] };
  }
}
