import { afterEach, describe, expect, it } from 'vitest';
import { documentStreams } from '../../../src/flow/journal/streams.ts';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const subject = {
  service: 'checkout',
  environment: 'production',
  image: `registry.example/checkout@${digest}`,
  actor: 'bob',
};

const files: Files = {
  'gates.yaml': `
gates:
  deploy: { about: Deployments, ask: [ci], needs: [image, environment] }
`,
  'policy.yaml': `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: told, when: 'gate.subject.environment == "test"', decide: notify }
  - { name: never, when: 'gate.subject.service == "legacy"', decide: deny }
  - { name: reading is free, when: 'runbook.risk == "none"', decide: auto }
  - { name: ask, decide: approve, by: sre, quorum: 1, expires: 10m }
`,
};

describe('a gate', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });
  const start = async (more: Files = {}) => {
    const app = await startTestApp({ ...files, ...more });
    apps.push(app);
    return app;
  };
  const ask = (app: TestApp, of: object = subject, as = 'CI') =>
    app.call('POST', '/gates', { as, body: { gate: 'deploy', subject: of } });

  it('asks people once, lets through what they approve, and leaves a permit', async () => {
    const app = await start();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(app)));
    expect(answers.map(one => one.body.verdict)).toEqual(Array(5).fill('pending'));
    const [{ body: gate }] = answers as [(typeof answers)[0]];
    expect(new Set(answers.map(one => one.body.id))).toEqual(new Set([gate.id]));
    const waiting = app.call('GET', `/gates/${gate.id}?wait=30s`, { as: 'CI' });
    // The one who is named as the actor is barred, as is anybody who is not in the group.
    const vote = (as: string) =>
      app.call('POST', `/api/v1/approvals/${gate.approval}/votes`, { as, body: { vote: 'approve' } });
    expect(await vote('BOB')).toMatchObject({
      status: 403,
      body: { error: { message: 'Nobody votes on what was asked by them or for them.' } },
    });
    expect((await vote('RITA')).status).toBe(403);
    expect((await vote('ALICE')).status).toBe(200);
    expect((await waiting).body).toMatchObject({ id: gate.id, verdict: 'allow', because: 'approved by alice' });
    expect((await ask(app)).body).toMatchObject({ id: gate.id, verdict: 'allow', expires: null });
    const [permit] = await app.app.store.documents('permit', { key: digest });
    expect(permit).toMatchObject({ origin: 'gate', of: gate.id, environment: 'production', state: 'open' });
  });

  it('that was allowed is revoked for everybody, with its permit', async () => {
    const app = await start();
    const { body: gate } = await ask(app, { ...subject, environment: 'staging' });
    expect(gate).toMatchObject({ verdict: 'allow', rule: 'staging' });
    const revoked = await app.call('POST', `/api/v1/gates/${gate.id}/revoke`, { body: { reason: 'it loses orders' } });
    expect(revoked.body).toMatchObject({ verdict: 'deny', state: 'revoked', because: 'it loses orders' });
    expect(await app.app.store.documents('permit', { state: 'open' })).toEqual([]);
    expect((await ask(app, { ...subject, environment: 'staging' })).body.id).not.toBe(gate.id);
  });

  it('is asked anew for the sixtieth time, and its documents are what the entries make', async () => {
    const app = await start();
    const denied = { ...subject, service: 'legacy' };
    const ids = new Set<string>();
    for (let times = 0; times < 60; times++) ids.add((await ask(app, denied)).body.id);
    expect(ids.size).toBe(60);
    const { body: allowed } = await ask(app, { ...subject, environment: 'staging' });
    await app.call('POST', `/api/v1/gates/${allowed.id}/revoke`, { body: { reason: 'wrong' } });
    for (const kind of ['gate', 'permit'] as const) {
      const docs = await app.app.store.documents(kind, { limit: 100 });
      expect(docs.length).toBe(kind === 'gate' ? 61 : 1);
      for (const doc of docs) {
        const { stream, fold } = documentStreams[kind];
        const entries = await app.app.store.stream(stream(doc.id));
        const folded = entries.reduce<typeof doc | null>((known, { fact, at }) => fold(known as never, fact, at), null);
        expect(folded).toEqual(doc);
      }
    }
  });

  it.each([
    ['deny', { ...subject, service: 'legacy' }, 'deny', 'never'],
    ['notify', { ...subject, environment: 'test' }, 'allow', 'told'],
  ])('decides %s by policy', async (_, of, verdict, rule) => {
    const app = await start();
    expect((await ask(app, of)).body).toMatchObject({ verdict, rule });
  });

  it('refuses who may not ask, what is not there, and a subject that lacks what it needs', async () => {
    const app = await start();
    expect((await ask(app, subject, 'ALICE')).status).toBe(403);
    const { image: _, ...bare } = subject;
    expect(await ask(app, bare)).toMatchObject({
      status: 422,
      body: { error: { code: 'gate-subject', allowed: 'image, environment' } },
    });
    expect((await ask(app, { ...subject, images: 'x' })).status).toBe(400);
    expect((await ask(app, { ...subject, image: 'registry.example/checkout:latest' })).status).toBe(400);
    const other = await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deplyo', subject } });
    expect(other).toMatchObject({ status: 404, body: { error: { remedy: 'Did you mean "deploy"?' } } });
  });

  it('that nobody answers in time is denied', async () => {
    const app = await start({ 'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 1s }]' });
    const { body: gate } = await ask(app);
    const late = await app.call('GET', `/gates/${gate.id}?wait=20s`, { as: 'CI' });
    expect(late.body).toMatchObject({ verdict: 'deny', state: 'expired', because: 'nobody decided in time' });
  });
});
