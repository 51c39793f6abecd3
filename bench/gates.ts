/**
 * `npm run bench -- gates`: the door for API servers of Kubernetes over TLS. The time of an answer at a steady 200 reviews a second, and how
 * many are answered one after the other on 32 connections beside a bare node:https server with a fixed answer, with the same client and
 * reviews in one run. Exits with 1 when a target is missed; --quick is short.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdmissionReport, admissions } from './admissions.ts';
import { freePort, processorTimeOf, type Running, startProgram, startTocsin } from './processes.ts';
import { atLeast, below, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const seconds = quick ? 2 : 4;
const connections = 32;

const folder = await mkdtemp(join(tmpdir(), 'tocsin-gates-'));
const at = (name: string) => join(folder, name);
const openssl = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
const made = spawnSync('openssl', [
  ...openssl,
  ...[
    '-keyout',
    at('tls.key'),
    '-out',
    at('tls.crt'),
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
  ],
]);
if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
const port = await freePort();
const tocsin = await startTocsin({
  files: {
    'tocsin.yaml': 'sources: {}\npeople:\n  you: {}\n',
    'policy.yaml': `rules:\n  - { name: bench, when: 'gate.name == "deploy"', decide: auto }\n`,
    'gates.yaml': `gates:
  deploy: { ask: ["door:kubernetes"] }
doors:
  kubernetes:
    { listen: "127.0.0.1:${port}", cert: ${at('tls.crt')}, key: ${at('tls.key')}, gate: deploy, cluster: bench, namespaces: { shop: { environment: production } } }
`,
  },
});
const bare = await startProgram('bare-tls.ts', folder);
const ca = await readFile(at('tls.crt'), 'utf8');
try {
  await decideFirst();
  const steady = await admissions({ port, ca, seconds: quick ? 3 : 10, perSecond: 200, connections });
  console.log(`      tocsin at 200/s: ${show(steady)}`);
  // What the machine itself does to such a rate, with others on it.
  const bareSteady = await admissions({ port: bare.port, ca, seconds: quick ? 3 : 10, perSecond: 200, connections });
  console.log(`      bare   at 200/s: ${show(bareSteady)}`);
  const ratios: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const [own, others] = [await closed(port, tocsin), await closed(bare.port, bare)];
    // The first round warms up.
    if (round >= 0) ratios.push(own.perSecond / others.perSecond);
  }
  const lines = [
    below('an admission over TLS at 200/s, p50', steady.p50, null, 'ms'),
    below('an admission over TLS at 200/s, p99', steady.p99, 20, 'ms'),
    below('the same of bare node:https, p99', bareSteady.p99, null, 'ms'),
    atLeast(`admissions on ${connections} connections, of bare node:https`, middle(ratios), 0.35),
  ];
  printLines(lines);
  process.exitCode = lines.every(({ reached }) => reached) ? 0 : 1;
} finally {
  await tocsin.close();
  await bare.close();
  await rm(folder, { recursive: true, force: true });
}

/** The images get their decisions, some in each minute, because the door opens no more questions than that. */
async function decideFirst(): Promise<void> {
  await admissions({ port, ca, seconds: 2, perSecond: 50, connections });
}

async function closed(to: number, server: Running): Promise<AdmissionReport> {
  const before = await processorTimeOf(server.pid);
  const report = await admissions({ port: to, ca, seconds, perSecond: null, connections });
  const cost = ((await processorTimeOf(server.pid)) - before) / report.answered;
  console.log(`      ${to === port ? 'tocsin' : 'bare  '} ${show(report)}, ${cost.toFixed(0)} µs processor each`);
  return report;
}

function show({ perSecond, p50, p99, allowed, answered }: AdmissionReport): string {
  if (allowed !== answered) throw new Error(`${answered - allowed} of ${answered} were not allowed`);
  return `${perSecond.toFixed(0)}/s, p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms`;
}
