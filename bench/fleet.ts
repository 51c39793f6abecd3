/**
 * `npm run bench -- fleet`: several processes on PostgreSQL and Redis, in one run on this machine. Exits with 1 when a target is missed, and
 * says so when the servers are not installed. `npm run bench -- fleet runs` measures only that; --quick is short.
 */
import { findPostgres, type Postgres, startPostgres } from '../test/real/postgres.ts';
import { hasRedis } from '../test/real/redis.ts';
import { measureRuns, measureTakeover } from './fleet-runs.ts';
import { type Line, notMeasured, printLines } from './report.ts';

const parts: Record<string, (postgres: Postgres) => Promise<Line[]>> = { runs: measureRuns, takeover: measureTakeover };

const lines: Line[] = [];
const missing = [...(findPostgres() === null ? ['PostgreSQL'] : []), ...(hasRedis ? [] : ['Redis'])];
if (missing.length > 0) {
  const why = `${missing.join(' and ')} not installed; scripts/setup-test.sh installs it`;
  lines.push(notMeasured('runs and takeover in a fleet', why));
} else await measureAll();
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureAll(): Promise<void> {
  const wanted = process.argv.slice(2).filter(word => Object.hasOwn(parts, word));
  // With fsync, as in production.
  const postgres = await startPostgres({ shared_buffers: '128MB' });
  try {
    for (const [name, measure] of Object.entries(parts))
      if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await measure(postgres)));
  } finally {
    await postgres.destroy();
  }
}
