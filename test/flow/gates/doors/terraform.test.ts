import { afterEach, describe, expect, it } from 'vitest';
import { type DoorWorld, sha, startDoorWorld, taskOf } from './world.ts';

describe('a run task of Terraform', () => {
  const worlds: DoorWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.stop();
  });
  const start = async () => {
    const world = await startDoorWorld();
    worlds.push(world);
    return world;
  };

  it('answers the test of its address, and asks nothing', async () => {
    const world = await start();
    expect(await world.send('terraform', world.terraform.test())).toEqual({ status: 200, gate: null });
    expect(await world.gates()).toEqual([]);
  });

  it('is told that people decide and then that it passed, also after a restart, with a token that nothing keeps', async () => {
    const world = await start();
    const task = taskOf(world.terraform);
    await world.send('terraform', world.terraform.request(task));
    const gate = await world.gate('terraform');
    expect(gate.subject).toMatchObject({
      environment: 'acme/shop',
      service: 'shop',
      repository: 'acme/infra',
      sha,
      actor: 'dana',
    });
    await world.app.until(async () => task.updates.length > 1);
    expect(task.state).toBe('running');
    expect(task.updates[0]?.message).toContain('0 of 1 approvals');
    const sealed = await world.app.app.store.memo(`door-secret/${gate.id}`);
    expect(sealed).toMatch(/^[A-Za-z0-9+/]{40,}=*$/);
    expect(Buffer.from(sealed ?? '', 'base64').toString('latin1')).not.toContain(task.token);
    await world.restart();
    expect(await world.vote('BOB', gate)).toBe(403);
    expect(await world.vote('ALICE', gate)).toBe(200);
    await world.gate('terraform', one => one.told.some(said => said.ok && said.key === 'verdict/allow'));
    expect(task.updates.filter(one => one.status === 'passed')).toHaveLength(1);
    await world.app.until(async () => (await world.app.app.store.memo(`door-secret/${gate.id}`)) === '');
    // Sent again, the token is not kept again.
    await world.send('terraform', world.terraform.request(task));
    expect(await world.app.app.store.memo(`door-secret/${gate.id}`)).toBe('');
    expect(JSON.stringify(await world.app.journal())).not.toContain(task.token);
  });

  it('says in the thread that an approval came too late', async () => {
    const world = await start();
    const task = taskOf(world.terraform);
    await world.send('terraform', world.terraform.request(task));
    const gate = await world.gate('terraform');
    task.state = 'errored';
    await world.vote('ALICE', gate);
    const told = await world.gate('terraform', one => one.told.some(said => said.key === 'verdict/allow'));
    expect(told.told.at(-1)).toMatchObject({ ok: false, text: expect.stringContaining('Too late for Terraform') });
    const post = await world.app.until(async () => {
      const [found] = [await world.app.app.store.post('console', `gate/${gate.id}`)];
      return JSON.stringify(found).includes('Too late for Terraform') ? found : null;
    });
    expect(post).not.toBeNull();
  });

  it.each([
    ['another host', 'https://app.terraform.example/api/v2/task-results/a/callback'],
    ['another path', '/api/v2/task-results/a/callback/../../../x/callback'],
    ['a query', '/api/v2/task-results/a/callback?x=/callback'],
    ['a user before the host', null],
  ])('sends no token to %s', async (_, given) => {
    const world = await start();
    const { url } = world.terraform;
    const callback =
      given === null
        ? `${url}@evil.example/api/v2/task-results/a/callback`
        : given.startsWith('/')
          ? url + given
          : given;
    const task = taskOf(world.terraform);
    const sent = await world.send('terraform', world.terraform.request(task, { task_result_callback_url: callback }));
    expect(sent).toEqual({ status: 422, gate: null });
    expect(await world.gates()).toEqual([]);
    expect(task.updates).toEqual([]);
  });
});
