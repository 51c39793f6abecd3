/**
 * `npm run bench -- commands`: a webhook comes in and one small program runs, on Tocsin and on Debian's `webhook` where it is installed,
 * with the same client and program in one run; and the longest block of the loop by the start of a program. Exits with 1 when a target is
 * missed. --quick is short.
 */
import { spawn as nodeSpawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createChildren } from '../src/kernel/child/child.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { freePort, startTocsin } from './processes.ts';
import { type Line, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const jobs = quick ? 200 : 600;
const connections = 16;

const lines = [...(await measureRuns()), ...(await measureBlock())];
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

interface Peer {
  send: { port: number; path: string; headers: Record<string, string>; status: number };
  close(): Promise<void>;
}

/** Each program appends a byte to a file: what counts is the program that ran, not the answer. */
async function measureRuns(): Promise<Line[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-commands-'));
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  const tocsin = await openTocsin(ours);
  const webhook = await openWebhook(folder, theirs);
  const figures: { ours: number; theirs: number }[] = [];
  try {
    let first = 0;
    for (let round = -1; round < rounds; round++) {
      const own = await perSecond(tocsin, ours, first);
      const other = webhook === null ? Number.NaN : await perSecond(webhook, theirs, first);
      first += jobs;
      // The first round warms up.
      if (round >= 0) figures.push({ ours: own, theirs: other });
    }
  } finally {
    await tocsin.close();
    await webhook?.close();
    await rm(folder, { recursive: true, force: true });
  }
  const own = middle(figures.map(one => one.ours));
  console.log(
    `      Tocsin ${own.toFixed(0)} runs/s, ${webhook === null ? 'no webhook is installed' : `webhook ${middle(figures.map(one => one.theirs)).toFixed(0)} runs/s`}`,
  );
  if (webhook === null) return [];
  const ratio = middle(figures.map(one => one.ours / one.theirs));
  return [
    {
      what: 'webhook in, one program, done: against Debian’s webhook',
      value: ratio,
      shown: ratio.toFixed(2),
      target: '>= 0.28',
      reached: ratio >= 0.28,
    },
  ];
}

async function openTocsin(file: string): Promise<Peer> {
  const token = 'bench-token-0123456789abcdef';
  const tocsin = await startTocsin({
    files: {
      'tocsin.yaml': `sources:
  job:
    type: webhook
    auth: { bearer: "\${BENCH_TOKEN}" }
    map: { fingerprint: body.n, state: '"firing"', title: body.n }
people:
  you: {}
`,
      'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
      'runbooks/bench.yaml': `title: A job\nrisk: none\non:\n  - source: job\nsteps:\n  - id: job\n    exec: [sh, -c, "printf x >> ${file}"]\n`,
    },
    env: { BENCH_TOKEN: token },
  });
  const headers = { authorization: `Bearer ${token}` };
  return { send: { port: tocsin.port, path: '/events/job', headers, status: 202 }, close: tocsin.close };
}

async function openWebhook(folder: string, file: string): Promise<Peer | null> {
  if (spawnSync('webhook', ['-version']).status !== 0) return null;
  const hooks = join(folder, 'hooks.json');
  const hook = {
    id: 'job',
    'execute-command': '/bin/sh',
    'pass-arguments-to-command': [
      { source: 'string', name: '-c' },
      { source: 'string', name: `printf x >> ${file}` },
    ],
  };
  await writeFile(hooks, JSON.stringify([hook]));
  const port = await freePort();
  const child = nodeSpawn('webhook', ['-hooks', hooks, '-ip', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' });
  for (let tries = 0; tries < 200; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    )
      break;
    await sleep(50);
  }
  const ended = new Promise(resolve => child.once('exit', resolve));
  return {
    send: { port, path: '/hooks/job', headers: {}, status: 200 },
    async close() {
      child.kill();
      await ended;
    },
  };
}

/** Sends the jobs over keep-alive connections, and waits until the last program has run. */
async function perSecond({ send }: Peer, file: string, first: number): Promise<number> {
  const began = performance.now();
  let next = first;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (next < first + jobs) await post(agent, send, JSON.stringify({ n: `job ${next++}` }));
      agent.destroy();
    }),
  );
  for (let tries = 0; (await sizeOf(file)) < first + jobs; tries++) {
    if (tries > 60_000) throw new Error(`only ${(await sizeOf(file)) - first} of ${jobs} programs ran`);
    await sleep(1);
  }
  return jobs / ((performance.now() - began) / 1000);
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    found => found.size,
    () => 0,
  );
}

function post(agent: Agent, { port, path, headers, status }: Peer['send'], body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', 'content-length': String(body.length), ...headers };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: all }, answer => {
      answer
        .resume()
        .on('end', () =>
          answer.statusCode === status ? resolve() : reject(new Error(`answered ${answer.statusCode}`)),
        );
    });
    sent.on('error', reject).end(body);
  });
}

/** With 300 MB in memory: how long one start of a program holds the loop, by a helper and by Node's own spawn. */
async function measureBlock(): Promise<Line[]> {
  const heap = Array.from({ length: 1_000_000 }, (_, index) => ({ index, text: `text ${index}` }));
  const buffer = Buffer.alloc(100e6, 1);
  const children = createChildren({
    clock: systemClock,
    log: silentLog,
    path: process.env['PATH'] ?? '/usr/bin:/bin',
    home: '/',
  });
  const io = { marker: 'bench/block/1', signal: new AbortController().signal, grace: 100, onOutput() {} };
  const times: number[] = [];
  const direct: number[] = [];
  for (let index = 0; index < 100; index++) {
    times.push(await blockOf(() => children.spawn({ argv: ['true'] }, io)));
    direct.push(
      await blockOf(() => new Promise(resolve => nodeSpawn('true', [], { stdio: 'ignore' }).once('exit', resolve))),
    );
  }
  children.close();
  const [helped, plain] = [middle(times), middle(direct)];
  const memory = process.memoryUsage().rss / 1e6;
  console.log(
    `      with ${memory.toFixed(0)} MB in memory (${heap.length + buffer.length > 0 ? 'held' : ''}): Node’s own spawn blocks ${plain.toFixed(2)} ms`,
  );
  return [
    {
      what: 'longest block by the start of a program (median)',
      value: helped,
      shown: `${helped.toFixed(2)} ms`,
      target: '< 1 ms',
      reached: helped < 1,
    },
  ];
}

/** The longest time in which the loop did not turn while the work went on. */
async function blockOf(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let going = true;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  going = false;
  return longest;
}
