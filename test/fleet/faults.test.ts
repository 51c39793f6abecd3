import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../real/alive.ts';
import { files } from './files.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';
import { verifyJournal } from './journal.ts';

describe.skipIf(missingServers() !== null)('faults of a fleet', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = await startFleet(files);
  });
  afterEach(() => fleet.close());

  const ask = async (node: FleetNode, runbook: string, params = {}) =>
    (await node.call('POST', '/api/v1/runs', { runbook, params, reason: 'try' })).body.id as string;
  const read = async (node: FleetNode, run: string) => (await node.call('GET', `/api/v1/runs/${run}`)).body;
  const inState = (node: FleetNode, run: string, ...states: string[]) =>
    until(async () => {
      const found = await read(node, run);
      return states.includes(found.state) ? found : null;
    });
  const lines = (start: string) => fleet.ledger().filter(line => line.startsWith(start));
  const begun = (start: string, times = 1) => until(async () => lines(start).length >= times);

  test('a worker that is killed: its runs are taken over; what may not be repeated is asked', async () => {
    const [intake, doomed] = [await fleet.node(), await fleet.node('worker')];
    const runs: string[] = [];
    // Until both kinds are at work at the one that dies.
    const spare = await fleet.node('worker');
    runs.push(await ask(intake, 'once'), await ask(intake, 'again'));
    await begun('once begins');
    await begun('again begins');
    await Promise.all([doomed.kill(), spare.kill(), intake.kill()]);
    const taker = await fleet.node();
    const [once, again] = runs as [string, string];
    expect((await inState(taker, once, 'asking')).steps[0].state).toBe('unknown');
    await begun('again begins', 2);
    appendFileSync(`${fleet.ledgerPath}.again`, '');
    expect((await inState(taker, again, 'succeeded')).steps[0].attempts).toBe(2);
    expect([lines('once begins').length, lines('once ends').length, lines('again after').length]).toEqual([1, 0, 1]);
    await verifyJournal(fleet, taker);
  });

  test('a worker that stood still and wakes up appends nothing, kills what it started and says so', async () => {
    const frozen = await fleet.node('worker');
    const intake = await fleet.node('intake');
    const run = await ask(intake, 'again');
    await begun('again begins');
    process.kill(frozen.pid, 'SIGSTOP');
    const taker = await fleet.node('worker');
    await begun('again begins', 2);
    const before = (await fleet.journal(intake)).length;
    process.kill(frozen.pid, 'SIGCONT');
    await frozen.process.prints('this node lost a run');
    const [zombie] = lines('again begins').map(line => Number(line.split(' ')[2]));
    await until(async () => !isAlive(zombie ?? 0));
    const grown = (await fleet.journal(intake)).slice(before);
    expect(grown.filter(entry => entry.stream === `run/${run}`)).toEqual([]);
    appendFileSync(`${fleet.ledgerPath}.again`, '');
    expect((await inState(intake, run, 'succeeded')).steps[0].attempts).toBe(2);
    expect([lines('again ends').length, lines('again after').length]).toEqual([1, 1]);
    await verifyJournal(fleet, intake);
    expect(taker.process.child.exitCode).toBeNull();
  });

  test('Redis emptied and restarted under load loses no run and doubles none', async () => {
    const nodes = [await fleet.node(), await fleet.node()];
    const words = Array.from({ length: 60 }, (_, n) => `w${n}`);
    for (const [n, word] of words.entries()) {
      await nodes[n % 2]?.call('POST', '/api/v1/runs', { runbook: 'say', params: { word }, reason: 'try' });
      if (n % 10 === 4) fleet.redis.cli('flushall');
      if (n === 25) await fleet.redis.kill();
      if (n === 40) await fleet.redis.start();
    }
    await until(async () => fleet.ledger().length >= words.length);
    const first = nodes[0] as FleetNode;
    await until(async () => {
      const { body } = await first.call('GET', '/api/v1/runs?limit=100');
      return body.every((run: { state: string }) => run.state === 'succeeded') && body.length === words.length;
    });
    expect(fleet.ledger().sort()).toEqual(words.map(word => `say ${word}`).sort());
    // The runs may be over before the next try to reach Redis.
    await until(async () => (await first.call('GET', '/readyz')).body.parts.redis === null);
    await verifyJournal(fleet, first);
  });

  test('a database that restarts under running steps ends none of them', async () => {
    const node = await fleet.node();
    const run = await ask(node, 'once');
    await begun('once begins');
    await fleet.postgres.halt('immediate');
    await fleet.postgres.resume();
    appendFileSync(`${fleet.ledgerPath}.once`, '');
    expect((await inState(node, run, 'succeeded')).steps[0].attempts).toBe(1);
    expect(lines('once begins')).toHaveLength(1);
    await verifyJournal(fleet, node);
  });
});
