/**
 * `npm run bench -- door`: durable ingest on SQLite and on PostgreSQL against a reference that writes the same rows and bytes (reference.ts),
 * and against Node's bare server, with the same client and events in one run. Exits with 1 when a target is missed. `-- door sqlite` measures
 * only that; --quick is short; --sockets makes the load with plain sockets instead of Node's client, so that the comparison is harder.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPostgres, type Postgres, startPostgres } from '../test/real/postgres.ts';
import { timeFsync } from './disk.ts';
import type { LoadOrder, LoadReport } from './load.ts';
import { load, processorTimeOf, type Running, startProgram, startTocsin } from './processes.ts';
import type { ReferenceOrder } from './reference.ts';
import { atLeast, below, type Line, middle, notMeasured, printLines } from './report.ts';
import { bytesOf, postgresRows, sqliteRows, type TableRows } from './rows.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const client: LoadOrder['client'] = process.argv.includes('--sockets') ? 'sockets' : 'http';
const connections = 64;
const rounds = quick ? 1 : 5;
const seconds = quick ? 2 : 3;
const nodeOptions = process.env['BENCH_NODE']?.split(' ') ?? [];

const files = {
  'tocsin.yaml': `sources:\n  alertmanager: { token: "\${BENCH_TOKEN}" }\npeople:\n  you: {}\n`,
  'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
};

const parts: Record<string, () => Promise<Line[]>> = { sqlite: measureSqlite, postgres: measurePostgres };
const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
const folder = await mkdtemp(join(tmpdir(), 'tocsin-door-'));
const lines = [below('an fsync of this disk (median)', timeFsync(folder), null, 'ms')];
try {
  for (const [name, measure] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure()));
} finally {
  await rm(folder, { recursive: true, force: true });
}
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureSqlite(): Promise<Line[]> {
  const trial = await startTocsin({ files, env: { BENCH_TOKEN: token } });
  const events = await sendTrial(trial);
  await trial.stop();
  const { tables, schema } = await sqliteRows(join(trial.folder, 'data'), events);
  await trial.close();
  const tocsin = await startTocsin({ files, env: { BENCH_TOKEN: token }, nodeOptions });
  const database = { kind: 'sqlite' as const, path: join(folder, 'reference.db'), schema };
  return await compare(tocsin, { token, tables, database }, 'SQLite', { reference: 0.75, bare: 0.3 });
}

async function measurePostgres(): Promise<Line[]> {
  if (findPostgres() === null)
    return [
      notMeasured('durable ingest on PostgreSQL', 'PostgreSQL is not installed; scripts/setup-test.sh installs it'),
    ];
  // With fsync, as in production.
  const server = await startPostgres({ shared_buffers: '128MB' });
  try {
    return await measureOn(server);
  } finally {
    await server.destroy();
  }
}

async function measureOn(server: Postgres): Promise<Line[]> {
  const first = await server.database();
  const trial = await startTocsin({ files, env: { BENCH_TOKEN: token, DATABASE_URL: first } });
  const events = await sendTrial(trial);
  await trial.close();
  const tables = await postgresRows(first, events);
  const name = new URL(first).pathname.slice(1);
  await server.ask(`create database reference template ${name}`);
  await server.ask(`truncate ${tables.map(({ table }) => table)}`, 'reference');
  const tocsin = await startTocsin({
    ...{ files, nodeOptions },
    env: { BENCH_TOKEN: token, DATABASE_URL: await server.database() },
  });
  const database = { kind: 'postgres' as const, address: server.address('reference') };
  return await compare(tocsin, { token, tables, database }, 'PostgreSQL', { reference: 0.7, bare: 0.25 });
}

/** Sends events for a while, and waits until what follows from them is written too. Resolves to their number. */
async function sendTrial(tocsin: Running): Promise<number> {
  const report = await load({ ...orderFor(tocsin), seconds: 1, first: 0 });
  await sleep(3000);
  return report.answered;
}

function orderFor({ port }: Running) {
  return { client, port, path: '/events/alertmanager', connections, headers: { Authorization: `Bearer ${token}` } };
}

/** Rounds of all alternate, so that other load on the machine affects all. All alerts are new. */
async function compare(
  tocsin: Running,
  order: ReferenceOrder,
  where: string,
  least: { reference: number; bare: number },
): Promise<Line[]> {
  console.log(`      ${where}, for each event: ${showRows(order.tables)}`);
  const file = join(folder, 'order.json');
  await writeFile(file, JSON.stringify(order));
  const bare = await startProgram('bare.ts');
  const reference = await startProgram('reference.ts', file);
  const servers = { bare, reference, tocsin };
  const next: Record<string, number> = {};
  const reports: Record<string, Report[]> = { bare: [], reference: [], tocsin: [] };
  try {
    for (let round = -1; round < rounds; round++)
      for (const [name, server] of Object.entries(servers)) {
        const report = await costOf(server, { ...orderFor(server), seconds, first: next[name] ?? 0 });
        next[name] = report.next;
        if (Object.keys(report.statuses).join() !== '202')
          throw new Error(`${name} answered otherwise: ${JSON.stringify(report.statuses)}`);
        // The first round warms up.
        if (round < 0) continue;
        reports[name]?.push(report);
        console.log(`      ${name.padEnd(9)} ${showReport(report)}`);
      }
  } finally {
    for (const server of Object.values(servers)) await server.close();
  }
  return linesOf(reports, where, least);
}

function linesOf(
  { tocsin = [], reference = [], bare = [] }: Record<string, Report[]>,
  where: string,
  least: { reference: number; bare: number },
): Line[] {
  const ratio = (other: readonly Report[], figure: (report: Report) => number) =>
    middle(tocsin.map((report, round) => figure(report) / figure(other[round] ?? report)));
  const [rate, cost] = [(report: Report) => report.perSecond, (report: Report) => 1 / report.cost];
  const processor = `      processor time for each answer, ${where}: ${ratio(reference, cost).toFixed(2)} of the reference, ${ratio(bare, cost).toFixed(2)} of bare node:http`;
  console.log(processor);
  const what = `durable ingest on ${where}, ${connections} connections`;
  return [
    atLeast(`${what}, of a reference with the same rows`, ratio(reference, rate), least.reference),
    atLeast(`${what}, of bare node:http`, ratio(bare, rate), least.bare),
    below(`p99 of an answer under that load, ${where}`, middle(tocsin.map(report => report.p99)), 60, 'ms'),
  ];
}

function showRows(tables: readonly TableRows[]): string {
  const rows = tables.map(({ table, rows }) => `${rows.length} ${table}`).join(', ');
  return `${rows}; ${(bytesOf(tables) / 1000).toFixed(1)} KB`;
}

type Report = LoadReport & { cost: number };

/** Runs a load and adds its cost: processor microseconds of the server for each answer. */
async function costOf(server: Running, order: LoadOrder): Promise<Report> {
  const before = await processorTimeOf(server.pid);
  const report = await load(order);
  return { ...report, cost: ((await processorTimeOf(server.pid)) - before) / report.answered };
}

function showReport({ perSecond, p50, p99, worst, cost }: Report): string {
  return `${perSecond.toFixed(0)}/s, ${cost.toFixed(0)} µs processor each, p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} worst ${worst.toFixed(0)} ms`;
}
