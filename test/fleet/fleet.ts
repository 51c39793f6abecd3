import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { endAll, type Started, start } from '../cli/process.ts';
import { missingPostgres, type Postgres, startPostgres } from '../real/postgres.ts';
import { hasRedis, type RealRedis, startRedis } from '../real/redis.ts';

/** Why the fleet suites do not run; null when they do. */
export function missingServers(): string | null {
  const postgres = missingPostgres();
  if (postgres !== null || hasRedis) return postgres;
  const reason =
    'the suites of the fleet did not run: redis-server is not installed; run scripts/setup-test.sh as root';
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(reason);
  return reason;
}

export const tokens = { ALICE: 'token-of-alice', BOB: 'token-of-bob' };

const config = `
sources:
  alertmanager: { token: alert-secret }
people: { alice: {}, bob: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
run: { concurrency: 8, grace: 1s }
`;

// biome-ignore lint/suspicious/noExplicitAny: answers of the API are looked at by tests, each in its own shape
type Json = any;

export interface FleetNode {
  process: Started;
  url: string;
  folder: string;
  pid: number;
  call(method: string, path: string, body?: unknown, as?: keyof typeof tokens): Promise<{ status: number; body: Json }>;
  alert(labels: Record<string, string>, facts?: { status?: string; fingerprint?: string }): Promise<number>;
  /** Ends it as a crash does, with no word to anybody. */
  kill(): Promise<void>;
  /** Stops it in order. */
  stop(): Promise<number | null>;
}

/** Nodes as real processes over one real PostgreSQL and one real Redis, with one set of files. */
export interface Fleet {
  redis: RealRedis;
  postgres: Postgres;
  database: string;
  folder: string;
  env: Record<string, string>;
  node(role?: string, env?: Record<string, string>): Promise<FleetNode>;
  /** What steps appended to the ledger, by line. */
  ledger(): string[];
  ledgerPath: string;
  /** Entries of the journal as stored, and whether each follows from the one before. */
  journal(node: FleetNode): Promise<Json[]>;
  close(): Promise<void>;
}

export async function startFleet(files: (ledger: string) => Record<string, string>): Promise<Fleet> {
  const [postgres, redis] = await Promise.all([startPostgres({ fsync: 'off' }), startRedis()]);
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-fleet-'));
  const ledgerPath = join(folder, 'ledger');
  appendFileSync(ledgerPath, '');
  await write(folder, { 'tocsin.yaml': config, ...files(ledgerPath) });
  const database = await postgres.database();
  const env = { DATABASE_URL: database, REDIS_URL: redis.url, ...tokens };
  let made = 0;
  return {
    redis,
    postgres,
    database,
    folder,
    env,
    ledgerPath,
    ledger: () => (existsSync(ledgerPath) ? readFileSync(ledgerPath, 'utf8').split('\n').filter(Boolean) : []),
    async node(role = 'all', more = {}) {
      made += 1;
      const data = join(folder, `node-${made}`);
      await mkdir(data);
      const started = start(folder, { env: { ...env, TOCSIN_ROLE: role, TOCSIN_DATA: data, ...more } });
      const text = await started.prints('Tocsin is ready: ');
      const url = /Tocsin is ready: (\S+)/.exec(text)?.[1] ?? '';
      return makeNode(started, url, data);
    },
    async journal(node) {
      const { text } = await fetchText(`${node.url}/api/v1/journal?after=0`);
      return text
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line));
    },
    async close() {
      endAll();
      await redis.stop();
      await postgres.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fetchText(url: string): Promise<{ text: string }> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${tokens.ALICE}` } });
  return { text: await answer.text() };
}

function makeNode(process: Started, url: string, folder: string): FleetNode {
  const call: FleetNode['call'] = async (method, path, body, as = 'ALICE') => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${tokens[as]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  };
  return {
    process,
    url,
    folder,
    pid: process.child.pid ?? 0,
    call,
    async alert(labels, { status = 'firing', fingerprint = 'f1' } = {}) {
      const answer = await fetch(`${url}/events/alertmanager`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer alert-secret' },
        body: JSON.stringify({
          version: '4',
          receiver: 'tocsin',
          status,
          groupKey: '{}',
          alerts: [
            {
              status,
              labels: { alertname: 'Test', ...labels },
              annotations: {},
              startsAt: '2026-01-01T00:00:00Z',
              endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-01-01T00:10:00Z',
              fingerprint,
            },
          ],
        }),
      });
      return answer.status;
    },
    async kill() {
      process.child.kill('SIGKILL');
      await process.ended;
    },
    async stop() {
      process.child.kill('SIGTERM');
      return await process.ended;
    },
  };
}

async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Waits for what must come; the test's own time limit ends a wait for what does not. */
export async function until<T>(look: () => Promise<T | null | false | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
