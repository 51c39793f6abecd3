/**
 * `npm run bench -- commands`: a webhook comes in and one small program runs, on Tocsin and on those of Debian's `webhook`, Hubot and
 * Node-RED that are installed, with the same client and program in one run: runs a second, and the time to done at 100 requests a second.
 * Also the longest block of the loop by the start of a program. Exits with 1 when a target is missed. --quick is short. BENCH_PEERS names a folder with node_modules of Hubot and Node-RED.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureBlock } from './block.ts';
import { timeFsync } from './disk.ts';
import { openHubot } from './peers/hubot.ts';
import { openNodeRed } from './peers/node-red.ts';
import type { OpenPeer, Peer } from './peers/peer.ts';
import { openWebhook } from './peers/webhook.ts';
import { freePort, startTocsin } from './processes.ts';
import { atLeast, below, type Line, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const jobs = quick ? 200 : 600;
const connections = 16;
const pace = { perSecond: 100, seconds: quick ? 3 : 10 };
const least: Record<string, number> = { webhook: 0.28, 'Node-RED': 1.3, Hubot: 1.15 };

interface Place {
  peer: Peer;
  /** Each program appends a byte to this file: what counts is the program that ran, not the answer. */
  file: string;
  /** How many were sent. */
  sent: number;
}

const folder = await mkdtemp(join(tmpdir(), 'tocsin-commands-'));
const places: Place[] = [];
let lines: Line[] = [];
try {
  for (const [name, open] of Object.entries({ Tocsin: openTocsin, webhook: openWebhook, openHubot, openNodeRed }))
    await add(name, open);
  const [tocsin, ...peers] = places;
  if (tocsin === undefined) throw new Error('Tocsin did not start');
  if (peers.length === 0) console.log('      none of webhook, Hubot and Node-RED is installed, so there is no ratio');
  lines = [...(await measureRuns(tocsin, peers)), ...(await measurePaced(tocsin, peers))];
} finally {
  for (const { peer } of places) await peer.close();
  await rm(folder, { recursive: true, force: true });
}
lines.push(...(await measureBlock()));
printLines(lines, Object.fromEntries(places.slice(1).map(({ peer }) => [peer.name, peer.version])));
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function add(name: string, open: OpenPeer): Promise<void> {
  const own = join(folder, name);
  await mkdir(own);
  const file = join(own, 'done');
  const peer = await open(own, `printf x >> ${file}`, await freePort());
  if (peer !== null) places.push({ peer, file, sent: 0 });
}

async function openTocsin(_folder: string, command: string): Promise<Peer> {
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
      'runbooks/bench.yaml': `title: A job\nrisk: none\non:\n  - source: job\nsteps:\n  - id: job\n    exec: [sh, -c, "${command}"]\n`,
    },
    env: { BENCH_TOKEN: token },
  });
  const send = { port: tocsin.port, path: '/events/job', headers: { authorization: `Bearer ${token}` }, status: 202 };
  return { name: 'Tocsin', version: '', send, close: tocsin.close };
}

/** Rounds of all alternate, so that other load on the machine affects all. The first round warms up. */
async function measureRuns(tocsin: Place, peers: readonly Place[]): Promise<Line[]> {
  const figures = new Map<Place, number[]>([tocsin, ...peers].map(place => [place, []]));
  for (let round = -1; round < rounds; round++)
    for (const [place, rates] of figures) {
      const rate = await perSecond(place);
      if (round >= 0) rates.push(rate);
    }
  const own = figures.get(tocsin) ?? [];
  for (const [{ peer }, rates] of figures) console.log(`      ${peer.name} ${middle(rates).toFixed(0)} runs/s`);
  return peers.map(place => {
    const { name } = place.peer;
    const ratio = middle((figures.get(place) ?? []).map((rate, round) => (own[round] ?? Number.NaN) / rate));
    return atLeast(`webhook in, one program, done: runs/s against ${name}`, ratio, least[name] ?? 0);
  });
}

/** Sends the jobs over keep-alive connections, and waits until the last program has run. */
async function perSecond(place: Place): Promise<number> {
  const began = performance.now();
  const target = place.sent + jobs;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (place.sent < target) await post(agent, place.peer.send, place.sent++);
      agent.destroy();
    }),
  );
  await untilDone(place, () => {});
  return jobs / ((performance.now() - began) / 1000);
}

async function measurePaced(tocsin: Place, peers: readonly Place[]): Promise<Line[]> {
  const own = await timeToDone(tocsin);
  const webhook = peers.find(({ peer }) => peer.name === 'webhook');
  const fsync = timeFsync(folder);
  const other = webhook === undefined ? null : await timeToDone(webhook);
  console.log(
    `      at ${pace.perSecond} requests/s: ${other === null ? '' : `webhook ${other.toFixed(1)} ms, `}an fsync takes ${fsync.toFixed(2)} ms`,
  );
  const most = other === null ? null : other + 4 * fsync + 10;
  return [
    below(`${pace.perSecond} such requests/s for ${pace.seconds} s: median to done`, own, most, 'ms'),
    below('an fsync of the same run (median)', fsync, null, 'ms'),
  ];
}

/** The median of milliseconds from sending until a program was done. Bytes have no names: the nth that came is taken for the nth sent. */
async function timeToDone(place: Place): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const first = place.sent;
  const [sent, done]: [number[], number[]] = [[], []];
  const open: Promise<void>[] = [];
  const began = performance.now();
  const count = pace.perSecond * pace.seconds;
  const note = (size: number) => {
    while (done.length < size - first) done.push(performance.now());
  };
  while (sent.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - began) / 1000) * pace.perSecond));
    while (sent.length < due) {
      sent.push(performance.now());
      open.push(post(agent, place.peer.send, place.sent++));
    }
    note(await sizeOf(place.file));
    await sleep(1);
  }
  await untilDone(place, note);
  await Promise.all(open);
  agent.destroy();
  return middle(sent.map((at, index) => (done[index] ?? Number.NaN) - at));
}

/** Throws when not all that was sent was done after a minute: something was lost. */
async function untilDone({ file, sent, peer }: Place, note: (size: number) => void): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    const size = await sizeOf(file);
    note(size);
    if (size >= sent) return;
    if (performance.now() > until) throw new Error(`${peer.name}: only ${size} of ${sent} programs ran`);
    await sleep(1);
  }
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    found => found.size,
    () => 0,
  );
}

function post(agent: Agent, { port, path, headers, status }: Peer['send'], number: number): Promise<void> {
  const body = JSON.stringify({ n: `job ${number}` });
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
