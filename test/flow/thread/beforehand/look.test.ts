import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../doubles/app.ts';

const config = `
sources:
  alertmanager: { token: alert-secret, settle: 1ms, groupInterval: 1s }
people: { alice: {}, bob: {}, rita: {} }
groups: { sre: [alice, bob], pair: [bob, rita] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
`;
const runbook = (command: string, params = '{ host: { type: string } }') => `
title: Already approved
risk: low
params: ${params}
target: params.host
steps:
  - { id: act, exec: [${command}], idempotent: true }
`;
const files = {
  'tocsin.yaml': config,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: [sre, pair], expires: 10m }\n',
  'runbooks/dump-db.yaml': runbook('echo, dump, "${{ params.host }}"'),
};

let app: TestApp | null = null;
afterEach(async () => {
  await app?.stop();
  app = null;
});

async function start(more: Record<string, string> = {}): Promise<TestApp> {
  app = await startTestApp({ ...files, ...more });
  return app;
}

/** Asks for a run; the approval as bob reads it. */
async function ask(at: TestApp, name: string, params: object = { host: 'db-1' }, as = 'ALICE') {
  const run = await at.call('POST', '/api/v1/runs', { as, body: { runbook: name, params } });
  expect(run.status).toBe(202);
  const open = await at.until(async () =>
    (await at.app.store.approvals({ state: 'open' })).find(one => one.run === run.body.id),
  );
  return (await at.call('GET', `/api/v1/approvals/${open.id}`, { as: 'BOB' })).body;
}

async function approve(at: TestApp, id: string, run: string) {
  expect(
    (await at.call('POST', `/api/v1/approvals/${id}/votes`, { as: 'BOB', body: { vote: 'approve' } })).status,
  ).toBe(200);
  expect((await at.ended(run)).state).toBe('succeeded');
}

test('an ordinary question of a runbook that never ran has no warnings', async () => {
  expect((await ask(await start(), 'dump-db')).warnings).toEqual([]);
});

test('a look-alike runbook that drops a database is told from the one that dumps it', async () => {
  const at = await start({ 'runbooks/dumb-db.yaml': runbook('echo, dropdb, "${{ params.host }}"') });
  expect((await ask(at, 'dumb-db')).warnings).toEqual([
    'The runbook is "dumb-db", one letter from the runbook "dump-db": check which one you mean.',
  ]);
});

test('a runbook that changed since its last success is told with the difference, and not when it did not change', async () => {
  const at = await start();
  const first = await ask(at, 'dump-db');
  await approve(at, first.id, first.run);
  const second = await ask(at, 'dump-db', { host: 'db-2' });
  expect(second.warnings).toEqual([]);
  await at.call('POST', `/api/v1/approvals/${second.id}/votes`, { as: 'BOB', body: { vote: 'deny' } });
  await writeFile(join(at.folder, 'runbooks/dump-db.yaml'), runbook('echo, dropdb, "${{ params.host }}"'));
  await at.app.catalogue.reload();
  const third = await ask(at, 'dump-db', { host: 'db-3' });
  expect(third.warnings).toHaveLength(1);
  expect(third.warnings[0]).toMatch(
    /changed since it last ran successfully, [\s\S]*\n- act: .*"?dump"?.*db-3[\s\S]*\n\+ act: .*dropdb.*db-3/,
  );
});

test('other open cards of the target, and too few who may vote', async () => {
  const at = await start({
    'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: pair, quorum: 2, expires: 10m }\n',
    'runbooks/restart.yaml': runbook('echo, restart, "${{ params.host }}"'),
  });
  await ask(at, 'restart');
  expect((await ask(at, 'dump-db', { host: 'db-1' }, 'BOB')).warnings).toEqual([
    'Another card is open for db-1: restart.',
    '2 approvals are needed, and only rita may give one (bob asked for it and may not): it cannot be approved as it stands.',
  ]);
});

test('a parameter that looks like a secret is masked in the whole card, and in what is to be confirmed', async () => {
  const at = await start({
    'runbooks/login.yaml': runbook(
      'echo, "${{ params.password }}"',
      '{ host: { type: string }, password: { type: string } }',
    ),
  });
  const asked = await ask(at, 'login', { host: 'db-1', password: 'correct-horse-42' });
  expect(asked.warnings).toEqual([expect.stringMatching(/The parameter password looks like a secret/)]);
  const post = await at.until(async () => at.app.store.post('console', `approval/${asked.id}`));
  expect(JSON.stringify(post)).not.toContain('correct-horse-42');
  expect(JSON.stringify(post.card.blocks)).toContain('[redacted]');
  expect(post.card.buttons[0]).toMatchObject({ label: 'Approve', confirm: true });
});

test('forty questions at once all get their cards', async () => {
  const at = await start();
  const asked = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      at.call('POST', '/api/v1/runs', { body: { runbook: 'dump-db', params: { host: `db-${index}` } } }),
    ),
  );
  expect(asked.every(one => one.status === 202)).toBe(true);
  await at.until(async () => (await at.app.store.approvals({ state: 'open', limit: 100 })).length === 40);
  for (const approval of await at.app.store.approvals({ state: 'open', limit: 100 }))
    await at.until(async () => at.app.store.post('console', `approval/${approval.id}`));
});
