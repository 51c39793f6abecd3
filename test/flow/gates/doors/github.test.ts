import { afterEach, describe, expect, it } from 'vitest';
import { askingOf, type DoorWorld, runOf, sha, startDoorWorld } from './world.ts';

describe('a protection rule of GitHub', () => {
  const worlds: DoorWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.stop();
  });
  const start = async (...given: Parameters<typeof startDoorWorld>) => {
    const world = await startDoorWorld(...given);
    worlds.push(world);
    return world;
  };

  it('asks people once, says how it stands, and is approved exactly once', async () => {
    const world = await start();
    const run = runOf(world.github);
    const delivery = askingOf(world.github, run);
    const sent = await Promise.all([1, 2, 3].map(() => world.send('github', delivery)));
    expect(sent.map(one => one.status)).toEqual([200, 200, 200]);
    const gate = await world.gate('github');
    expect(new Set(sent.map(one => one.gate))).toEqual(new Set([gate.id]));
    expect(gate.subject).toMatchObject({
      repository: 'acme/checkout',
      sha,
      environment: 'production',
      service: 'checkout',
      change: 'workflow run 5453085689, attempt 1',
      actor: 'dana',
    });
    await world.app.until(async () => run.reports.length > 0);
    expect(run.reports[0]?.comment).toContain('Waiting for people: 0 of 1 approvals by sre.');
    expect(run.reviews).toEqual([]);
    // The account of the one who pushed is bob's.
    expect(await world.vote('BOB', gate)).toBe(403);
    expect(await world.vote('ALICE', gate)).toBe(200);
    await world.gate('github', one => one.told.some(told => told.key === 'verdict/allow' && told.ok));
    expect(run.reviews).toMatchObject([{ environment: 'production', state: 'approved' }]);
    expect(run.reviews[0]?.comment).toContain('approved by alice');
    expect(await world.send('github', delivery)).toMatchObject({ status: 200 });
    await world.restart();
    expect(run.reviews).toHaveLength(1);
    expect(await world.gates()).toHaveLength(1);
  });
});
