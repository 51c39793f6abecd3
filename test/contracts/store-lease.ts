import { describe, expect, test } from 'vitest';
import { outcomes, useHarness } from './harness.ts';
import type { Place } from './place.ts';
import { sampleEntry } from './samples.ts';

export function leaseContract(makePlace: () => Promise<Place>): void {
  describe('leases', () => {
    const { store, clock, harness } = useHarness(makePlace);
    const acquire = (holder: string, name = 'run/run_1') => store().acquire({ name, holder, ttl: 1000 });
    const write = (token: number) =>
      store().commit({ guards: [{ kind: 'lease', name: 'run/run_1', token }], entries: [sampleEntry(`${token}`)] });

    test('one holds it, others wait until it ran out', async () => {
      expect(await acquire('a')).toBe(1);
      expect(await acquire('b')).toBeNull();
      expect(await acquire('b', 'run/run_2')).toBe(1);
      await clock().advance(999);
      expect(await acquire('b')).toBeNull();
      await clock().advance(1);
      expect(await acquire('b')).toBe(2);
    });

    test('of a hundred who ask at once one gets it', async () => {
      const tokens = await Promise.all(Array.from({ length: 100 }, (_, n) => acquire(`holder ${n}`)));
      expect(tokens.filter(token => token !== null)).toEqual([1]);
    });

    test('renewing prolongs, until somebody else took it', async () => {
      const token = (await acquire('a')) ?? 0;
      await clock().advance(900);
      expect(await store().renew({ name: 'run/run_1', holder: 'a', token, ttl: 1000 })).toBe(true);
      await clock().advance(900);
      expect(await acquire('b')).toBeNull();
      await clock().advance(100);
      expect(await acquire('b')).toBe(2);
      expect(await store().renew({ name: 'run/run_1', holder: 'a', token, ttl: 1000 })).toBe(false);
      expect(await store().renew({ name: 'run/none', holder: 'a', token, ttl: 1000 })).toBe(false);
    });

    test('releasing frees it at once, and only for its holder', async () => {
      const token = (await acquire('a')) ?? 0;
      await store().release({ name: 'run/run_1', holder: 'b', token });
      expect(await acquire('b')).toBeNull();
      await store().release({ name: 'run/run_1', holder: 'a', token: token + 1 });
      expect(await acquire('b')).toBeNull();
      await store().release({ name: 'run/run_1', holder: 'a', token });
      expect(await acquire('b')).toBe(2);
    });

    test('the holder may take it again, and its older token is void', async () => {
      const [older, newer] = [(await acquire('a')) ?? 0, (await acquire('a')) ?? 0];
      expect(newer).toBeGreaterThan(older);
      expect(await outcomes([write(older), write(newer)])).toEqual(['guard-failed', 'ok']);
    });

    test('a change under a token that was overtaken is rejected', async () => {
      const old = (await acquire('a')) ?? 0;
      expect(await outcomes([write(old)])).toEqual(['ok']);
      await clock().advance(1000);
      expect(await outcomes([write(old)])).toEqual(['ok']);
      const taking = acquire('b');
      const late = outcomes([write(old)]);
      expect(await taking).toBe(2);
      expect(await late).toEqual(['guard-failed']);
      await expect(write(old)).rejects.toMatchObject({ at: 'lease run/run_1' });
      expect(await outcomes([write(2), write(3)])).toEqual(['ok', 'guard-failed']);
    });

    test('a released token holds nothing, and neither does one that nobody was given', async () => {
      expect(await outcomes([write(1)])).toEqual(['guard-failed']);
      const token = (await acquire('a')) ?? 0;
      await store().release({ name: 'run/run_1', holder: 'a', token });
      expect(await outcomes([write(token)])).toEqual(['guard-failed']);
    });

    test('who holds is told, by name, as long as it does', async () => {
      await acquire('a');
      const token = (await acquire('b', 'run/run_2')) ?? 0;
      const names = ['run/run_2', 'run/run_1', 'run/none', "it's; --"];
      const held = async () => (await store().holders(names)).map(({ name, holder }) => `${name} ${holder}`).sort();
      expect(await held()).toEqual(['run/run_1 a', 'run/run_2 b']);
      expect(await store().holders([])).toEqual([]);
      await store().release({ name: 'run/run_2', holder: 'b', token });
      expect(await held()).toEqual(['run/run_1 a']);
      await clock().advance(1000);
      expect(await held()).toEqual([]);
    });

    test('a change takes the lease with it, when it is free and the token is the next', async () => {
      const take = (holder: string, token: number) =>
        store().commit({
          guards: [{ kind: 'take', name: 'run/run_1', holder, token, ttl: 1000 }],
          entries: [sampleEntry(`${holder} ${token}`)],
        });
      await expect(take('a', 2)).rejects.toMatchObject({ code: 'guard-failed', at: 'take run/run_1' });
      expect(await outcomes([take('a', 1), take('b', 1), take('b', 2), write(1)])).toEqual([
        'ok',
        'guard-failed',
        'guard-failed',
        'ok',
      ]);
      expect(await acquire('b')).toBeNull();
      expect(await store().renew({ name: 'run/run_1', holder: 'a', token: 1, ttl: 1000 })).toBe(true);
      await clock().advance(1000);
      expect(await outcomes([take('b', 1), take('b', 2), write(1)])).toEqual(['guard-failed', 'ok', 'guard-failed']);
      expect((await store().journal({ after: 0, limit: 10 })).length).toBe(3);
    });

    test('a change that fails takes nothing, and none gives back what is not its own', async () => {
      const taking = store().commit({
        guards: [
          { kind: 'take', name: 'run/run_1', holder: 'a', token: 1, ttl: 1000 },
          { kind: 'stream', stream: 'system', version: 7 },
        ],
      });
      await expect(taking).rejects.toMatchObject({ at: 'stream system' });
      expect(await acquire('b')).toBe(1);
      const giveBack = (token: number) =>
        store().commit({
          guards: [{ kind: 'lease', name: 'run/run_1', token, release: true }],
          entries: [sampleEntry(`${token}`)],
        });
      expect(await outcomes([giveBack(2)])).toEqual(['guard-failed']);
      expect(await acquire('a')).toBeNull();
      expect(await outcomes([giveBack(1), giveBack(1), write(1)])).toEqual(['ok', 'guard-failed', 'guard-failed']);
      expect(await acquire('a')).toBe(2);
    });

    test('tokens go on rising after a restart', async () => {
      const before = (await acquire('a')) ?? 0;
      await store().close();
      await clock().advance(1000);
      const again = await harness().open();
      expect(await again.acquire({ name: 'run/run_1', holder: 'b', ttl: 1000 })).toBeGreaterThan(before);
    });
  });
}
