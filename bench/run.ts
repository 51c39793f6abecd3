/**
 * `npm run bench -- single`: the start, its memory, and the time to the first step on SQLite. Exits with 1 when a target is missed.
 * `npm run bench -- single step` measures only that; --quick is short.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf, type Running, startTocsin } from './processes.ts';
import { type Line, middle, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;

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

const files = { 'tocsin.yaml': config, 'policy.yaml': policy, 'runbooks/bench.yaml': runbook };
const env = { BENCH_TOKEN: token };
const parts = { start: measureStart, step: measureFirstStep };
const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
const lines: Line[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure()));
}
printLines(lines);
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

/** Sends alerts one by one, each with an automatic run. Measures from sending the request to the journalled start of the first step. */
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
