/**
 * `npm run bench -- large`: Tocsin on a database of 10 million entries beside one of 100,000 that was made in the same way: copies of what
 * Tocsin itself wrote about some alerts (bulk/). Measures both processes in turns. Takes about half an hour and 25 GB below the folder
 * for temporary files; `--entries N` for another size, `--folder F` keeps the databases there for the next time.
 */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeDatabase } from './bulk/database.ts';
import { env, files, makeSpecimen } from './bulk/specimen.ts';
import { load, memoryOf, processorTimeOf, type Running, startTocsin } from './processes.ts';
import { type Line, middle, printLines } from './report.ts';
import { token } from './token.ts';

const { values } = parseArgs({
  options: { entries: { type: 'string' }, folder: { type: 'string' }, quick: { type: 'boolean' } },
});
const quick = values.quick === true;
const sizes = [100_000, Number(values.entries ?? 10_000_000)] as const;
const rounds = quick ? 3 : 10;

/** A database, the process on it, and what is in it. */
interface Side {
  data: string;
  ids: { alert: string; run: string; head: number };
  process: Running & { stop(): Promise<void>; close(): Promise<void> };
}

const keep = values.folder !== undefined;
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'tocsin-bench-large-')));
const sides: Side[] = [];
try {
  const made = [];
  for (const size of sizes) made.push(await prepare(size));
  const starts = await measureStarts(made.map(({ data }) => data));
  for (const one of made) sides.push({ ...one, process: await start(one.data) });
  // The scrapes come first: the page of the journal verifies too.
  const lines = [starts, await measureMetrics(), ...(await measurePages()), ...(await measureIngest())];
  for (const { process: one, data } of sides)
    console.log(`      memory ${(await memoryOf(one.pid)).toFixed(0)} MB, ${data}`);
  printLines(lines);
  process.exitCode = lines.every(line => line.reached) ? 0 : 1;
} finally {
  for (const side of sides) await side.process.close();
  if (!keep) await rm(folder, { recursive: true, force: true });
}

/** Makes the database unless it is there. */
async function prepare(entries: number): Promise<Pick<Side, 'data' | 'ids'>> {
  const data = join(folder, `${entries}`);
  const note = join(data, 'ids.json');
  const known = await readFile(note, 'utf8').catch(() => null);
  if (known !== null) return { data, ids: JSON.parse(known) };
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  const began = performance.now();
  const ids = await writeDatabase(data, await makeSpecimen(), entries);
  const { size } = await stat(join(data, 'tocsin.db'));
  const seconds = (performance.now() - began) / 1000;
  console.log(`      ${ids.head} entries written in ${seconds.toFixed(0)} s, ${(size / 1e9).toFixed(2)} GB`);
  await writeFile(note, JSON.stringify(ids));
  return { data, ids };
}

function start(data: string) {
  return startTocsin({ files, env: { ...env, TOCSIN_DATA: data } });
}

async function measureStarts(folders: readonly string[]): Promise<Line> {
  const times = folders.map((): number[] => []);
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const [index, data] of inTurns(folders, round)) {
      const one = await start(data);
      times[index]?.push(one.readyAfter);
      await one.close();
    }
  }
  return compare('start until /readyz answers 200', times, 'ms');
}

async function measurePages(): Promise<Line[]> {
  const paths: Record<string, (ids: Side['ids']) => string> = {
    'page /': () => '/',
    'page of a channel': () => '/channels/alerts',
    'page of a thread': ({ alert }) => `/threads/alert/${alert}/1`,
    'page of alerts': () => '/alerts',
    'page of one alert': ({ alert }) => `/alerts/${alert}`,
    'page of runs': () => '/runs',
    'page of one run': ({ run }) => `/runs/${run}`,
    'page of the journal': () => '/journal',
    'page of approvals': () => '/approvals',
    'page of sources': () => '/sources',
    'API: newest alerts': () => '/api/v1/alerts',
    'API: alerts that fire': () => '/api/v1/alerts?state=firing',
    'API: runs of an alert': ({ alert }) => `/api/v1/runs?alert=${alert}`,
    'API: runs that succeeded': () => '/api/v1/runs?state=succeeded',
    'API: runs of a runbook': () => '/api/v1/runs?runbook=bench',
    'API: journal from the middle': ({ head }) => `/api/v1/journal?after=${Math.floor(head / 2)}&limit=100`,
    '/readyz': () => '/readyz',
  };
  const lines: Line[] = [];
  for (const [what, path] of Object.entries(paths)) lines.push(await measureRequests(what, path, 3 * rounds));
  return lines;
}

/** Early scrapes, which all verify 5,000 entries: later ones have nothing left to verify where there are few. */
async function measureMetrics(): Promise<Line> {
  return await measureRequests('/metrics', () => '/metrics', 5);
}

async function measureRequests(what: string, path: (ids: Side['ids']) => string, count: number): Promise<Line> {
  const times = sides.map((): number[] => []);
  for (let round = -2; round < count; round++) {
    for (const [index, side] of inTurns(sides, round)) {
      const began = performance.now();
      const answer = await fetch(`http://127.0.0.1:${side.process.port}${path(side.ids)}`);
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${path(side.ids)} answered ${answer.status}`);
      if (round >= 0) times[index]?.push(performance.now() - began);
    }
  }
  return compare(what, times, 'ms');
}

async function measureIngest(): Promise<Line[]> {
  const order = {
    client: 'http' as const,
    path: '/events/alertmanager',
    connections: 64,
    seconds: quick ? 2 : 4,
    headers: { Authorization: `Bearer ${token}` },
  };
  const next = sides.map(() => Date.now() % 1e9);
  const [rates, costs] = [sides.map((): number[] => []), sides.map((): number[] => [])];
  for (let round = -1; round < (quick ? 1 : 5); round++) {
    for (const [index, { process: one }] of inTurns(sides, round)) {
      const before = await processorTimeOf(one.pid);
      const report = await load({ ...order, port: one.port, first: next[index] ?? 0 });
      const cost = ((await processorTimeOf(one.pid)) - before) / report.answered;
      if (Object.keys(report.statuses).join() !== '202') throw new Error(JSON.stringify(report.statuses));
      next[index] = report.next;
      // What was accepted is followed by threads for a while.
      await sleep(1000);
      if (round < 0) continue;
      rates[index]?.push(report.perSecond);
      costs[index]?.push(cost);
    }
  }
  return [compare('events taken', rates, '/s'), compare('processor time of an event', costs, 'µs')];
}

/** Each with its index, the other one first in every second round: what runs beside them on the machine is then no advantage of one. */
function inTurns<T>(all: readonly T[], round: number): [number, T][] {
  const pairs = [...all.entries()];
  return round % 2 === 0 ? pairs : pairs.reverse();
}

/** The large database beside the small one; what takes up to twice as long, or comes half as often, is as with the small one. */
function compare(what: string, values: readonly number[][], unit: 'ms' | '/s' | 'µs'): Line {
  const [small = Number.NaN, large = Number.NaN] = values.map(middle);
  const ratio = unit === '/s' ? small / large : large / small;
  const show = (value: number) => `${value.toFixed(unit === 'ms' ? 1 : 0)} ${unit}`;
  console.log(`      ${what.padEnd(52)} ${show(small).padStart(12)} ${show(large).padStart(12)}`);
  return { what: `${what}, times as long`, value: ratio, shown: ratio.toFixed(2), target: '< 2', reached: ratio < 2 };
}
