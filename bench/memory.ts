/**
 * `npm run bench -- memory`: the memory of Tocsin and its helper processes (PSS: shared pages are counted once) on SQLite: idle, under 64
 * connections that send alerts, and a minute later. Exits with 1 when a target is missed; --quick waits for 5 s only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { load, pssOf, startTocsin } from './processes.ts';
import { below, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const seconds = quick ? 5 : 20;
const connections = 64;
/** Milliseconds from the end of the start to the idle figure: the start's garbage is collected by then. */
const settling = 10_000;
const after = quick ? 5000 : 60_000;

const tocsin = await startTocsin({
  files: {
    'tocsin.yaml': `sources:\n  alertmanager: { token: "\${BENCH_TOKEN}" }\npeople:\n  you: {}\n`,
    'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
  },
  env: { BENCH_TOKEN: token },
  nodeOptions: process.env['BENCH_NODE']?.split(' ') ?? [],
});
try {
  await sleep(settling);
  const idle = await pssOf(tocsin.pid);
  const headers = { Authorization: `Bearer ${token}` };
  const path = '/events/alertmanager';
  let loading = true;
  const loaded = load({ client: 'http', port: tocsin.port, path, connections, seconds, headers, first: 0 }).finally(
    () => {
      loading = false;
    },
  );
  let busy = 0;
  while (loading) {
    busy = Math.max(busy, await pssOf(tocsin.pid));
    await sleep(250);
  }
  const report = await loaded;
  await sleep(after);
  const later = await pssOf(tocsin.pid);
  console.log(`      ${report.answered} events in ${seconds} s, answered ${JSON.stringify(report.statuses)}`);
  const lines = [
    below('memory of all processes, idle (PSS)', idle, 140, 'MB'),
    below(`the most under ${connections} connections for ${seconds} s`, busy, 320, 'MB'),
    below(`${after / 1000} s later`, later, 190, 'MB'),
  ];
  printLines(lines);
  process.exitCode = lines.every(line => line.reached) ? 0 : 1;
} finally {
  await tocsin.close();
}
