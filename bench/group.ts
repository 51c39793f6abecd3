/**
 * `npm run bench -- group`: one body of Alertmanager with 5,000 alerts (21 MB) against JSON.parse of it plus one SQLite transaction of the
 * rows that it made, unpacked, in one run on this machine. It also prints the longest block of the event loop and the memory. Exits with 1 when a
 * target is missed. --quick does not wait for a minute before it looks at the memory again.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { codecs, unpack } from '../src/stores/sql/codec.ts';
import { memoryOf, type Running, startTocsin } from './processes.ts';
import { type Line, middle, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 3;
const alerts = 5000;
const config = 'sources:\n  alertmanager: { token: "${BENCH_TOKEN}" }\npeople:\n  you: {}\n';
const mega = 1e6;

interface Round {
  ratio: number;
  block: number;
  blockAfter: number;
  peak: number;
  left: number;
}

const measured: Round[] = [];
for (let round = 1; round <= rounds; round++) measured.push(await measureGroup(round === rounds));
const lines = linesOf(measured);
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

/** A new process each time, so that every alert is new and its memory is that of one group. Only the last one waits for a minute. */
async function measureGroup(last: boolean): Promise<Round> {
  const body = groupText();
  const loopFile = join(tmpdir(), `tocsin-bench-loop-${process.pid}`);
  const tocsin = await startTocsin({
    files: { 'tocsin.yaml': config },
    env: { BENCH_TOKEN: token, BENCH_LOOP: loopFile },
    nodeOptions: [
      ...(process.env['BENCH_NODE']?.split(' ').filter(Boolean) ?? []),
      '--import',
      new URL('./loop.ts', import.meta.url).href,
    ],
  });
  try {
    await sleep(5000);
    await longestBlock(tocsin, loopFile);
    const before = await memoryOf(tocsin.pid);
    await resetPeak(tocsin.pid);
    const took = await sendGroup(tocsin, body);
    const block = await longestBlock(tocsin, loopFile);
    await sleep(quick || !last ? 5000 : 60_000);
    const blockAfter = await longestBlock(tocsin, loopFile);
    const size = Buffer.byteLength(body) / mega;
    const peak = (await peakOf(tocsin.pid)) - before;
    const after = await memoryOf(tocsin.pid);
    const bare = await bareTime(body, join(tocsin.folder, 'data'));
    console.log(
      `      ${size.toFixed(1)} MB in ${took.toFixed(0)} ms, bare ${bare.toFixed(0)} ms; block ${block} ms, afterwards ${blockAfter} ms; memory ${before.toFixed(0)} MB, peak ${(before + peak).toFixed(0)} MB, in the end ${after.toFixed(0)} MB`,
    );
    return { ratio: took / bare, block, blockAfter, peak: peak / size, left: (after - before) / size };
  } finally {
    await tocsin.close();
  }
}

function linesOf(rows: readonly Round[]): Line[] {
  const [ratio, block, after, peak, left] = [
    middle(rows.map(row => row.ratio)),
    middle(rows.map(row => row.block)),
    middle(rows.map(row => row.blockAfter)),
    middle(rows.map(row => row.peak)),
    rows.at(-1)?.left ?? Number.NaN,
  ];
  return [
    {
      what: `a group of ${alerts} alerts against JSON.parse and one transaction`,
      value: ratio,
      shown: ratio.toFixed(2),
      target: '<= 4',
      reached: ratio <= 4,
    },
    {
      what: 'longest block of the event loop until the answer',
      value: block,
      shown: `${block.toFixed(0)} ms`,
      target: '<= 50 ms',
      reached: block <= 50,
    },
    {
      what: 'longest block while its threads are made',
      value: after,
      shown: `${after.toFixed(0)} ms`,
      target: '<= 50 ms',
      reached: after <= 50,
    },
    {
      what: 'growth of memory over the size of the body, at its peak',
      value: peak,
      shown: peak.toFixed(1),
      target: '<= 6',
      reached: peak <= 6,
    },
    {
      what: 'what is left of it after a minute, in bodies',
      value: left,
      shown: left.toFixed(1),
      // Caches of the database and compiled code stay; they do not grow with the next group.
      target: '<= 4',
      reached: quick || left <= 4,
    },
  ];
}

async function sendGroup({ port }: Running, body: string): Promise<number> {
  const sent = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  });
  const { accepted } = (await answer.json()) as { accepted?: unknown[] };
  const took = performance.now() - sent;
  if (answer.status !== 202 || accepted?.length !== alerts) throw new Error(`answered ${answer.status}`);
  return took;
}

/** JSON.parse of the body, then the rows that Tocsin made of it in one transaction of a new database with the same tables. */
async function bareTime(body: string, folder: string): Promise<number> {
  // Its owner has the database locked, so a copy is read.
  for (const end of ['', '-wal']) await copyFile(join(folder, `tocsin.db${end}`), join(folder, `copy.db${end}`));
  const made = new DatabaseSync(join(folder, 'copy.db'));
  const tables = {
    journal: `select * from journal where kind = 'event.accepted'`,
    alert: 'select * from alert',
    blob: 'select * from blob',
  };
  const read = (query: string) => made.prepare(query).all() as Record<string, SQLInputValue>[];
  const entries = new Map<SQLInputValue, string>();
  for (const row of read(tables.journal)) entries.set(row['seq'] ?? null, textOf(row, 'bytes', null));
  const rows = Object.entries(tables).map(([table, query]) => [table, read(query).map(toPlain)] as const);
  /** Without packing and references, as a program writes its documents that does nothing about their size. */
  function toPlain(row: Record<string, SQLInputValue>): Record<string, SQLInputValue> {
    if (row['codec'] === codecs.plain) return row;
    const column = 'bytes' in row ? 'bytes' : 'doc';
    const text = textOf(row, column, entries.get(row['base'] ?? null) ?? null);
    const value = row[column] instanceof Uint8Array ? Buffer.from(text, 'latin1') : text;
    const plain: Record<string, SQLInputValue> = { ...row, [column]: value, codec: codecs.plain, size: 0 };
    for (const reference of ['packed', 'base']) if (reference in row) plain[reference] = null;
    return plain;
  }
  const schema = made
    .prepare(`select sql from sqlite_master where tbl_name in ('journal', 'alert', 'blob') and sql is not null`)
    .all();
  made.close();
  const bare = new DatabaseSync(join(folder, 'bare.db'));
  bare.exec('pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full');
  for (const row of schema) bare.exec(String(row['sql']));
  const inserts = rows.map(([table, list]) => {
    const columns = Object.keys(list[0] ?? {});
    const marks = columns.map(() => '?').join();
    return [bare.prepare(`insert into ${table} (${columns.join()}) values (${marks})`), list] as const;
  });
  const began = performance.now();
  JSON.parse(body);
  bare.exec('begin immediate');
  for (const [insert, list] of inserts) for (const row of list) insert.run(...Object.values(row));
  bare.exec('commit');
  const took = performance.now() - began;
  bare.close();
  return took;
}

/** The text of a stored row; of bytes, a character for each. */
function textOf(row: Record<string, SQLInputValue>, column: string, base: string | null): string {
  const stored = row[column] ?? '';
  if (row['codec'] === codecs.plain) return String(stored);
  const isBlob = stored instanceof Uint8Array;
  const packed = (isBlob ? stored : row['packed']) as Uint8Array;
  const content = unpack({ codec: Number(row['codec']), size: Number(row['size']), packed }, base, column);
  return content.toString(isBlob ? 'latin1' : 'utf8');
}

/** The longest block since the last call, milliseconds. */
async function longestBlock({ pid }: Running, file: string): Promise<number> {
  await writeFile(file, '');
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; tries < 500; tries++) {
    const text = await readFile(file, 'utf8');
    if (text.endsWith('\n')) return Number(text);
    await sleep(10);
  }
  throw new Error('the process does not say how long its loop was blocked');
}

/** Makes the peak of resident memory begin anew. Source: Linux, proc_pid_clear_refs(5). */
async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** The peak of resident memory, MB. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/** Ordinary alerts with 4 KB of texts each. */
function groupText(): string {
  const alert = (n: number) => ({
    status: 'firing',
    labels: {
      alertname: 'KubePodNotReady',
      namespace: 'shop',
      pod: `web-${String(n).padStart(5, '0')}`,
      container: 'app',
      node: `node-${n % 40}`,
      cluster: 'eu-1',
      job: 'kube-state-metrics',
      instance: '10.0.0.1:8080',
      prometheus: 'monitoring/k8s',
      severity: 'warning',
      team: 'shop',
    },
    annotations: {
      summary: 'Pod is not ready',
      description: `The pod has been in a state that is not ready for longer than 15 minutes.${'x'.repeat(4000)}`,
      runbook_url: 'https://example.com/runbooks/kubepodnotready',
    },
    startsAt: '2026-11-28T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prom.example:9090/graph?g0.expr=up',
    fingerprint: `b${String(n).padStart(15, '0')}`,
  });
  return JSON.stringify({
    version: '4',
    status: 'firing',
    receiver: 'tocsin',
    groupKey: '{}:{alertname="KubePodNotReady"}',
    truncatedAlerts: 0,
    groupLabels: { alertname: 'KubePodNotReady' },
    commonLabels: { alertname: 'KubePodNotReady' },
    commonAnnotations: {},
    externalURL: 'http://am.example:9093',
    alerts: Array.from({ length: alerts }, (_, n) => alert(n)),
  });
}
