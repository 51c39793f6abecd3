import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cli } from '../../cli/terminal.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const subject = { service: 'checkout', environment: 'production', image: `registry.example/checkout@${digest}` };
const policy = `
rules:
  - { name: runs, when: 'runbook.risk == "none"', decide: auto }
  - { name: weekend, when: 'gate.subject.environment == "production" && gate.subject.service == "legacy"', decide: deny }
  - { name: broken, when: 'alerts.firing("service=" + gate.subject.service + ",x")[0].title == "x"', decide: auto }
  - { name: ask, when: gate.name == "deploy", decide: approve, by: sre, expires: 10m }
  - { name: rest, decide: deny }
`;
const files: Files = {
  'tocsin.yaml': `${basicConfig}  - { env: OTHER, service: other }\n`,
  'gates.yaml': 'gates: { deploy: { ask: [ci] }, release: { ask: [other] } }\n',
  'policy.yaml': policy,
};
const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
async function start(): Promise<TestApp> {
  const app = await startTestApp(files, { env: { OTHER: 'token-of-other' } });
  apps.push(app);
  return app;
}
const ask = async (app: TestApp) =>
  (await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject } })).body;
const why = async (app: TestApp, id: string) => (await app.call('GET', `/api/v1/explain/${id}`)).body;

describe('explain of a gate', () => {
  it('names the clause that is false, what failed, what decided, and what was not reached', async () => {
    const app = await start();
    const gate = await ask(app);
    const explained = await why(app, gate.id);
    expect(explained).toMatchObject({
      gate: gate.id,
      name: 'deploy',
      state: 'pending',
      decided: { verdict: 'approve', rule: 'ask' },
      now: { verdict: 'approve', rule: 'ask' },
      knownBad: { asked: [], now: [] },
      evidence: { kept: true, documents: [] },
    });
    expect(explained.rules).toMatchObject([
      { name: 'runs', result: 'not of gates' },
      { name: 'weekend', result: 'does not hold', because: 'gate.subject.service == "legacy"' },
      { name: 'broken', result: 'failed' },
      { name: 'ask', result: 'holds', because: null },
      { name: 'rest', result: 'not reached', because: null },
    ]);
  });

  it('tells the decision then from the one now, when the files or the lists have changed', async () => {
    const app = await start();
    const gate = await ask(app);
    await app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { body: { vote: 'approve' } });
    await app.until(async () => (await app.app.store.document('gate', gate.id))?.state === 'allowed');
    const banned = await app.call('POST', '/api/v1/known-bad', { body: { what: digest, reason: 'it loses orders' } });
    expect(banned.status).toBe(201);
    await app.until(async () => (await app.app.store.document('gate', gate.id))?.state === 'void');
    const later = await why(app, gate.id);
    expect(later).toMatchObject({
      state: 'void',
      decided: { verdict: 'approve', rule: 'ask' },
      now: { verdict: 'deny', rule: 'known bad' },
      knownBad: { asked: [], now: [{ what: digest, reason: 'it loses orders' }] },
    });
    await writeFile(join(app.folder, 'gates.yaml'), 'gates: { release: { ask: [other] } }\n');
    await app.app.catalogue.reload();
    expect((await why(app, gate.id)).now).toEqual({
      verdict: 'deny',
      rule: 'gates.yaml',
      because: 'gates.yaml has no gate "deploy" any more',
    });
  });

  it('is for people and for programs that may ask the gate, and changes nothing', async () => {
    const app = await start();
    const gate = await ask(app);
    const before = await app.journal();
    const get = async (headers: Record<string, string>, as: string | null = null) =>
      (await app.call('GET', `/api/v1/explain/${gate.id}`, { as, headers })).status;
    expect(await get({}, 'CI')).toBe(200);
    expect(await get({}, 'RITA')).toBe(200);
    expect(await get({ authorization: 'Bearer token-of-other' })).toBe(403);
    expect((await app.call('GET', '/api/v1/explain/gat_0000000000')).status).toBe(404);
    expect(await app.journal()).toEqual(before);
  });

  it('is shown by the command line and in chat', async () => {
    const app = await start();
    const gate = await ask(app);
    const env = { TOCSIN_URL: app.app.url, TOCSIN_TOKEN: 'token-of-alice' };
    const { code, out } = await cli(['explain', gate.id], { env });
    expect(code).toBe(0);
    expect(out).toContain('does not hold  weekend');
    expect(out).toContain('(gate.subject.service == "legacy")');
    expect(out).toMatch(/When it was asked: approve by "ask"/);
    expect(out).toMatch(/=> approve by "ask"/);
    const replayed = await cli(['replay'], { env: { ...env, TOCSIN_CONFIG: join(app.folder, 'tocsin.yaml') } });
    expect(replayed.err).toContain('1 question of a gate was not replayed. tocsin explain gat_… shows');
    const alice = { kind: 'person', id: 'alice', via: 'console', account: null } as const;
    const context = { platform: 'console', channel: 'alerts', alert: null, run: null, gate: gate.id };
    for (const line of ['explain', `explain ${gate.id}`, `explain ${gate.id.slice(0, -3)}`]) {
      const answer = await app.app.host.command(alice, line, context);
      expect(JSON.stringify(answer)).toContain('does not hold: weekend');
    }
  });
});
