/**
 * `npm run bench -- single`: how Tocsin does against node's bare server, on this machine and in one run. Exits with 1 when a target is missed.
 * `npm run bench -- single start ingest step` measures only those; --quick is for a first look; --sockets makes the load with plain sockets
 * instead of node's client, which lets the bare server do several times as much: the harder comparison.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadOrder, LoadReport } from './load.ts';
import { load, memoryOf, processorTimeOf, type Running, startBare, startTocsin } from './processes.ts';

const connections = 64;
const token = 'bench-token-0123456789abcdef';
const quick = process.argv.includes('--quick');
const client: LoadOrder['client'] = process.argv.includes('--sockets') ? 'sockets' : 'http';
const rounds = quick ? 1 : 5;
const seconds = quick ? 2 : 4;

const config = `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people:
  you: {}
`;
const policy = `rules:
  - name: everything by itself
    decide: auto
`;
const runbook = `title: A first step
risk: none
on:
  - source: alertmanager
    match: { alertname: Bench }
steps:
  - id: first
    exec: ["true"]
`;

interface Line {
  what: string;
  value: number;
  shown: string;
  target: string;
  reached: boolean;
}

const files = { 'tocsin.yaml': config, 'policy.yaml': policy, 'runbooks/bench.yaml': runbook };
const env = { BENCH_TOKEN: token };
const parts = { start: measureStart, ingest: measureIngest, step: measureFirstStep };
const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
const lines: Line[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure()));
}
for (const { what, shown, target, reached } of lines) {
  console.log(`${reached ? 'ok  ' : 'MISS'}  ${what.padEnd(52)} ${shown.padStart(12)}   target ${target}`);
}
process.exit(lines.every(line => line.reached) ? 0 : 1);

/** As a newcomer starts it, from an installed checkout; the first start fills the cache of compiled modules. */
async function measureStart(): Promise<Line[]> {
  const command = ['npm', 'start', '--silent'];
  await (await startTocsin({ command })).close();
  const times: number[] = [];
  let memory = 0;
  for (let round = 0; round < rounds; round++) {
    const tocsin = await startTocsin({ command });
    times.push(tocsin.readyAfter);
    if (round === rounds - 1) {
      await sleep(5000);
      memory = await memoryOf(tocsin.pid);
    }
    await tocsin.close();
  }
  const ready = middle(times);
  return [
    {
      what: 'npm start until /readyz answers 200 (median)',
      value: ready,
      shown: `${ready.toFixed(0)} ms`,
      target: '< 1500 ms',
      reached: ready < 1500,
    },
    {
      what: 'idle memory 5 s after start (RSS)',
      value: memory,
      shown: `${memory.toFixed(0)} MB`,
      target: '< 150 MB',
      reached: memory < 150,
    },
  ];
}

/** Rounds of both in turn, so that whatever else the machine does meets both. */
async function measureIngest(): Promise<Line[]> {
  const tocsin = await startTocsin({ files, env, nodeOptions: process.env['BENCH_NODE']?.split(' ') ?? [] });
  const bare = await startBare();
  try {
    const order = {
      client,
      path: '/events/alertmanager',
      connections,
      seconds,
      headers: { Authorization: `Bearer ${token}` },
    };
    const warm = { ...order, seconds: quick ? 1 : 3 };
    await load({ ...warm, port: bare.port, first: 0 });
    let first = (await load({ ...warm, port: tocsin.port, first: 0 })).next;
    const ratios: number[] = [];
    const p99s: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const bareReport = await costOf(bare, { ...order, port: bare.port, first: 0 });
      const report = await costOf(tocsin, { ...order, port: tocsin.port, first });
      first = report.next;
      if (Object.keys(report.statuses).join() !== '202')
        throw new Error(`answered otherwise: ${JSON.stringify(report.statuses)}`);
      ratios.push(report.perSecond / bareReport.perSecond);
      p99s.push(report.p99);
      console.log(`      bare          ${showLoad(bareReport)}\n      durable       ${showLoad(report)}`);
    }
    const ratio = middle(ratios);
    const p99 = middle(p99s);
    return [
      {
        what: `durable ingest against bare node:http, ${connections} connections`,
        value: ratio,
        shown: ratio.toFixed(3),
        target: '>= 0.20',
        reached: ratio >= 0.2,
      },
      {
        what: 'p99 of an answer under that load',
        value: p99,
        shown: `${p99.toFixed(1)} ms`,
        target: '< 100 ms',
        reached: p99 < 100,
      },
    ];
  } finally {
    await bare.close();
    await tocsin.close();
  }
}

/** One alert after the other, each with its automatic run: from sending the request to the journalled start of the first step. */
async function measureFirstStep(): Promise<Line[]> {
  const tocsin = await startTocsin({ files, env });
  try {
    const times: number[] = [];
    for (let number = 0; number < (quick ? 20 : 60); number++) times.push(await timeFirstStep(tocsin, number));
    const median = middle(times.slice(5));
    return [
      {
        what: 'request until its first step started (median)',
        value: median,
        shown: `${median.toFixed(1)} ms`,
        target: '< 25 ms',
        reached: median < 25,
      },
    ];
  } finally {
    await tocsin.close();
  }
}

async function timeFirstStep({ port }: Running, number: number): Promise<number> {
  const url = `http://127.0.0.1:${port}`;
  const labels = { alertname: 'Bench', instance: `web-${number}` };
  const alert = {
    status: 'firing',
    labels,
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: `first-${number}`,
  };
  const body = JSON.stringify({ version: '4', status: 'firing', receiver: 'x', groupKey: '{}', alerts: [alert] });
  const sent = performance.timeOrigin + performance.now();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/events/alertmanager`, { method: 'POST', headers, body });
  const { accepted } = (await answer.json()) as { accepted: { alert: string }[] };
  for (let tries = 0; tries < 1000; tries++) {
    const runs = (await (await fetch(`${url}/api/v1/runs?alert=${accepted[0]?.alert}`)).json()) as {
      state: string;
      steps: { startedAt: string | null }[];
    }[];
    const startedAt = runs[0]?.steps[0]?.startedAt;
    if (startedAt && runs[0]?.state === 'succeeded') return Date.parse(startedAt) - sent;
    await sleep(5);
  }
  throw new Error('the run did not start');
}

function showLoad(report: LoadReport & { cost: number }): string {
  const { perSecond, p50, p99, worst, cost } = report;
  return `${perSecond.toFixed(0)}/s, ${cost.toFixed(0)} µs processor each, p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} worst ${worst.toFixed(0)} ms`;
}

/** A load with what it cost the server: processor microseconds for each answer. */
async function costOf(server: Running, order: LoadOrder): Promise<LoadReport & { cost: number }> {
  const before = await processorTimeOf(server.pid);
  const report = await load(order);
  return { ...report, cost: ((await processorTimeOf(server.pid)) - before) / report.answered };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
