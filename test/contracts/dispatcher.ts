import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '../../src/kernel/log.ts';
import type { Dispatcher, DispatcherDriver } from '../../src/ports/dispatcher.ts';

/** Where one implementation opens: its driver, and the address of what it needs (null for nothing). */
export interface DispatcherPlace {
  driver: DispatcherDriver;
  url: string | null;
  destroy(): Promise<void>;
}

/** What every dispatcher promises. An implementation names itself and says how to open an empty one. */
export function dispatcherContract(name: string, makePlace: () => Promise<DispatcherPlace>): void {
  describe(`dispatcher ${name}`, () => {
    let place: DispatcherPlace;
    let errors: object[];
    const opened: Dispatcher[] = [];

    beforeEach(async () => {
      place = await makePlace();
      errors = [];
    });
    afterEach(async () => {
      for (const dispatcher of opened.splice(0)) await dispatcher.close();
      await place.destroy();
    });

    async function open(concurrency = 4): Promise<Dispatcher> {
      const dispatcher = await place.driver.open({ concurrency, url: place.url, now: Date.now, log: collect(errors) });
      opened.push(dispatcher);
      return dispatcher;
    }

    /** A dispatcher whose handlers stay at work until they are let go. */
    async function openHeld(concurrency = 4) {
      const dispatcher = await open(concurrency);
      const answered: string[] = [];
      const held = new Map<string, PromiseWithResolvers<void>>();
      const together = { now: 0, most: 0 };
      dispatcher.start(async run => {
        expect(held.has(run)).toBe(false);
        together.most = Math.max(together.most, ++together.now);
        const gate = Promise.withResolvers<void>();
        held.set(run, gate);
        answered.push(run);
        await gate.promise;
        held.delete(run);
        together.now--;
      });
      const letGo = async (run: string) => {
        await eventually(() => held.has(run));
        const gate = held.get(run);
        gate?.resolve();
        // The run may be at work again by now, behind another gate.
        await eventually(() => held.get(run) !== gate);
      };
      return { dispatcher, answered, letGo, together };
    }

    test('a wake-up is answered, also one that rang before anybody listened', async () => {
      const dispatcher = await open();
      const answered: string[] = [];
      await dispatcher.wake({ run: 'early' });
      dispatcher.start(async run => {
        answered.push(run);
      });
      await dispatcher.wake({ run: 'late' });
      await dispatcher.wake({ run: 'past', at: Date.now() - 1000 });
      await eventually(() => answered.length === 3);
      expect([...answered].sort()).toEqual(['early', 'late', 'past']);
    });

    test('whoever rings is never inside the handler', async () => {
      const dispatcher = await open();
      const order: string[] = [];
      dispatcher.start(async run => {
        order.push(run);
      });
      const ringing = dispatcher.wake({ run: 'r' });
      order.push('after the call');
      await ringing;
      await eventually(() => order.length === 2);
      expect(order).toEqual(['after the call', 'r']);
    });

    test('rings while a run waits are one wake-up', async () => {
      const { dispatcher, answered, letGo } = await openHeld(1);
      await dispatcher.wake({ run: 'first' });
      await eventually(() => answered.length === 1);
      for (let n = 0; n < 5; n++) await dispatcher.wake({ run: 'second' });
      await letGo('first');
      await letGo('second');
      await dispatcher.wake({ run: 'third' });
      await letGo('third');
      expect(answered).toEqual(['first', 'second', 'third']);
    });

    test('a ring during the answer rings again after it, never beside it', async () => {
      const { dispatcher, answered, letGo } = await openHeld();
      await dispatcher.wake({ run: 'r' });
      await eventually(() => answered.length === 1);
      await dispatcher.wake({ run: 'r' });
      await dispatcher.wake({ run: 'r' });
      await settle();
      expect([answered, dispatcher.busy()]).toEqual([['r'], 1]);
      await letGo('r');
      await letGo('r');
      await settle();
      expect([answered, dispatcher.busy()]).toEqual([['r', 'r'], 0]);
    });

    test('not more are answered at once than allowed, and all are in the end', async () => {
      const { dispatcher, answered, letGo, together } = await openHeld(3);
      const runs = Array.from({ length: 20 }, (_, n) => `r${n}`);
      for (const run of runs) await dispatcher.wake({ run });
      await eventually(() => answered.length === 3);
      await settle();
      expect(dispatcher.busy()).toBe(3);
      for (const run of runs) await letGo(run);
      expect([answered, together.most]).toEqual([runs, 3]);
    });

    test('what a person waits for goes before what waits already', async () => {
      const { dispatcher, answered, letGo } = await openHeld(1);
      await dispatcher.wake({ run: 'at work' });
      await eventually(() => answered.length === 1);
      for (let n = 0; n < 50; n++) await dispatcher.wake({ run: `r${n}` });
      await dispatcher.wake({ run: 'pressed', first: true });
      for (let n = 0; n < 52; n++) {
        await eventually(() => answered.length > n);
        await letGo(answered[n] ?? '');
      }
      expect(answered.filter(run => run !== 'pressed')).toEqual([
        'at work',
        ...Array.from({ length: 50 }, (_, n) => `r${n}`),
      ]);
      expect(answered.indexOf('pressed')).toBeLessThan(answered.indexOf('r49'));
    });

    test('a run that rings for itself without end does not keep the others waiting', async () => {
      const dispatcher = await open(1);
      const answered: string[] = [];
      dispatcher.start(async run => {
        answered.push(run);
        if (run === 'greedy' && answered.length < 50) await dispatcher.wake({ run });
      });
      await dispatcher.wake({ run: 'greedy' });
      await dispatcher.wake({ run: 'other' });
      await eventually(() => answered.includes('other'));
      expect(answered.indexOf('other')).toBeLessThan(3);
    });

    test('an error of a handler is logged, and the next wake-up is answered', async () => {
      const dispatcher = await open(1);
      let calls = 0;
      dispatcher.start(async run => {
        calls++;
        if (run === 'bad') throw new Error('it broke');
      });
      await dispatcher.wake({ run: 'bad' });
      await dispatcher.wake({ run: 'good' });
      await eventually(() => calls === 2);
      await eventually(() => dispatcher.busy() === 0);
      expect(errors).toMatchObject([{ run: 'bad', error: 'it broke' }]);
      await dispatcher.wake({ run: 'bad' });
      await eventually(() => calls === 3);
    });

    test('a wake-up for later is answered, and not before its time', async () => {
      const dispatcher = await open();
      const answered: [string, number][] = [];
      dispatcher.start(async run => {
        answered.push([run, Date.now()]);
      });
      const at = Date.now() + 60;
      await dispatcher.wake({ run: 'later', at });
      await dispatcher.wake({ run: 'now' });
      await eventually(() => answered.length === 2);
      expect(answered.map(([run]) => run)).toEqual(['now', 'later']);
      expect(answered[1]?.[1]).toBeGreaterThanOrEqual(at);
    });

    test('a wake-up in a year does not ring now', async () => {
      const dispatcher = await open();
      const answered: string[] = [];
      dispatcher.start(async run => {
        answered.push(run);
      });
      await dispatcher.wake({ run: 'next year', at: Date.now() + 365 * 24 * 3_600_000 });
      await dispatcher.wake({ run: 'now' });
      await eventually(() => answered.includes('now'));
      await settle();
      expect(answered).toEqual(['now']);
    });

    test('draining waits for handlers at work, and begins nothing new', async () => {
      const { dispatcher, answered, letGo } = await openHeld(1);
      await dispatcher.wake({ run: 'at work' });
      await eventually(() => answered.length === 1);
      await dispatcher.wake({ run: 'waiting' });
      await dispatcher.wake({ run: 'at work' });
      let drained = false;
      const draining = dispatcher.drain().then(() => {
        drained = true;
      });
      await settle();
      expect(drained).toBe(false);
      await letGo('at work');
      await draining;
      await dispatcher.wake({ run: 'too late' });
      await settle();
      expect([answered, dispatcher.busy()]).toEqual([['at work'], 0]);
    });

    test('closing twice, or without ever starting, is no error', async () => {
      const dispatcher = await open();
      await dispatcher.wake({ run: 'r', at: Date.now() + 1e9 });
      await dispatcher.close();
      await dispatcher.close();
    });
  });
}

/** Resolves when it holds; the test's own time-out is the bound. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 2));
}

/** Lets everything happen that is due. */
async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise(resolve => setTimeout(resolve, 2));
}

function collect(errors: object[]): Log {
  const log: Log = { debug() {}, info() {}, warn() {}, error: facts => void errors.push(facts), child: () => log };
  return log;
}
