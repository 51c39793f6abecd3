import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import bullmq from '../../src/dispatchers/bullmq/index.ts';
import { explainError } from '../../src/kernel/errors.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { Dispatcher } from '../../src/ports/dispatcher.ts';
import { dispatcherContract, eventually } from '../contracts/dispatcher.ts';
import { startProxy } from '../real/proxy.ts';
import { hasRedis, type RealRedis, startRedis } from '../real/redis.ts';

describe.skipIf(!hasRedis)('bullmq on a real Redis', () => {
  let redis: RealRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  dispatcherContract('bullmq', async () => {
    redis.cli('flushall');
    return { driver: bullmq, url: redis.url, destroy: async () => {} };
  });
});

/** Everything that was logged, as one text. */
let logged: string;
const log: Log = {
  debug: note,
  info: note,
  warn: note,
  error: note,
  child: () => log,
};
function note(...parts: unknown[]): void {
  logged += `${JSON.stringify(parts)}\n`;
}

const opened: Dispatcher[] = [];
const servers: RealRedis[] = [];

async function open(url: string, concurrency = 4): Promise<Dispatcher> {
  const dispatcher = await bullmq.open({ concurrency, url, now: Date.now, log });
  opened.push(dispatcher);
  return dispatcher;
}

async function serve(settings: Record<string, string> = {}): Promise<RealRedis> {
  const redis = await startRedis(settings);
  servers.push(redis);
  return redis;
}

/** Starts answering; the runs in the order in which they were. */
function listen(dispatcher: Dispatcher): string[] {
  const answered: string[] = [];
  dispatcher.start(async run => void answered.push(run));
  return answered;
}

beforeEach(() => {
  logged = '';
});
afterEach(async () => {
  for (const dispatcher of opened.splice(0)) await dispatcher.close();
  for (const server of servers.splice(0)) await server.stop();
});

describe.skipIf(!hasRedis)('a Redis that will not do is refused', () => {
  test('one that may drop keys', async () => {
    const redis = await serve({ maxmemory: '64mb', 'maxmemory-policy': 'allkeys-lru' });
    await expect(open(redis.url)).rejects.toMatchObject({
      code: 'redis-unfit',
      allowed: 'maxmemory-policy noeviction',
      given: `maxmemory-policy allkeys-lru at ${redis.url}`,
    });
  });

  test('one that refuses the password, which is never shown', async () => {
    const redis = await serve({ requirepass: 'right-word' });
    const wrong = `redis://:wrong-word@127.0.0.1:${redis.port}/0`;
    const error: unknown = await open(wrong).catch(failure => failure);
    expect(error).toMatchObject({ code: 'redis-unfit', at: 'REDIS_URL' });
    expect(explainError(error) + logged).not.toContain('wrong-word');
    expect(explainError(error)).toContain(`127.0.0.1:${redis.port}`);
    await expect(open(redis.url)).rejects.toMatchObject({ code: 'redis-unfit' });
    // The start's own words are enough: nothing is tried again.
    expect(logged).toBe('');
    const right = await open(`redis://:right-word@127.0.0.1:${redis.port}/0`);
    expect(right.trouble()).toBeNull();
  });

  test('what is not Redis', async () => {
    const web = createServer((_request, response) => response.end('hello'));
    await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    try {
      const error: unknown = await open(`redis://:secret-word@127.0.0.1:${port}/0`).catch(failure => failure);
      expect(error).toMatchObject({ code: 'redis-unfit', message: 'What answers is not Redis.' });
      expect(explainError(error) + logged).not.toContain('secret-word');
    } finally {
      web.close();
    }
  });

  test.each([
    '',
    'redis',
    'localhost:6379',
    'http://127.0.0.1:6379',
    'redis://127.0.0.1:6379/name',
    'redis://u:secret-word@/0',
  ])('an address that is none: %j', async url => {
    const error: unknown = await open(url).catch(failure => failure);
    expect(error).toMatchObject({ code: 'environment-invalid', at: 'REDIS_URL' });
    expect(explainError(error) + logged).not.toContain('secret-word');
  });
});

describe.skipIf(!hasRedis)('a Redis that comes and goes', () => {
  test('one that is down at the start is waited for, and says so', async () => {
    const redis = await serve();
    await redis.kill();
    const dispatcher = await open(`redis://:hidden-word@127.0.0.1:${redis.port}/0`);
    expect(dispatcher.trouble()).toContain(`127.0.0.1:${redis.port}`);
    expect(dispatcher.trouble()).toContain('ECONNREFUSED');
    await dispatcher.wake({ run: 'early' });
    expect(logged + dispatcher.trouble()).not.toContain('hidden-word');
    await dispatcher.close();
    const again = await open(redis.url);
    await again.wake({ run: 'early' });
    await redis.start();
    await eventually(() => again.trouble() === null);
    const answered = listen(again);
    await eventually(() => answered.length === 1);
    expect(answered).toEqual(['early']);
  });

  test('what is wrong is logged once a cause, with what to do, and seen when it was set right', async () => {
    const redis = await serve();
    const dispatcher = await open(redis.url);
    redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    redis.cli('client', 'kill', 'type', 'normal');
    await eventually(() => dispatcher.trouble()?.includes('noeviction') === true);
    // Its connection stays; it is asked again.
    redis.cli('config', 'set', 'maxmemory-policy', 'noeviction');
    await eventually(() => dispatcher.trouble() === null);
    await redis.kill();
    await eventually(() => dispatcher.trouble()?.includes('ECONNREFUSED') === true);
    expect(dispatcher.trouble()).toMatch(/See that it runs and that REDIS_URL names it/);
    await redis.start();
    await eventually(() => dispatcher.trouble() === null);
    const lines = logged.split('\n').filter(line => line.includes('cannot be used') || line.includes('answers again'));
    expect(
      new Set(lines.map(line => /The connection broke|allkeys-lru|ECONNREFUSED|answers again/.exec(line)?.[0])),
    ).toEqual(new Set(['The connection broke', 'allkeys-lru', 'answers again', 'ECONNREFUSED']));
    // Twice it broke and came back; whatever was tried in between is said once.
    expect(lines.length).toBeLessThanOrEqual(6);
  });

  test('after a restart that forgot everything, wake-ups ring again', async () => {
    const redis = await serve();
    const [first, second] = [await open(redis.url), await open(redis.url)];
    const answered = [listen(first), listen(second)];
    await first.wake({ run: 'before' });
    await eventually(() => answered.flat().length === 1);
    await first.wake({ run: 'lost', at: Date.now() + 3_600_000 });
    await redis.kill();
    await eventually(() => first.trouble() !== null);
    // Nobody who rings waits for Redis.
    for (let n = 0; n < 300; n++) await first.wake({ run: `while down ${n % 100}` });
    await redis.start();
    await eventually(() => new Set(answered.flat()).size === 101);
    await eventually(() => first.trouble() === null && second.trouble() === null);
  });

  test('while it is down, a worker answers what it rings for itself, not more at once than allowed', async () => {
    const redis = await serve();
    const dispatcher = await open(redis.url, 2);
    const gates: PromiseWithResolvers<void>[] = [];
    const runs: string[] = [];
    dispatcher.start(async run => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      runs.push(run);
      await gate.promise;
    });
    await redis.kill();
    await eventually(() => dispatcher.trouble() !== null);
    for (const run of ['a', 'a', 'b', 'c']) await dispatcher.wake({ run });
    await dispatcher.wake({ run: 'later', at: Date.now() + 3_600_000 });
    await eventually(() => runs.length === 2);
    expect([runs, dispatcher.busy()]).toEqual([['a', 'b'], 2]);
    for (const gate of gates) gate.resolve();
    await eventually(() => dispatcher.busy() === 0);
    await redis.start();
    await eventually(() => runs.includes('c'));
    for (const gate of gates) gate.resolve();
    expect(runs).not.toContain('later');
  });

  test('emptied while a run is answered: the run is not answered twice at a time, and rings again', async () => {
    const redis = await serve();
    const dispatcher = await open(redis.url);
    const gates: PromiseWithResolvers<void>[] = [];
    let most = 0;
    dispatcher.start(async () => {
      const gate = Promise.withResolvers<void>();
      most = Math.max(most, gates.push(gate) - gates.filter(one => done.has(one)).length);
      await gate.promise;
      done.add(gate);
    });
    const done = new Set<PromiseWithResolvers<void>>();
    await dispatcher.wake({ run: 'r' });
    await eventually(() => gates.length === 1);
    redis.cli('flushall');
    await dispatcher.wake({ run: 'r' });
    await dispatcher.wake({ run: 'other' });
    await eventually(() => gates.length === 2);
    gates[0]?.resolve();
    gates[1]?.resolve();
    await eventually(() => gates.length === 3);
    gates[2]?.resolve();
    await eventually(() => dispatcher.busy() === 0);
    expect(most).toBeLessThanOrEqual(2);
  });

  test('one that hangs keeps nobody who rings waiting, and closing neither', async () => {
    const redis = await serve();
    const dispatcher = await open(redis.url);
    listen(dispatcher);
    process.kill(redis.pid(), 'SIGSTOP');
    for (let n = 0; n < 20_000; n++) await dispatcher.wake({ run: `r${n}` });
    await dispatcher.close();
    process.kill(redis.pid(), 'SIGCONT');
  });
});

describe.skipIf(!hasRedis)('a network between that fails', { timeout: 60_000 }, () => {
  test('cut and slow connections delay wake-ups; one that swallows everything is given up and made again', async () => {
    const redis = await serve();
    const proxy = await startProxy({ port: redis.port });
    try {
      const dispatcher = await open(`redis://127.0.0.1:${proxy.port}/0`);
      const answered = listen(dispatcher);
      const rung: string[] = [];
      const wake = async (run: string) => {
        rung.push(run);
        await dispatcher.wake({ run });
      };
      proxy.delay(20);
      for (let n = 0; n < 20; n++) {
        await wake(`r${n}`);
        if (n % 5 === 2) proxy.cut();
      }
      await eventually(() => rung.every(run => answered.includes(run)));
      proxy.delay(0);
      await eventually(() => dispatcher.trouble() === null);
      proxy.hold('both');
      for (let n = 0; n < 20; n++) await wake(`held ${n}`);
      // Nothing tells that it is gone but the silence.
      await eventually(() => dispatcher.trouble() !== null);
      proxy.cut();
      proxy.pass();
      await eventually(() => rung.every(run => answered.includes(run)));
    } finally {
      await proxy.close();
    }
  });
});

describe.skipIf(!hasRedis)('several processes on one Redis', () => {
  test('a run is answered by one of them, once, and Redis keeps nothing of it', async () => {
    const redis = await serve();
    const nodes = [await open(redis.url, 2), await open(redis.url, 2), await open(redis.url, 2)];
    const answered = nodes.map(listen);
    const runs = Array.from({ length: 200 }, (_, n) => `run_${n}`);
    for (const [n, run] of runs.entries()) await nodes[n % 3]?.wake({ run });
    await eventually(() => answered.flat().length >= runs.length);
    expect(answered.flat().sort()).toEqual([...runs].sort());
    await eventually(() => !redis.cli('keys', 'tocsin:bells:*').includes('run_'));
  });

  test('what one that stops has not begun, another answers', async () => {
    const redis = await serve();
    const [leaving, staying] = [await open(redis.url, 1), await open(redis.url, 1)];
    const gate = Promise.withResolvers<void>();
    const left: string[] = [];
    leaving.start(async run => {
      left.push(run);
      await gate.promise;
    });
    await leaving.wake({ run: 'at work' });
    await eventually(() => left.length === 1);
    const stopped = leaving.drain();
    for (const run of ['a', 'b', 'c']) await leaving.wake({ run });
    const answered = listen(staying);
    await eventually(() => answered.length === 3);
    gate.resolve();
    await stopped;
    expect([left, answered]).toEqual([['at work'], ['a', 'b', 'c']]);
  });
});
