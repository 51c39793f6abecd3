/**
 * `npm run soak -- --minutes 30`: Tocsin under a mixed load, killed and started again all the time; its spawn helpers are killed too. At the
 * end, when nothing is under way any more, it checks that nothing was lost, nothing was done twice that may not be, and nothing was left.
 * --seed repeats the same choices. Exits with 1 when a check fails, and leaves the folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { endAll, root } from '../cli/process.ts';
import { type Accepted, check, type EndedRun } from './check.ts';
import { kinds, soakFiles } from './files.ts';
import { footprint, helpersOf, list, type Node, startNode, tokens } from './node.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes ?? 30);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const random = generator(seed);
const until = performance.now() + minutes * 60_000;
const senders = 4;

const folder = mkdtempSync(join(tmpdir(), 'tocsin-soak-'));
const ledger = join(folder, 'ledger');
mkdirSync(join(folder, 'tmp'));
writeFileSync(ledger, '');
for (const [path, text] of Object.entries(soakFiles(ledger))) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}
console.log(`soak of ${minutes} min with seed ${seed} in ${folder}`);

/** Firing alerts that were answered with 202, by fingerprint. */
const accepted = new Map<string, Accepted>();
const counts = { deliveries: 0, kills: 0, stops: 0, helpers: 0, votes: 0, answers: 0 };
const node = await startNode(folder);
const before = footprint(node.pid());
try {
  const load = Array.from({ length: senders }, (_, index) => send(node, index));
  await Promise.all([...load, disturb(node), decide(node, () => performance.now() < until)]);
  console.log(`load over: ${JSON.stringify(counts)}`);
  await settle(node);
  await sleep(3000);
  const after = footprint(node.pid());
  const runs = await list<EndedRun>(node, '/api/v1/runs');
  const alerts = await list<{ id: string; fingerprint: string }>(node, '/api/v1/alerts');
  await node.end();
  const tocsin = join(root, 'bin/tocsin.js');
  const env = {
    ...process.env,
    ...tokens,
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
  };
  const verified = execFileSync(process.execPath, [tocsin, 'audit', 'verify'], { env, encoding: 'utf8' }).trim();
  console.log(verified);
  console.log(
    `descriptors ${before.descriptors} -> ${after.descriptors}, memory ${before.memory.toFixed(0)} -> ${after.memory.toFixed(0)} MB`,
  );
  const lines = readFileSync(ledger, 'utf8').split('\n').filter(Boolean);
  const faults = check({ accepted, runs, alerts, lines, folder, before, after });
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(`${runs.length} runs of ${alerts.length} alerts; ${faults.length} faults`);
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  endAll();
}

/** As Alertmanager does: a group is sent until it is answered with 2xx. Half of the groups are resolved soon. */
async function send(target: Node, index: number): Promise<void> {
  for (let group = 0; performance.now() < until; group++) {
    const size = 1 + Math.floor(random() * 4);
    const alerts = Array.from({ length: size }, (_, at) => ({
      kind: kinds[Math.floor(random() * kinds.length)] ?? 'Quick',
      fingerprint: `s${index}g${group}a${at}`,
    }));
    await deliver(target, alerts, 'firing');
    const lasts = random() < 0.5;
    for (const { fingerprint, kind } of alerts) accepted.set(fingerprint, { kind, lasts });
    await sleep(random() * 1500);
    if (lasts) continue;
    // Twice now and then: the answer to the first may have been lost.
    for (let times = random() < 0.2 ? 2 : 1; times > 0; times--) await deliver(target, alerts, 'resolved');
  }
}

async function deliver(
  target: Node,
  alerts: readonly { kind: string; fingerprint: string }[],
  status: 'firing' | 'resolved',
): Promise<void> {
  const startsAt = '2026-01-01T00:00:00Z';
  const endsAt = status === 'resolved' ? '2026-01-01T01:00:00Z' : '0001-01-01T00:00:00Z';
  const body = {
    version: '4',
    receiver: 'tocsin',
    status,
    groupKey: alerts[0]?.fingerprint ?? '',
    alerts: alerts.map(({ kind, fingerprint }) => ({
      status,
      labels: { alertname: kind, id: fingerprint },
      annotations: { summary: `${kind} of the soak` },
      startsAt,
      endsAt,
      fingerprint,
    })),
  };
  counts.deliveries++;
  for (;;) {
    const answer = await target.ask('POST', '/events/alertmanager', body, tokens.SOAK_TOKEN);
    if (answer !== null && answer.status >= 200 && answer.status < 300) return;
    if (answer !== null && answer.status < 500) throw new Error(`refused: ${JSON.stringify(answer)}`);
    await sleep(200);
  }
}

/** Kills the process, stops it, or kills one of its spawn helpers, some 10 s apart. */
async function disturb(target: Node): Promise<void> {
  while (performance.now() < until) {
    await sleep(5000 + random() * 10_000);
    const helper = helpersOf(target.pid())[0];
    const choice = random();
    if (choice < 0.4 && helper !== undefined) {
      counts.helpers++;
      process.kill(helper, 'SIGKILL');
    } else if (choice < 0.85) {
      counts.kills++;
      await target.restart('SIGKILL', random() * 2000);
    } else {
      counts.stops++;
      await target.restart('SIGTERM', random() * 2000);
    }
  }
}

/** What people do: they vote, and answer what a step of unknown outcome asks, but never by doing it again. */
async function decide(target: Node, goesOn: () => boolean): Promise<void> {
  do {
    const approvals = (await target.ask('GET', '/api/v1/approvals?state=open'))?.body;
    for (const { id } of Array.isArray(approvals) ? approvals : []) {
      counts.votes++;
      await target.ask('POST', `/api/v1/approvals/${id}/votes`, {
        vote: random() < 0.7 ? 'approve' : 'deny',
        reason: 'soak',
      });
    }
    const asking = (await target.ask('GET', '/api/v1/runs?state=asking'))?.body;
    for (const { id, question } of Array.isArray(asking) ? asking : []) {
      counts.answers++;
      const choice = random() < 0.5 ? 'skip' : 'abort';
      await target.ask('POST', `/api/v1/runs/${id}/answer`, {
        ...question,
        question: question?.number,
        number: undefined,
        choice,
      });
    }
    await sleep(500);
  } while (goesOn());
}

/** Waits, at most ten minutes, until every run has ended. */
async function settle(target: Node): Promise<void> {
  const late = performance.now() + 600_000;
  let open = Number.NaN;
  const isOver = async () => {
    const states = ['waiting', 'queued', 'running', 'asking'];
    const found = await Promise.all(states.map(state => target.ask('GET', `/api/v1/runs?state=${state}&limit=100`)));
    open = found.reduce((sum, one) => sum + (Array.isArray(one?.body) ? one.body.length : 1), 0);
    return open === 0;
  };
  while (!(await isOver())) {
    if (performance.now() > late) return console.log(`${open} runs have not ended after ten minutes`);
    await decide(target, () => false);
  }
}

/** The same numbers for the same seed (a linear congruential generator: Knuth's constants). */
function generator(from: number): () => number {
  let state = BigInt(from);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}
