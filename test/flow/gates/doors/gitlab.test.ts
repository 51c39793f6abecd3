import { afterEach, describe, expect, it } from 'vitest';
import { type DoorWorld, mergeRequestOf, sha, startDoorWorld } from './world.ts';

describe('a status check of GitLab', () => {
  const worlds: DoorWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.stop();
  });
  const start = async () => {
    const world = await startDoorWorld();
    worlds.push(world);
    return world;
  };

  it('is told pending again and again, passes when people approve, and fails when it is taken back', async () => {
    const world = await start();
    const request = mergeRequestOf(world.gitlab);
    expect(await world.send('gitlab', world.gitlab.delivery(request, 'rita'))).toMatchObject({ status: 200 });
    const gate = await world.gate('gitlab');
    expect(gate.subject).toMatchObject({ repository: 'acme/shop', sha, environment: 'main', actor: 'dana' });
    await world.app.until(async () => request.responses.length > 1);
    expect(new Set(request.responses.map(one => one.status))).toEqual(new Set(['pending']));
    // The author, and who sent the event, do not vote.
    expect(await world.vote('BOB', gate)).toBe(403);
    expect(await world.vote('ALICE', gate)).toBe(200);
    await world.gate('gitlab', one => one.told.some(said => said.ok && said.key === 'verdict/allow'));
    expect(request.responses.filter(one => one.status === 'passed')).toHaveLength(1);
    await world.app.call('POST', `/api/v1/gates/${gate.id}/revoke`, { body: { reason: 'it loses orders' } });
    await world.gate('gitlab', one => one.told.some(said => said.ok && said.key === 'verdict/deny'));
    expect(request.responses.at(-1)?.status).toBe('failed');
  });

  it('passes no other commit, and asks anew about it', async () => {
    const world = await start();
    const request = mergeRequestOf(world.gitlab);
    await world.send('gitlab', world.gitlab.delivery(request, 'dana'));
    const gate = await world.gate('gitlab');
    request.sha = 'e'.repeat(40);
    await world.vote('ALICE', gate);
    const told = await world.gate('gitlab', one => one.told.some(said => said.key === 'verdict/allow'));
    expect(told.told.at(-1)).toMatchObject({ ok: false, text: expect.stringContaining('another commit') });
    expect(request.responses.filter(one => one.status === 'passed')).toEqual([]);
    // Found by looking: no delivery came for the new commit.
    await world.gate('gitlab', one => one.subject.sha === request.sha && one.state === 'pending');
  });

  it('is too late for what is merged already', async () => {
    const world = await start();
    const request = mergeRequestOf(world.gitlab);
    await world.send('gitlab', world.gitlab.delivery(request, 'dana'));
    request.state = 'merged';
    await world.vote('ALICE', await world.gate('gitlab'));
    const told = await world.gate('gitlab', one => one.told.some(said => said.key === 'verdict/allow'));
    expect(told.told.at(-1)).toMatchObject({ ok: false, text: expect.stringContaining('Too late') });
  });
});
