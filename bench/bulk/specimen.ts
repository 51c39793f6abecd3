import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTocsin } from '../processes.ts';
import { token } from '../token.ts';

export type Row = Record<string, SQLOutputValue>;

/** What Tocsin itself wrote about a few alerts, half of them with a run, from their first delivery to their resolve: rows by table. */
export type Specimen = Readonly<Record<string, readonly Row[]>>;

/** Distinct alerts of the specimen. */
const count = 10;

const runbook = `title: Free disk space
risk: none
on:
  - source: alertmanager
    match: { team: storage }
steps:
  - id: clean
    exec: ["true"]
`;

/** The files with which the specimen was made, and with which a database of its copies is opened. */
export const files = {
  'tocsin.yaml': 'sources:\n  alertmanager: { token: "${BENCH_TOKEN}" }\npeople:\n  you: {}\n',
  'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
  'runbooks/bench.yaml': runbook,
};
export const env = { BENCH_TOKEN: token };

export async function makeSpecimen(): Promise<Specimen> {
  const tocsin = await startTocsin({ files, env });
  try {
    const url = `http://127.0.0.1:${tocsin.port}`;
    const names = Array.from({ length: count }, (_, index) => markOf(index));
    for (const [index, name] of names.entries()) await deliver(url, name, index, 'firing');
    await until(async () => (await listOf(url, 'runs', 'succeeded')) === count / 2);
    for (const [index, name] of names.entries()) await deliver(url, name, index, 'resolved');
    // The last that is written about an alert is the note in its thread.
    await until(async () => (await notesOf(url)) === count);
    await sleep(1000);
    await tocsin.stop();
    return readTables(join(tocsin.folder, 'data', 'tocsin.db'));
  } finally {
    await tocsin.close();
  }
}

/** A name that is replaced in copies as ids are. */
function markOf(index: number): string {
  return `01m8kb480v${String(index).padStart(12, '0')}`;
}

async function deliver(url: string, name: string, index: number, status: 'firing' | 'resolved'): Promise<void> {
  const alert = {
    status,
    labels: {
      alertname: 'NodeDiskFilling',
      env: 'staging',
      instance: `web-${name}:9100`,
      job: 'node',
      mountpoint: '/var',
      severity: 'warning',
      team: index % 2 === 0 ? 'storage' : 'platform',
    },
    annotations: {
      summary: `The disk of web-${name} will be full in four hours`,
      description: 'The file system has less than a tenth of its space left.\nAt the present rate it is full soon.',
      runbook_url: 'https://runbooks.example/disk-full',
    },
    startsAt: '2026-03-01T10:00:00.000Z',
    endsAt: status === 'resolved' ? '2026-03-01T10:05:00.000Z' : '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example:9090/graph?g0.expr=predict_linear',
    fingerprint: name,
  };
  const body = JSON.stringify({ version: '4', status, receiver: 'tocsin', groupKey: '{}', alerts: [alert] });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/events/alertmanager`, { method: 'POST', headers, body });
  if (answer.status !== 202) throw new Error(`answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function listOf(url: string, what: string, state: string): Promise<number> {
  const text = await (await fetch(`${url}/api/v1/${what}?state=${state}&limit=100`)).text();
  return text.split(`"state":"${state}"`).length - 1;
}

/** Alerts whose thread says that they are resolved. */
async function notesOf(url: string): Promise<number> {
  const page = await (await fetch(`${url}/channels/alerts`)).text();
  const threads = [...new Set([...page.matchAll(/\/threads\/alert\/alt_[0-9a-z]+\/1/g)].map(found => found[0]))];
  const texts = await Promise.all(threads.map(async path => await (await fetch(url + path)).text()));
  return texts.filter(text => text.includes('Resolved, says alertmanager')).length;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await done()) return;
    await sleep(100);
  }
  throw new Error('the specimen was not done within a minute');
}

function readTables(path: string): Specimen {
  const db = new DatabaseSync(path, { readOnly: true });
  const tables = ['journal', 'alert', 'run', 'post', 'blob', 'claim', 'auto_run', 'lease', 'cursor'];
  const rows = tables.map(name => [name, db.prepare(`select * from ${name} order by 1`).all()] as const);
  db.close();
  return Object.fromEntries(rows);
}
