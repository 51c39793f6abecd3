import { TocsinError } from '../kernel/errors.ts';
import type { Dispatcher, DispatcherDriver } from '../ports/dispatcher.ts';
import type { AppOptions } from './options.ts';

export interface Servers {
  database: string | null;
  redis: string | null;
}

/** The addresses of servers, as they are; an empty variable is none. */
export function serversOf(env: AppOptions['env']): Servers {
  const read = (name: string) => env[name]?.trim() || null;
  return { database: read('DATABASE_URL'), redis: read('REDIS_URL') };
}

/** Throws `environment-invalid` when the servers do not fit the role or each other. */
export function checkServers({ env, role = 'all' }: Pick<AppOptions, 'env' | 'role'>): void {
  const { database, redis } = serversOf(env);
  if (redis !== null && database === null) {
    throw new TocsinError('environment-invalid', {
      message: 'REDIS_URL is set and DATABASE_URL is not.',
      at: 'REDIS_URL',
      allowed: 'both, for any number of nodes; or neither, for one node with SQLite',
      given: 'REDIS_URL alone',
      remedy:
        'Name a PostgreSQL in DATABASE_URL: Redis carries wake-ups only, the truth of several nodes needs a database. Or unset REDIS_URL.',
    });
  }
  if (role !== 'all' && (database === null || redis === null)) {
    throw new TocsinError('environment-invalid', {
      message: `A node of role ${role} needs the others, and nothing connects it with them.`,
      at: '--role',
      allowed: 'all, or another role with DATABASE_URL and REDIS_URL',
      given: role,
      remedy: 'Set DATABASE_URL and REDIS_URL, or start with --role all.',
    });
  }
}

/** Loads only the configured driver, because BullMQ and ioredis are large. */
export async function openDispatcher(options: AppOptions, concurrency: number, traced: boolean): Promise<Dispatcher> {
  const { redis } = serversOf(options.env);
  const { default: driver }: { default: DispatcherDriver } =
    redis === null ? await import('../dispatchers/local.ts') : await import('../dispatchers/bullmq/index.ts');
  const { clock, log } = options;
  return await driver.open({ concurrency, url: redis, now: () => clock.now(), log, traced });
}
