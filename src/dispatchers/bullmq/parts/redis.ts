import type { Redis } from 'ioredis';
import { messageOf, TocsinError } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import { hideAddress, parseAddress } from './address.ts';

/** A connection that reconnects by itself. */
export interface RedisLink {
  client: Redis;
  /** Resolves when a usable Redis has answered for the first time. Pending until then. */
  fit: Promise<void>;
  /** What is wrong and what to do; null when all is well. */
  trouble(): string | null;
  close(): void;
}

/** How long a start waits for the first answer before it goes on without Redis, milliseconds. */
const patience = 3000;
/** The longest pause between two tries, milliseconds. */
const longestPause = 5000;
/** A connection without data for this long is dead, milliseconds. A blocking read is shorter: 10 s at most. */
const silence = 15_000;
const oldest = 7;

/**
 * Connects. Rejects with `environment-invalid` for a malformed address, and with `redis-unfit` when the server refuses the password, is too
 * old, may evict keys when its memory is full, or is not Redis. It does not reject when the server is down.
 */
export async function connectRedis(url: string, log: Log): Promise<RedisLink> {
  parseAddress(url);
  const { Redis } = await import('ioredis');
  // It connects by itself. Not `lazyConnect`: BullMQ waits for ever on copies of a lazy client whose first try failed.
  const client = new Redis(url, {
    connectionName: 'tocsin',
    // BullMQ needs null: what is under way when the connection breaks is sent again.
    maxRetriesPerRequest: null,
    connectTimeout: 5000,
    socketTimeout: silence,
    keepAlive: 10_000,
    retryStrategy: tries => Math.min(longestPause, 50 * 2 ** Math.min(tries, 10)) * (0.75 + Math.random() / 2),
  });
  const shown = hideAddress(url);
  const report = createReport(shown, log);
  const fit = Promise.withResolvers<void>();
  const settled = Promise.withResolvers<TocsinError | null>();
  let starting = true;
  let closed = false;
  let looking: NodeJS.Timeout | undefined;

  /** Logs it, except during the start, which rejects with the error instead. */
  function refuse(unfit: TocsinError) {
    if (!starting && !closed) report.ill(`${unfit.message} Given: ${unfit.given}.`, unfit.remedy);
    settled.resolve(unfit);
  }

  /** An unfit Redis can be corrected without a restart of Redis or Tocsin, so it is checked again later. */
  async function check() {
    clearTimeout(looking);
    // Where INFO is not allowed, the server is accepted unchecked.
    const unfit = await checkServer(client, shown).catch(() => null);
    if (client.status !== 'ready' || closed) return;
    if (unfit !== null) {
      refuse(unfit);
      looking = setTimeout(check, longestPause).unref();
      return;
    }
    report.well();
    fit.resolve();
    settled.resolve(null);
  }

  client.on('error', error => {
    const refusal = refusalOf(error, shown);
    if (refusal === null) report.ill(`${messageOf(error)}.`);
    else refuse(refusal);
  });
  client.on('close', () => {
    clearTimeout(looking);
    if (report.trouble() === null && !closed) report.ill('The connection broke.');
  });
  client.on('ready', check);

  const timer = setTimeout(() => settled.resolve(null), patience);
  const refusal = await settled.promise;
  clearTimeout(timer);
  starting = false;
  if (refusal !== null) {
    closed = true;
    client.disconnect();
    throw refusal;
  }
  return {
    client,
    fit: fit.promise,
    trouble: report.trouble,
    close() {
      closed = true;
      clearTimeout(looking);
      client.disconnect();
    },
  };
}

interface Report {
  trouble(): string | null;
  /** Logs each cause once until Redis is well again. */
  ill(because: string, remedy?: string): void;
  well(): void;
}

function createReport(shown: string, log: Log): Report {
  const speaks = shown.startsWith('rediss:') ? ' and speaks TLS,' : '';
  const reach = `See that it runs${speaks} and that REDIS_URL names it.`;
  const logged = new Set<string>();
  let trouble: string | null = `Redis at ${shown} has not answered yet. ${reach}`;
  return {
    trouble: () => trouble,
    ill(because, remedy = reach) {
      trouble = `Redis at ${shown}: ${because} ${remedy}`;
      if (logged.has(because)) return;
      logged.add(because);
      log.warn({ redis: shown, because, remedy }, 'Redis cannot be used; wake-ups wait, and it is tried again');
    },
    well() {
      if (logged.size > 0) log.info({ redis: shown }, 'Redis answers again');
      logged.clear();
      trouble = null;
    },
  };
}

/** The errors that waiting does not cure: a refused or missing password, or a server that is not Redis. Null for others. */
function refusalOf(error: unknown, shown: string): TocsinError | null {
  const text = messageOf(error);
  // ioredis says this of an answer that is not in Redis' protocol, such as a web server's.
  if (/^Unknown RESP type|^Protocol error/.test(text)) {
    return new TocsinError('redis-unfit', {
      message: 'What answers is not Redis.',
      at: 'REDIS_URL',
      allowed: 'redis://host:port of a Redis',
      given: shown,
      remedy: 'Correct the host and the port in REDIS_URL.',
      cause: error,
    });
  }
  if (!/^(WRONGPASS|NOAUTH|NOPERM|ERR .*AUTH|ERR DB index)/.test(text)) return null;
  return new TocsinError('redis-unfit', {
    message: 'Redis refuses the connection.',
    at: 'REDIS_URL',
    allowed: 'redis://user:password@host:port/number, with a user that may do everything to keys tocsin:*',
    given: `${shown} (${text.split(' ')[0]})`,
    remedy: 'Correct the user, the password or the number in REDIS_URL.',
    cause: error,
  });
}

/**
 * Checks version and eviction policy with INFO, because hosted servers do not allow CONFIG. Sources: redis.io/docs/latest/commands/info,
 * docs.bullmq.io (going to production).
 */
async function checkServer(client: Redis, shown: string): Promise<TocsinError | null> {
  const text = `${await client.info('server')}\n${await client.info('memory')}`;
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  const version = field('redis_version');
  if (!(Number.parseInt(version, 10) >= oldest)) {
    return new TocsinError('redis-unfit', {
      message: 'Redis is too old.',
      at: 'REDIS_URL',
      allowed: `Redis ${oldest} or later`,
      given: `${version || 'an unknown version'} at ${shown}`,
      remedy: `Upgrade Redis, or name another one in REDIS_URL.`,
    });
  }
  const policy = field('maxmemory_policy');
  if (policy === 'noeviction' || policy === '') return null;
  return new TocsinError('redis-unfit', {
    message: 'Redis may drop keys when its memory is full.',
    at: 'REDIS_URL',
    allowed: 'maxmemory-policy noeviction',
    given: `maxmemory-policy ${policy} at ${shown}`,
    remedy: 'Set `maxmemory-policy noeviction` in redis.conf, or give Tocsin a Redis that is not a cache.',
  });
}
