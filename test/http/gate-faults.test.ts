import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../doubles/app.ts';
import { createClock } from '../doubles/clock.ts';

const subject = { service: 'checkout', environment: 'production' };
const rules = 'rules: [{ name: ask, decide: approve, by: sre, expires: 10m }]\n';
const gates = 'gates: { deploy: { ask: [ci] }, other: { ask: [ci] } }\n';
const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
async function start(options: Parameters<typeof startTestApp>[1] = {}): Promise<TestApp> {
  const app = await startTestApp({ 'gates.yaml': gates, 'policy.yaml': rules }, options);
  apps.push(app);
  return app;
}
const ask = (app: TestApp, of: unknown = subject, gate: unknown = 'deploy') =>
  app.call('POST', '/gates', { as: 'CI', body: { gate, subject: of } });
const vote = (app: TestApp, approval: string) =>
  app.call('POST', `/api/v1/approvals/${approval}/votes`, { body: { vote: 'approve' } });
const settled = (app: TestApp, id: string) =>
  app.until(async () => {
    const { body } = await app.call('GET', `/gates/${id}`);
    return body.verdict === 'pending' ? null : body;
  });

describe('a subject', () => {
  it.each([{}, { actor: 'bob' }, { links: [{ label: 'build', url: 'https://ci.example/1' }] }])(
    'that does not say what is about to be done is refused: %j',
    async of => {
      const app = await start();
      expect(await ask(app, of)).toMatchObject({
        status: 422,
        body: { error: { code: 'gate-subject', allowed: expect.stringContaining('image') } },
      });
      expect(await app.app.store.documents('gate', {})).toEqual([]);
    },
  );

  it('that is wrong is told what is wrong with it, and which keys there are only where one is', async () => {
    const app = await start();
    const error = async (of: unknown) => {
      const { status, body } = await ask(app, of);
      expect(status).toBe(400);
      return body.error;
    };
    expect(await error({ ...subject, image: 'checkout:latest' })).toMatchObject({
      message: expect.stringMatching(/^body\.subject\.image: it has no digest; allowed is name@sha256:…/),
    });
    expect(await error({ image: 'checkout:latest' })).not.toHaveProperty('allowed');
    expect(await error({ ...subject, servise: 'x' })).toMatchObject({
      message: 'body.subject: not known: servise (did you mean service?)',
      allowed: expect.arrayContaining(['service', 'image']),
    });
    for (const service of ['', 'a b', 'a\u202eb', 'a\ud800', 12, null, ['a']]) await error({ ...subject, service });
    const link = { label: 'x', url: 'https://x.example' };
    expect((await ask(app, { ...subject, links: Array(10).fill(link) })).status).toBe(200);
    await error({ ...subject, links: Array(11).fill(link) });
    await error({ ...subject, links: [{ label: 'x', url: 'javascript:alert(1)' }] });
  });
});

describe('while people vote', () => {
  it('a gate that is taken out of gates.yaml, or is closed to who asked, lets nothing through', async () => {
    const app = await start();
    const [{ body: gone }, { body: closed }] = [await ask(app), await ask(app, subject, 'other')];
    await writeFile(join(app.folder, 'gates.yaml'), 'gates: { other: { ask: [alice] } }\n');
    await app.app.catalogue.reload();
    for (const { approval } of [gone, closed]) expect((await vote(app, approval)).status).toBe(200);
    expect(await settled(app, gone.id)).toMatchObject({
      verdict: 'deny',
      state: 'void',
      because: 'gates.yaml has no gate "deploy" any more',
    });
    expect(await settled(app, closed.id)).toMatchObject({
      state: 'void',
      because: 'gates.yaml does not let service:ci ask "other" any more',
    });
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it('a token that is taken out of tocsin.yaml ends at once, although gates.yaml still names whose it was', async () => {
    const app = await start();
    const { body: gate } = await ask(app);
    await writeFile(join(app.folder, 'tocsin.yaml'), basicConfig.replace(/.*env: CI.*\n/, ''));
    await app.app.catalogue.reload();
    expect(app.app.catalogue.problems()).toEqual([]);
    expect((await app.call('GET', `/gates/${gate.id}`, { as: 'CI' })).status).toBe(401);
    expect((await ask(app)).status).toBe(401);
    await vote(app, gate.approval);
    expect(await settled(app, gate.id)).toMatchObject({ verdict: 'deny', state: 'void' });
  });

  it('an edit of the policy does not decide what is asked already, and decides what comes next', async () => {
    const app = await start();
    const { body: gate } = await ask(app);
    await writeFile(join(app.folder, 'policy.yaml'), 'rules: [{ name: never, decide: deny }]\n');
    await app.app.catalogue.reload();
    expect((await ask(app)).body).toMatchObject({ id: gate.id, verdict: 'pending' });
    expect((await ask(app, { ...subject, service: 'api' })).body).toMatchObject({ verdict: 'deny', rule: 'never' });
    await vote(app, gate.approval);
    expect(await settled(app, gate.id)).toMatchObject({ verdict: 'allow', because: 'approved by alice' });
  });

  it('two gates with the same subject are two questions, and a vote is for one of them', async () => {
    const app = await start();
    const [{ body: one }, { body: other }] = [await ask(app), await ask(app, subject, 'other')];
    expect(other.hash).not.toBe(one.hash);
    await vote(app, one.approval);
    expect((await settled(app, one.id)).verdict).toBe('allow');
    expect((await app.call('GET', `/gates/${other.id}`)).body.verdict).toBe('pending');
  });
});

it('a clock that goes back brings no allow, and loses no question', async () => {
  const clock = createClock();
  const app = await start({ clock });
  const { body: gate } = await ask(app);
  clock.jump(clock.now() - 3_600_000);
  expect((await ask(app)).body).toMatchObject({ id: gate.id, verdict: 'pending' });
  const { body: later } = await ask(app, { ...subject, service: 'api' });
  expect(later.verdict).toBe('pending');
  await vote(app, gate.approval);
  expect(await settled(app, gate.id)).toMatchObject({ verdict: 'allow' });
  expect((await ask(app)).body).toMatchObject({ id: gate.id, verdict: 'allow' });
  await app.call('POST', `/api/v1/gates/${gate.id}/revoke`, { body: { reason: 'wrong' } });
  expect((await ask(app)).body).toMatchObject({ verdict: 'pending' });
  const journal = await app.app.host.journalState();
  expect(journal.ok).toBe(true);
});
