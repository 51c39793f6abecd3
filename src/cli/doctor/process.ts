import { constants, existsSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Subject } from '../../app/overview/subjects.ts';
import { checkServers, serversOf } from '../../app/servers.ts';
import { systemClock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log.ts';
import { type NodeFacts, nodeFacts } from '../../model/node.ts';
import type { Finding } from '../../ports/check.ts';
import { isBusy } from '../../stores/sqlite/failure.ts';
import { readUrl } from '../environment.ts';
import type { Terminal } from '../terminal.ts';
import { findingOf, lookAtPostgres } from './postgres.ts';

/** How long the process may take to answer, milliseconds: with a database that hangs it answers after 5 s. */
const patience = 10_000;

/** Checks whether the database could be written, without creating, migrating or writing anything. */
export async function checkDatabase(folder: string, terminal: Terminal): Promise<Subject> {
  const { database, redis } = serversOf(terminal.env);
  const findings = await Promise.all([
    database === null ? lookAtSqlite(folder) : lookAtPostgres(database, systemClock.now),
    ...(redis === null ? [] : [lookAtRedis(redis, terminal)]),
  ]);
  return { title: 'database', findings: findings.flat() };
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

/** The same check as at a start: whether Redis answers, is new enough, and evicts no keys. */
async function lookAtRedis(url: string, terminal: Terminal): Promise<Finding> {
  const what = 'Redis at REDIS_URL';
  try {
    checkServers({ env: terminal.env });
    const { connectRedis } = await import('../../dispatchers/bullmq/parts/redis.ts');
    const link = await connectRedis(url, silentLog);
    const trouble = link.trouble();
    link.close();
    if (trouble === null) return { what, state: 'ok' };
    return { what, state: 'bad', because: trouble };
  } catch (error) {
    return findingOf(what, error);
  }
}

const readiness = z.object({
  ready: z.boolean(),
  draining: z.boolean(),
  parts: z.record(z.string(), z.string().nullable()),
  fleet: z.object({ nodes: z.array(nodeFacts), problems: z.array(z.string()) }).optional(),
});

/** The health of the running process. That none runs is no problem, because doctor is also for use before the start. */
export async function checkRunning(terminal: Terminal): Promise<Subject> {
  const url = readUrl(terminal.env);
  const title = `the Tocsin at ${url}`;
  try {
    const answer = await fetch(`${url}/readyz`, { redirect: 'error', signal: AbortSignal.timeout(patience) });
    const parsed = readiness.safeParse(await answer.json());
    if (!parsed.success) return { title, findings: [] };
    const { parts, draining, fleet } = parsed.data;
    const findings: Finding[] = Object.entries(parts).map(([what, because]) =>
      because === null ? { what, state: 'ok' } : { what, state: 'bad', because },
    );
    if (fleet !== undefined) findings.push(...findingsOfFleet(fleet.nodes, fleet.problems));
    return { title, findings: draining ? [...findings, { what: 'it is stopping', state: 'warning' }] : findings };
  } catch {
    return { title, findings: [] };
  }
}

/** One node alone is no fleet. */
function findingsOfFleet(nodes: readonly NodeFacts[], problems: readonly string[]): Finding[] {
  const up: Finding = { what: `${nodes.length} nodes are up: ${nodes.map(nameNode).join(', ')}`, state: 'ok' };
  const wrong = problems.map((because): Finding => ({ what: 'the nodes together', state: 'warning', because }));
  return nodes.length > 1 ? [up, ...wrong] : wrong;
}

function nameNode({ id, at, role }: NodeFacts): string {
  return at === '' ? `${id} (${role})` : `${id} on ${at} (${role})`;
}
