import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { type Postgres, startPostgres } from '../real/postgres.ts';
import { type RealRedis, startRedis } from '../real/redis.ts';
import { missingServers, until } from './fleet.ts';

/** What could find a cancel without news: the renewal of a run's lease (flow/run/run.ts, 9 s / 3) and the sweeper (flow/run/recover.ts). */
const looks = [3000, 4000];

/** On this clock they never come. */
const withoutLooks: Clock = {
  ...systemClock,
  sleep: (ms, signal) =>
    looks.includes(ms)
      ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
      : systemClock.sleep(ms, signal),
};

describe.skipIf(missingServers() !== null)('a cancel at one node', { timeout: 60_000 }, () => {
  let postgres: Postgres;
  let redis: RealRedis;
  let database: string;
  let folder: string;
  const apps: TestApp[] = [];

  beforeEach(async () => {
    [postgres, redis] = await Promise.all([startPostgres({ fsync: 'off' }), startRedis()]);
    database = await postgres.database();
    folder = await mkdtemp(join(tmpdir(), 'tocsin-cancel-'));
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
    await redis.stop();
    await postgres.destroy();
    await rm(folder, { recursive: true });
  });

  const node = async (role: 'intake' | 'worker') => {
    const app = await startTestApp(
      {
        'policy.yaml': 'rules: [{ name: all, when: "true", decide: auto }]',
        'runbooks/slow.yaml': `title: Slow
risk: none
steps:
  - { id: slow, timeout: 5m, script: 'echo $$ > ${folder}/pid; sleep 300; echo over > ${folder}/over' }
`,
      },
      { role, clock: withoutLooks, env: { DATABASE_URL: database, REDIS_URL: redis.url } },
    );
    apps.push(app);
    return app;
  };
  const isListening = async () => {
    const [found] = await postgres.ask(
      `select count(*)::int as nodes from pg_stat_activity
        where datname = '${new URL(database).pathname.slice(1)}' and query like 'select seq, stamp from head where id = 1%'`,
    );
    return found?.['nodes'] === 2;
  };

  test('ends the step at another by news alone, before any renewal of its lease', async () => {
    const [intake] = [await node('intake'), await node('worker')];
    await until(isListening);
    const asked = await intake.call('POST', '/api/v1/runs', { body: { runbook: 'slow', reason: 'try' } });
    const begun = `${folder}/pid`;
    await until(async () => existsSync(begun) && readFileSync(begun, 'utf8') !== '');
    expect((await intake.call('POST', `/api/v1/runs/${asked.body.id}/cancel`, { body: {} })).status).toBeLessThan(300);
    const run = await intake.ended(asked.body.id);
    expect([run.state, existsSync(`${folder}/over`)]).toEqual(['cancelled', false]);
    // Nobody took the run over: its first worker ended it.
    const starts = (await intake.journal()).filter(({ fact }) => fact.kind === 'step.started');
    expect(starts).toHaveLength(1);
    expect(() => process.kill(Number(readFileSync(begun, 'utf8')), 0)).toThrow('ESRCH');
  });
});
