/**
 * `npm run bench -- fleet`: benchmarks on PostgreSQL, in one run on this machine. Exits with 1 when a target is missed, and reports when
 * the servers are not installed. `npm run bench -- fleet ingest` measures only that; --quick is short; --sockets loads with plain sockets.
 */

import { findPostgres, type Postgres, startPostgres } from '../test/real/postgres.ts';
import { hasRedis } from '../test/real/redis.ts';
import { measureRuns, measureTakeover } from './fleet-runs.ts';
import { measureIngest, token } from './ingest.ts';
import { startTocsin } from './processes.ts';
import { type Line, printLines } from './report.ts';

const files = {
  'tocsin.yaml': `sources:\n  alertmanager: { token: "\${BENCH_TOKEN}" }\npeople:\n  you: {}\n`,
  'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
};

const parts: Record<string, (postgres: Postgres) => Promise<Line[]>> = {
  ingest: measureDurable,
  ...(hasRedis ? { runs: measureRuns, takeover: measureTakeover } : {}),
};

if (findPostgres() === null) {
  console.log('PostgreSQL is not installed, so nothing was measured; scripts/setup-test.sh installs it.');
  process.exit(1);
}
const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
const lines: Line[] = [];
// With fsync, as in production.
const postgres = await startPostgres({ shared_buffers: '128MB' });
try {
  for (const [name, measure] of Object.entries(parts))
    if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure(postgres)));
} finally {
  await postgres.destroy();
}
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureDurable(server: Postgres): Promise<Line[]> {
  const tocsin = await startTocsin({ files, env: { BENCH_TOKEN: token, DATABASE_URL: await server.database() } });
  try {
    return await measureIngest(tocsin, 'PostgreSQL');
  } finally {
    await tocsin.close();
  }
}
