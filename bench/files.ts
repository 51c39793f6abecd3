/**
 * `npm run bench -- files`: how many KB of data files an event takes on SQLite. Sends events of 2 KB with distinct labels and random texts
 * through the real process, ends it, which copies the write-ahead log into the database, and prints the size and what holds it.
 * Exits with 1 when the target is missed; --quick sends a tenth.
 */
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startTocsin } from './processes.ts';
import { printLines } from './report.ts';
import { token } from './token.ts';

const events = process.argv.includes('--quick') ? 2_000 : 20_000;
const connections = 32;
/** Bytes of one delivery. */
const length = 2_000;
const target = 4.5;

const config = `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people:
  you: {}
`;
const files = { 'tocsin.yaml': config, 'policy.yaml': 'rules: []\n' };

const tocsin = await startTocsin({ files, env: { BENCH_TOKEN: token } });
const data = join(tocsin.folder, 'data');
try {
  let next = 0;
  const sendAll = async () => {
    while (next < events) await send(tocsin.port, next++);
  };
  await Promise.all(Array.from({ length: connections }, sendAll));
  await tocsin.stop();
  const perEvent = (await checkpointed()) / events / 1000;
  printLines([
    {
      what: `data files after a checkpoint for each of ${events} events of 2 KB, SQLite`,
      value: perEvent,
      shown: `${perEvent.toFixed(2)} KB`,
      target: `<= ${target} KB`,
      reached: perEvent <= target,
    },
  ]);
  process.exitCode = perEvent <= target ? 0 : 1;
} finally {
  await tocsin.close();
}

async function send(port: number, number: number): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const body = delivery(number);
  const answer = await fetch(`http://127.0.0.1:${port}/events/alertmanager`, { method: 'POST', headers, body });
  if (answer.status !== 202) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** An Alertmanager delivery whose labels and texts occur only once. Random hexadecimal digits carry half a byte each. */
function delivery(number: number): string {
  const of = (description: string) => {
    const alert = {
      status: 'firing',
      labels: { alertname: 'NodeDiskFilling', instance: `web-${number}:9100`, pod: `api-${number}-${random(10)}` },
      annotations: { summary: `The disk of web-${number} fills: ${random(40)}`, description },
      startsAt: '2026-01-05T10:00:00.000Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: `http://prometheus.example/graph?g0.expr=${random(60)}`,
      fingerprint: number.toString(16).padStart(16, '0'),
    };
    const rest = { version: '4', status: 'firing', receiver: 'tocsin', groupKey: '{}', alerts: [alert] };
    return JSON.stringify(rest);
  };
  return of(random(length - of('').length));
}

function random(digits: number): string {
  return randomBytes(Math.ceil(digits / 2))
    .toString('hex')
    .slice(0, digits);
}

/** Bytes of all data files once nothing is left in the log. Prints what holds them. */
async function checkpointed(): Promise<number> {
  const db = new DatabaseSync(join(data, 'tocsin.db'));
  db.exec('pragma wal_checkpoint(truncate)');
  const parts = db
    .prepare('select name, sum(pgsize) as size from dbstat group by name order by size desc limit 12')
    .all();
  for (const { name, size } of parts) console.log(`      ${String(name).padEnd(28)} ${kb(Number(size))}`);
  db.close();
  const names = await readdir(data, { recursive: true });
  const sizes = await Promise.all(names.map(name => stat(join(data, name)).then(one => (one.isFile() ? one.size : 0))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function kb(bytes: number): string {
  return `${(bytes / events / 1000).toFixed(3)} KB for each event`;
}
