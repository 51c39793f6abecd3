import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { files } from './files.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';
import { verifyJournal } from './journal.ts';

/** SOAK_SEED repeats a run, SOAK_FAULTS makes it longer. */
const seed = Number(process.env['SOAK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const faults = Number(process.env['SOAK_FAULTS'] ?? 6);

describe.skipIf(missingServers() !== null)('a short soak', { timeout: 240_000 }, () => {
  let fleet: Fleet;
  let nodes: FleetNode[] = [];
  beforeAll(async () => {
    fleet = await startFleet(files);
    nodes = [await fleet.node(), await fleet.node()];
  });
  afterAll(() => fleet.close());

  test(`random faults, SOAK_SEED=${seed}`, async () => {
    console.log(`SOAK_SEED=${seed}`);
    const random = createRandom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const accepted: string[] = [];
    let over = false;
    const asking = askOn();

    async function askOn() {
      for (let n = 0; !over; n++) {
        const body = { runbook: 'say', params: { word: `w${n}` }, reason: 'soak' };
        const answer = await pick(nodes)
          .call('POST', '/api/v1/runs', body)
          .catch(() => null);
        if (answer?.status === 202) accepted.push(answer.body.id);
        await sleep(50);
      }
    }

    const happenings: Record<string, () => Promise<void>> = {
      'a node is killed': async () => {
        const doomed = pick(nodes);
        await doomed.kill();
        const fresh = await fleet.node();
        nodes = [...nodes.filter(one => one !== doomed), fresh];
      },
      'a node stands still': async () => {
        const { pid } = pick(nodes);
        process.kill(pid, 'SIGSTOP');
        await sleep(2000 + random() * 10_000);
        process.kill(pid, 'SIGCONT');
      },
      'Redis is emptied': async () => void fleet.redis.cli('flushall'),
      'Redis restarts': async () => {
        await fleet.redis.kill();
        await sleep(random() * 2000);
        await fleet.redis.start();
      },
      'PostgreSQL crashes': async () => {
        await fleet.postgres.halt('immediate');
        await fleet.postgres.resume();
      },
      'PostgreSQL restarts': async () => {
        await fleet.postgres.halt('fast');
        await fleet.postgres.resume();
      },
    };
    for (let n = 0; n < faults; n++) {
      const name = pick(Object.keys(happenings));
      console.log(`${n + 1}: ${name}`);
      await happenings[name]?.();
      await sleep(random() * 1500);
    }
    over = true;
    await asking;

    const node = nodes[0] as FleetNode;
    const states = new Map<string, string>();
    await until(async () => {
      for (const id of accepted) {
        if (['succeeded', 'asking'].includes(states.get(id) ?? '')) continue;
        states.set(id, (await node.call('GET', `/api/v1/runs/${id}`)).body.state);
      }
      return accepted.every(id => ['succeeded', 'asking'].includes(states.get(id) ?? ''));
    });
    const words = fleet.ledger();
    // Nothing was done twice; what was accepted was done, or a person is asked because nobody knows.
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
    const done = [...states.values()].filter(state => state === 'succeeded').length;
    expect(words.length).toBeGreaterThanOrEqual(done);
    expect(done).toBeGreaterThan(0);
    await verifyJournal(fleet, node);
  });
});

/** The same numbers for the same seed (mulberry32). */
function createRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
