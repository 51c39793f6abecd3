/**
 * `npm run bench -- recovery`: alerts that each start a program arrive over 16 connections, and in the middle the process is killed with
 * SIGKILL and started again on the same data. How soon the first program runs again, how soon every run has ended, and whether a run of an
 * alert that was answered 202 was lost. Senders send again what was not answered, as real ones do. Exits with 1 when a target is missed;
 * --quick is short.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTocsin } from './processes.ts';
import { below, count, type Line, middle, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 3;
const alerts = quick ? 300 : 1500;
const connections = 16;

const folder = await mkdtemp(join(tmpdir(), 'tocsin-recovery-'));

/** Each program adds its number to the file: what counts is what ran, not what the journal says. */
const filesWith = (file: string) => ({
  'tocsin.yaml': `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people:
  you: {}
tokens: [{ env: BENCH_TOKEN, person: you }]
`,
  'policy.yaml': 'rules:\n  - { name: everything by itself, decide: auto }\n',
  'runbooks/job.yaml': `title: A job
risk: none
on: [{ source: alertmanager, match: { alertname: Job } }]
params:
  n: { type: string, pattern: "[0-9]+", from: labels.n }
steps: [{ id: job, idempotent: true, exec: [sh, -c, 'echo "$0" >> ${file}', "\${{ params.n }}"] }]
`,
});

interface Round {
  again: number;
  all: number;
  perSecond: number;
  lost: number;
  twice: number;
}

const measured: Round[] = [];
try {
  for (let round = 0; round < rounds; round++) measured.push(await measureRound(join(folder, `jobs-${round}`)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
const lines = linesOf(measured);
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureRound(jobs: string): Promise<Round> {
  const env = { BENCH_TOKEN: token };
  const first = await startTocsin({ files: filesWith(jobs), env });
  const ran = async () => (await readFile(jobs, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  let port: number | null = first.port;
  let next = 0;
  const sender = async () => {
    for (let n = next++; n < alerts; n = next++) while (port === null || !(await send(port, n))) await sleep(20);
  };
  const began = performance.now();
  const sending = Promise.all(Array.from({ length: connections }, sender));
  while ((await ran()).length < alerts / 3) await sleep(5);
  port = null;
  await first.crash();
  const before = (await ran()).length;
  const killed = performance.now();
  const starting = startTocsin({ folder: first.folder, env });
  const again = (async () => {
    while ((await ran()).length === before) await sleep(5);
    return performance.now() - killed;
  })();
  const second = await starting;
  port = second.port;
  try {
    const firstAgain = await again;
    await sending;
    // What was lost never comes.
    for (const until = performance.now() + 60_000; performance.now() < until; await sleep(20))
      if (new Set(await ran()).size === alerts) break;
    await allEnded(second.port);
    const ended = performance.now();
    const done = await ran();
    const different = new Set(done).size;
    const perSecond = (alerts / (ended - began)) * 1000;
    const lost = alerts - different;
    return { again: firstAgain, all: ended - killed, perSecond, lost, twice: done.length - different };
  } finally {
    await second.close();
  }
}

function linesOf(rounds: readonly Round[]): Line[] {
  const of = (figure: keyof Round) => rounds.map(round => round[figure]);
  const rate = middle(of('perSecond'));
  for (const { again, all, perSecond, lost, twice } of rounds)
    console.log(
      `      first program after ${again.toFixed(0)} ms, all ended after ${all.toFixed(0)} ms; ${perSecond.toFixed(0)} runs/s, ${lost} lost, ${twice} ran twice`,
    );
  return [
    below('killed and started again: until the first program runs (worst)', Math.max(...of('again')) / 1000, null, 's'),
    below(`until all of ${alerts} runs have ended (worst)`, Math.max(...of('all')) / 1000, null, 's'),
    count(`runs/s over a kill -9 in the middle of ${alerts}`, rate, null),
    count('runs of accepted alerts that were lost', Math.max(...of('lost')), 0),
    count('idempotent programs that ran twice: they ran when it was killed', Math.max(...of('twice')), null),
  ];
}

/** False when it was not accepted. */
async function send(port: number, n: number): Promise<boolean> {
  const labels = { alertname: 'Job', n: String(n) };
  const times = { startsAt: '2026-03-01T10:00:00Z', endsAt: '0001-01-01T00:00:00Z' };
  const alert = { status: 'firing', labels, annotations: {}, ...times, fingerprint: `f${n}` };
  const answer = await fetch(`http://127.0.0.1:${port}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ version: '4', status: 'firing', receiver: 'x', groupKey: `${n}`, alerts: [alert] }),
  }).catch(() => null);
  await answer?.text().catch(() => {});
  return answer?.status === 202;
}

/** Waits until no run goes on, 2 minutes at most: then one is lost on its way. */
async function allEnded(port: number): Promise<void> {
  const isLive = async (state: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/runs?state=${state}&limit=1`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as unknown[]).length > 0;
  };
  for (const until = performance.now() + 120_000; performance.now() < until; await sleep(20)) {
    const live = await Promise.all(['queued', 'running', 'waiting', 'asking'].map(isLive));
    if (!live.includes(true)) return;
  }
  throw new Error('a run did not end within two minutes');
}
