import { afterEach, describe, expect, it } from 'vitest';
import type { Files, TestApp } from '../../doubles/app.ts';
import { startTestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const other = `sha256:${'a1b2c3d4e5f60718'.repeat(4)}`;
const image = `registry.example/checkout@${digest}`;
const subject = { service: 'checkout', environment: 'production', image };

const files: Files = {
  'gates.yaml': `
gates:
  deploy: { about: Deployments, ask: [ci], needs: [image, environment] }
`,
  'policy.yaml': `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: ask, when: 'gate.name == "deploy"', decide: approve, by: sre, expires: 10m }
`,
};

describe('what is known to be bad', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });
  const start = async (more: Files = {}, options: Parameters<typeof startTestApp>[1] = {}) => {
    const app = await startTestApp({ ...files, ...more }, options);
    apps.push(app);
    return app;
  };
  const ask = async (app: TestApp, of: object = subject) =>
    (await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject: of } })).body;
  const staging = { ...subject, environment: 'staging' };
  const stateOf = async (app: TestApp, id: string) => (await app.app.store.document('gate', id))?.state;

  it('is put there from an incident: what was asked and allowed ends, and what comes is denied', async () => {
    const app = await start();
    const asked = await ask(app);
    const allowed = await ask(app, staging);
    expect([asked.verdict, allowed.verdict]).toEqual(['pending', 'allow']);
    const { alert } = await app.alert({ service: 'checkout', environment: 'staging' });
    const root = await app.until(async () =>
      (await app.app.store.posts({ platform: 'console', thread: null })).find(post => post.key.startsWith('alert/')),
    );
    const button = root.card.buttons.find(one => one.label.startsWith('Never again'));
    expect(button?.reason).toBe('required');
    if (button?.does.kind !== 'act' || button.does.act.kind !== 'ban') throw new Error('the button does another thing');
    const who = app.app.host.bearer('token-of-bob');
    if (who === null) throw new Error('bob is nobody');
    const act = { ...button.does.act, reason: 'it loses orders' };
    const answers = await Promise.all([app.app.host.act(who, act), app.app.host.act(who, act)]);
    expect(answers.map(one => one.ok && one.entry).filter(Boolean)).toHaveLength(2);
    const { body: entries } = await app.call('GET', '/api/v1/known-bad');
    expect(entries).toMatchObject([{ what: digest, alert, by: 'person:bob', blocks: 'rollout', state: 'open' }]);

    await app.until(
      async () => (await stateOf(app, allowed.id)) === 'void' && (await stateOf(app, asked.id)) === 'void',
    );
    expect(await app.app.store.documents('permit', { state: 'open' })).toEqual([]);
    expect(await app.app.store.approvals({ state: 'open' })).toEqual([]);
    const again = await ask(app, staging);
    expect(again).toMatchObject({ verdict: 'deny', rule: 'known bad' });
    expect(again.because).toContain('it loses orders');
    const note = await app.until(async () =>
      (await app.app.store.posts({ platform: 'console', thread: root.key })).find(post => post.key.startsWith('note/')),
    );
    expect(note.card.title).toContain(`bob: never again ${digest} for 30d (it loses orders)`);
    // Another digest of the service is nobody's business.
    const image = `registry.example/checkout@${other}`;
    expect(await ask(app, { ...staging, image })).toMatchObject({ verdict: 'allow' });
  });

  it('takes the digest of the alert before what was deployed, and nothing from a sender without proof', async () => {
    const config = `
sources: { alertmanager: {} }
people: { alice: {} }
tokens: [{ env: ALICE, person: alice }, { env: CI, service: ci }]
`;
    const open = await start({ 'tocsin.yaml': config, 'policy.yaml': 'rules: []' });
    const { alert } = await open.alert({ image });
    const ban = (app: TestApp, body: object) =>
      app.call('POST', '/api/v1/known-bad', { body: { reason: 'it loses orders', ...body } });
    const refused = await ban(open, { alert });
    expect(refused.status).toBe(409);
    expect(refused.body.error.message).toContain('did not prove itself');

    const app = await start();
    await ask(app, staging);
    const named = await app.alert({ service: 'checkout', image: `registry.example/checkout@${other}` });
    expect((await ban(app, { alert: named.alert, for: '1h' })).body).toMatchObject({ what: other });
    const bare = await app.alert({ service: 'nobody' }, { fingerprint: 'ffffffffffffffff' });
    expect((await ban(app, { alert: bare.alert })).status).toBe(409);
  });

  it('is changed by operators alone, read by all, and taken back', async () => {
    const app = await start();
    const body = { what: digest, reason: 'it loses orders', for: '7d', blocks: 'all' };
    expect((await app.call('POST', '/api/v1/known-bad', { as: 'RITA', body })).status).toBe(403);
    expect((await app.call('POST', '/api/v1/known-bad', { as: 'CI', body })).status).toBe(403);
    expect((await app.call('POST', '/api/v1/known-bad', { body: { ...body, what: 'latest' } })).status).toBe(400);
    expect((await app.call('POST', '/api/v1/known-bad', { body: { ...body, for: '9999d' } })).status).toBe(400);
    const { status, body: entry } = await app.call('POST', '/api/v1/known-bad', { body });
    expect([status, entry.blocks]).toEqual([201, 'all']);
    expect(await ask(app, staging)).toMatchObject({ verdict: 'deny' });
    const end = (as: 'RITA' | 'BOB') =>
      app.call('DELETE', `/api/v1/known-bad/${entry.id}`, { as, body: { reason: 'the wrong digest' } });
    expect((await end('RITA')).status).toBe(403);
    expect((await end('BOB')).body).toMatchObject({ state: 'ended' });
    expect(await ask(app, staging)).toMatchObject({ verdict: 'allow' });
  });

  it('is put there by the command, with a time and a reason in plain words', async () => {
    const app = await start();
    const who = app.app.host.bearer('token-of-alice');
    if (who === null) throw new Error('alice is nobody');
    const context = { platform: 'console', channel: null, alert: null, run: null, gate: null };
    const say = (line: string) => app.app.host.command(who, line, context);
    expect(await say(`ban ${digest} for 7d because it loses orders`)).toMatchObject({ ok: true });
    const [entry] = await app.app.store.documents('known-bad', {});
    expect(entry).toMatchObject({ reason: 'it loses orders', thing: { kind: 'image', digest } });
    expect((entry?.until ?? 0) - (entry?.createdAt ?? 0)).toBe(7 * 86_400_000);
    expect(await say('ban pkg:npm/left-pad for 7d because x')).toMatchObject({ ok: false, code: 'bad-request' });
    expect(await say(`ban ${digest} for 7`)).toMatchObject({ ok: false, code: 'bad-request' });
    expect(await say(`unban ${entry?.id} "it was another one"`)).toMatchObject({ ok: true });
    expect(await app.app.store.documents('known-bad', { state: 'open' })).toEqual([]);
  });

  it('ends an allow also when it was put there while nobody followed', async () => {
    const app = await start({}, { keep: true });
    const allowed = await ask(app, staging);
    expect(allowed.verdict).toBe('allow');
    await app.stop();
    apps.splice(0);
    const file = `entries: [{ image: '${digest}', reason: it loses orders, by: alice }]`;
    const later = await start({ 'known-bad.yaml': file }, { folder: app.folder });
    await later.until(async () => (await stateOf(later, allowed.id)) === 'void');
    expect(await ask(later, staging)).toMatchObject({ verdict: 'deny' });
  });

  it('that may be meant is asked about, and not let through by itself', async () => {
    const range = `{ repository: acme/checkout, introduced: ${'a'.repeat(40)} }`;
    const app = await start({
      'known-bad.yaml': `
entries: [{ range: ${range}, reason: rounding of refunds, by: bob }]
clones: { acme/checkout: ./gone.git }
`,
    });
    const of = { ...staging, repository: 'acme/checkout', sha: 'b'.repeat(40) };
    const asked = await ask(app, of);
    expect(asked).toMatchObject({ verdict: 'pending' });
    expect(asked.because).toContain('it is not known whether this one is meant');
    const voted = await app.call('POST', `/api/v1/approvals/${asked.approval}/votes`, { body: { vote: 'approve' } });
    expect(voted.status).toBe(200);
    expect(await ask(app, of)).toMatchObject({ id: asked.id, verdict: 'allow' });
    expect(await ask(app, { ...of, repository: 'acme/other' })).toMatchObject({ verdict: 'allow', rule: 'staging' });
  });
});
