/**
 * `npm run bench -- fleet`: how Tocsin does on PostgreSQL, in one run on this machine. Exits with 1 when a target is missed, and says so where
 * the servers are not installed. `npm run bench -- fleet ingest` measures only that; --quick is for a first look; --sockets loads with plain sockets.
 */

import { findPostgres, type Postgres, startPostgres } from '../test/real/postgres.ts';
import { hasRedis } from '../test/real/redis.ts';
import { measureRuns, measureTakeover } from './fleet-runs.ts';
import type { LoadOrder } from './load.ts';
import { load, startBare, startTocsin } from './processes.ts';
import { type Line, middle, printLines } from './report.ts';

const connections = 64;
const token = 'bench-token-0123456789abcdef';
const quick = process.argv.includes('--quick');
const client: LoadOrder['client'] = process.argv.includes('--sockets') ? 'sockets' : 'http';
const rounds = quick ? 1 : 5;
const seconds = quick ? 2 : 4;

const files = {
  'tocsin.yaml': `sources:\n  alertmanager: { token: "\${BENCH_TOKEN}" }\npeople:\n  you: {}\n`,
  'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
};

const parts: Record<string, (postgres: Postgres) => Promise<Line[]>> = {
  ingest: measureIngest,
  ...(hasRedis ? { runs: measureRuns, takeover: measureTakeover } : {}),
};

if (findPostgres() === null) {
  console.log('PostgreSQL is not installed, so nothing was measured; scripts/setup-test.sh installs it.');
  process.exit(1);
}
const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
const lines: Line[] = [];
// With fsync, as a server that keeps what it says.
const postgres = await startPostgres({ shared_buffers: '128MB' });
try {
  for (const [name, measure] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure(postgres)));
} finally {
  await postgres.destroy();
}
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

/** Rounds of both in turn, so that whatever else the machine does meets both. */
async function measureIngest(server: Postgres): Promise<Line[]> {
  const tocsin = await startTocsin({ files, env: { BENCH_TOKEN: token, DATABASE_URL: await server.database() } });
  const bare = await startBare();
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const order = { client, path: '/events/alertmanager', connections, seconds, headers };
    const warm = { ...order, seconds: quick ? 1 : 3 };
    await load({ ...warm, port: bare.port, first: 0 });
    let first = (await load({ ...warm, port: tocsin.port, first: 0 })).next;
    const [ratios, p99s]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const bareReport = await load({ ...order, port: bare.port, first: 0 });
      const report = await load({ ...order, port: tocsin.port, first });
      first = report.next;
      if (Object.keys(report.statuses).join() !== '202')
        throw new Error(`answered otherwise: ${JSON.stringify(report.statuses)}`);
      ratios.push(report.perSecond / bareReport.perSecond);
      p99s.push(report.p99);
      console.log(
        `      bare ${bareReport.perSecond.toFixed(0)}/s, durable on PostgreSQL ${report.perSecond.toFixed(0)}/s, p99 ${report.p99.toFixed(1)} ms`,
      );
    }
    const [ratio, p99] = [middle(ratios), middle(p99s)];
    return [
      {
        what: `durable ingest on PostgreSQL against bare node:http, ${connections} connections`,
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
