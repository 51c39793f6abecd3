import { createAppAuth } from '@octokit/auth-app';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startGitHub } from '../../../doubles/github/index.ts';
import { askingOf, type DoorWorld, runOf, sha, startDoorWorld, webhookSecrets } from './world.ts';

const other = 'f'.repeat(40);

describe('a protection rule of GitHub', () => {
  const worlds: DoorWorld[] = [];
  afterEach(async () => {
    vi.unstubAllGlobals();
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

  it('is rejected when somebody denies, and lets through what policy lets through', async () => {
    const world = await start();
    const run = runOf(world.github);
    await world.send('github', askingOf(world.github, run, { secret: webhookSecrets[1] }));
    await world.vote('ALICE', await world.gate('github'), 'deny');
    await world.app.until(async () => run.reviews.length > 0);
    expect(run.reviews).toMatchObject([{ state: 'rejected' }]);
    const free = runOf(world.github, { id: 77, pending: new Map([['staging', new Set(['app'] as const)]]) });
    await world.send('github', askingOf(world.github, free));
    await world.app.until(async () => free.reviews.length > 0);
    expect(free.reviews).toMatchObject([{ environment: 'staging', state: 'approved' }]);
  });

  it('lets nothing through that is of another commit or attempt by the time of the answer', async () => {
    const world = await start();
    const run = runOf(world.github);
    await world.send('github', askingOf(world.github, run));
    const gate = await world.gate('github');
    Object.assign(run, { run_attempt: 2, head_sha: other });
    await world.vote('ALICE', gate);
    const told = await world.gate('github', one => one.told.some(said => said.key === 'verdict/allow'));
    expect(told.told.at(-1)).toMatchObject({ ok: false, text: expect.stringContaining('another attempt') });
    expect(run.reviews).toEqual([]);
    // The rerun is another question, although everything else is the same.
    await world.send('github', askingOf(world.github, run));
    expect(await world.gates()).toHaveLength(2);
    expect((await world.gates())[0]).toMatchObject({ state: 'pending', subject: { sha: other } });
  });

  it.each([
    [
      'another host',
      'https://api.github.example/repos/acme/checkout/actions/runs/5453085689/deployment_protection_rule',
    ],
    ['another repository', null],
  ])('sends no token where a body says: %s', async (_, callback) => {
    const world = await start();
    const run = runOf(world.github);
    const wrong = callback ?? `${world.github.url}/repos/acme/other/actions/runs/5453085689/deployment_protection_rule`;
    const before = world.github.requests.length;
    expect(await world.send('github', askingOf(world.github, run, { callback: wrong }))).toMatchObject({
      gate: null,
      status: 422,
    });
    expect(await world.gates()).toEqual([]);
    expect(world.github.requests.slice(before).filter(one => one.includes('/runs/5453085689'))).toEqual([]);
  });

  it('is told once although the connection broke after the answer, and after a long outage', async () => {
    const world = await start();
    const run = runOf(world.github);
    await world.send('github', askingOf(world.github, run));
    world.github.gates.loseNext = 1;
    await world.vote('ALICE', await world.gate('github'));
    const told = await world.gate('github', one => one.told.some(said => said.key === 'verdict/allow'));
    expect(run.reviews).toHaveLength(1);
    expect(told.told.at(-1)?.text).toContain('does not wait for it any more');
    const second = runOf(world.github, { id: 78 });
    await world.send('github', askingOf(world.github, second));
    const open = await world.gate('github', one => one.callback['run'] === '78');
    world.github.faults = Array.from({ length: 500 }, () => ({ status: 503 }));
    await world.vote('ALICE', open);
    await world.app.until(async () => world.github.faults.length < 490);
    await world.restart();
    world.github.faults = [];
    await world.app.until(async () => second.reviews.length > 0);
    expect(second.reviews).toHaveLength(1);
  });

  it('finds what no webhook brought, and has failed deliveries sent again', async () => {
    const world = await start();
    const run = runOf(world.github);
    world.github.gates.rules.add('acme/checkout/production');
    const delivered_at = new Date().toISOString();
    const event = 'deployment_protection_rule';
    world.github.gates.deliveries.push(
      { id: 3, guid: 'b', delivered_at, event, status_code: 502 },
      { id: 2, guid: 'a', delivered_at, event, status_code: 200 },
      { id: 1, guid: 'a', delivered_at, event, status_code: 502 },
      { id: 4, guid: 'c', delivered_at, event: 'push', status_code: 502 },
    );
    const gate = await world.gate('github');
    expect(gate.subject).toMatchObject({ sha, environment: 'production', actor: 'dana' });
    await world.app.until(async () => world.github.gates.redelivered.length > 0);
    expect(new Set(world.github.gates.redelivered)).toEqual(new Set([3]));
    // The webhook that comes late after all asks nothing new.
    expect(await world.send('github', askingOf(world.github, run))).toMatchObject({ gate: gate.id });
  });

  it('writes nothing secret into the journal', async () => {
    const world = await start();
    await world.send('github', askingOf(world.github, runOf(world.github)));
    await world.vote('ALICE', await world.gate('github'));
    await world.gate('github', one => one.told.some(said => said.key === 'verdict/allow'));
    const journal = JSON.stringify(await world.app.journal());
    for (const secret of [...webhookSecrets, world.github.app.privateKey, ...world.github.app.tokens.keys()])
      expect(journal).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  it('is taken by the double as the real client sends it', async () => {
    const github = await startGitHub();
    github.app.installations.set('acme', { id: 375706, permissions: { actions: 'read', deployments: 'write' } });
    const direct = fetch;
    vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
      direct(url.replace('https://api.github.com', github.url), init),
    );
    try {
      const auth = createAppAuth({ appId: github.app.id, privateKey: github.app.privateKey });
      const { token } = await auth({
        type: 'installation',
        installationId: 375706,
        repositoryNames: ['checkout'],
        permissions: { actions: 'read', deployments: 'write' },
      });
      expect(github.app.tokens.get(token)).toMatchObject({
        repositories: ['checkout'],
        permissions: { actions: 'read', deployments: 'write' },
      });
      const asking = auth({ type: 'installation', installationId: 375706, permissions: { contents: 'write' } });
      await expect(asking).rejects.toMatchObject({ status: 422 });
    } finally {
      github.close();
    }
  });
});
