import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Postgres } from '../test/real/postgres.ts';
import { type RealRedis, startRedis } from '../test/real/redis.ts';
import { processorTimeOf, processorTimeOfAll, type Running, startTocsin } from './processes.ts';
import { atLeast, type Line, middle } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
/** Alerts in one delivery, as Alertmanager groups them. */
const group = 50;
const events = quick ? 2000 : 4000;
/** Runs of each worker before the measurement, so that all processes are as warm as the raw worker is after its first jobs. */
const warmUpEach = 1000;

const files = {
  'tocsin.yaml': `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people: { you: {} }
tokens: [{ env: BENCH_TOKEN, person: you }]
run: { concurrency: 50 }
`,
  'policy.yaml': 'rules:\n  - { name: everything by itself, decide: auto }\n',
  'runbooks/nothing.yaml': `title: Nothing
risk: none
on: [{ source: alertmanager, match: { alertname: Nothing } }]
steps: [{ id: nothing, wait: 0s }]
`,
  'runbooks/long.yaml': `title: Long
risk: none
on: [{ source: alertmanager, match: { alertname: Long } }]
steps: [{ id: long, idempotent: true, exec: [sleep, "20"] }]
`,
};

/** From an event at the door to `succeeded`, with 1, 2 and 4 worker processes, against raw jobs of BullMQ with one worker on the same Redis. */
export async function measureRuns(server: Postgres): Promise<Line[]> {
  const lines: Line[] = [];
  const ratios = new Map<number, number>();
  for (const workers of quick ? [1, 2] : [1, 2, 4]) {
    // With more worker processes than processors there is no target; the figure is only shown.
    const asked = workers <= availableParallelism();
    const measured: number[] = [];
    for (let round = 0; round < (quick || !asked ? 1 : 3); round++) measured.push(await ratioOf(server, workers));
    const value = middle(measured);
    ratios.set(workers, value);
    lines.push({
      what: `no-op runs, event to succeeded, ${workers} workers, of raw BullMQ jobs`,
      value,
      shown: value.toFixed(3),
      target: asked ? '>= 0.10' : `none on ${availableParallelism()} processors`,
      reached: !asked || value >= 0.1,
    });
  }
  return [...lines, atLeast('no-op runs by two workers, of those by one', ratio(ratios.get(2), ratios.get(1)), 1)];
}

function ratio(one = Number.NaN, other = Number.NaN): number {
  return one / other;
}

async function ratioOf(server: Postgres, workers: number): Promise<number> {
  const redis = await startRedis();
  try {
    // The baseline is measured before and after, so that other load on the machine affects both.
    const before = await bareJobs(redis);
    const { perSecond, costs } = await runsPerSecond(server, redis, workers);
    const after = await bareJobs(redis);
    console.log(
      `      raw BullMQ ${before}/s and ${after}/s, runs ${perSecond.toFixed(0)}/s with ${workers} worker processes`,
    );
    console.log(`      processor ms for each run: ${costs}`);
    return perSecond / ((before + after) / 2);
  } finally {
    await redis.stop();
  }
}

async function bareJobs(redis: RealRedis): Promise<number> {
  const script = join(import.meta.dirname, 'bullmq.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, `${redis.port}`, '20000']);
  redis.cli('flushall');
  return Number(stdout);
}

async function runsPerSecond(
  server: Postgres,
  redis: RealRedis,
  workers: number,
): Promise<{ perSecond: number; costs: string }> {
  const database = await server.database();
  const roles = ['intake', 'chat', ...Array.from({ length: workers }, () => 'worker')];
  const nodes = await startNodes(database, redis, roles);
  const warmUp = warmUpEach * workers;
  const parts = [...roles.map((role, n) => ({ role, pid: nodes[n]?.pid ?? 0 })), { role: 'redis', pid: redis.pid() }];
  const processors = async () => [
    ...(await Promise.all(parts.map(async ({ role, pid }) => ({ role, time: await processorTimeOf(pid) })))),
    { role: 'postgres', time: await processorTimeOfAll(server.pid()) },
  ];
  try {
    await deliverAll(nodes[0], 0, warmUp);
    await ended(server, database, warmUp);
    const [began, idle] = [performance.now(), await processors()];
    await deliverAll(nodes[0], warmUp, events);
    await ended(server, database, warmUp + events);
    const perSecond = (events / (performance.now() - began)) * 1000;
    const busy = await processors();
    const costs = busy.map(
      ({ role, time }, n) => `${role} ${((time - (idle[n]?.time ?? 0)) / 1000 / events).toFixed(2)}`,
    );
    return { perSecond, costs: costs.join(', ') };
  } finally {
    await Promise.all(nodes.map(node => node.close()));
  }
}

async function deliverAll(node: Running | undefined, first: number, count: number): Promise<void> {
  const groups = Array.from({ length: count / group }, (_, n) => first + n * group);
  await Promise.all(groups.map(from => deliver(node, 'Nothing', from, group)));
}

/** From kill -9 of the worker that runs a step until another one has started it again. */
export async function measureTakeover(server: Postgres): Promise<Line[]> {
  const times: number[] = [];
  for (let round = 0; round < (quick ? 1 : 3); round++) times.push(await timeTakeover(server));
  const worst = Math.max(...times);
  return [
    {
      what: 'a killed worker and sweeper: its run is taken over (worst)',
      value: worst,
      shown: `${(worst / 1000).toFixed(1)} s`,
      target: '< 15 s',
      reached: worst < 15_000,
    },
  ];
}

async function timeTakeover(server: Postgres): Promise<number> {
  const redis = await startRedis();
  const database = await server.database();
  // The first node has every singleton task and the run; the second starts when the step is running.
  const [doomed] = await startNodes(database, redis, ['all']);
  await deliver(doomed, 'Long', 0, 1);
  await startsOf(server, database, 1);
  const [taker] = await startNodes(database, redis, ['all']);
  const killed = performance.now();
  process.kill(doomed?.pid ?? 0, 'SIGKILL');
  await startsOf(server, database, 2);
  const time = performance.now() - killed;
  console.log(`      taken over after ${(time / 1000).toFixed(1)} s`);
  await Promise.all([taker?.close(), doomed?.close()]);
  await redis.stop();
  return time;
}

async function startNodes(database: string, redis: RealRedis, roles: readonly string[]): Promise<Running[]> {
  const nodes: Running[] = [];
  for (const TOCSIN_ROLE of roles) {
    const env = { BENCH_TOKEN: token, DATABASE_URL: database, REDIS_URL: redis.url, TOCSIN_ROLE };
    nodes.push(await startTocsin({ files, env }));
  }
  return nodes;
}

async function deliver(node: Running | undefined, alertname: string, first: number, count: number): Promise<void> {
  const alerts = Array.from({ length: count }, (_, n) => ({
    status: 'firing',
    labels: { alertname, instance: `i${first + n}` },
    annotations: {},
    startsAt: '2026-01-01T00:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: `f${first + n}`,
  }));
  const answer = await fetch(`http://127.0.0.1:${node?.port}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ version: '4', status: 'firing', receiver: 'x', groupKey: '{}', alerts }),
  });
  if (answer.status !== 202) throw new Error(`answered ${answer.status} ${await answer.text()}`);
}

async function ended(server: Postgres, database: string, count: number): Promise<void> {
  await untilCount(server, database, "select count(*)::int as n from run where state = 'succeeded'", count);
}

async function startsOf(server: Postgres, database: string, count: number): Promise<void> {
  await untilCount(server, database, "select count(*)::int as n from journal where kind = 'step.started'", count);
}

async function untilCount(server: Postgres, database: string, statement: string, count: number): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    const [row] = await server.ask(statement, new URL(database).pathname.slice(1));
    if (Number(row?.['n']) >= count) return;
    await sleep(50);
  }
  throw new Error(`it did not come to ${count}: ${statement}`);
}
