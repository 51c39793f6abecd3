import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const subject = { environment: 'production', image: `registry.example/checkout@${digest}` };
const staging = { ...subject, environment: 'staging' };

const files = {
  'gates.yaml': 'gates: { deploy: { about: Deployments, ask: [ci], needs: [image, environment] } }\n',
  'policy.yaml': `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: ask, when: 'gate.name == "deploy"', decide: approve, by: sre, expires: 10m }
`,
};

/** A store in which nobody gets through the gates that stand, as the duty does, while `held` is set: it is slow or another node has it. */
function withoutDuty(state: { held: Promise<void> | null }) {
  return (store: Store): Store => ({
    ...store,
    async documents(kind, query) {
      if (kind === 'gate' && query.dueFrom !== undefined) await state.held;
      return await store.documents(kind, query);
    },
  });
}

describe('what became known to be bad before the duty has seen it', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  const start = async () => {
    const state: Parameters<typeof withoutDuty>[0] = { held: null };
    const app = await startTestApp(files, { wrapStore: withoutDuty(state) });
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(async () => {
      resolve();
      await app.stop();
    });
    const stopDuty = () => {
      state.held = promise;
    };
    return { app, stopDuty };
  };
  const ask = async (app: TestApp, of: object, headers = {}) =>
    (await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject: of }, headers })).body;
  const ban = async (app: TestApp) =>
    expect(
      (await app.call('POST', '/api/v1/known-bad', { body: { what: digest, reason: 'it loses orders' } })).status,
    ).toBeLessThan(300);
  const stateOf = async (app: TestApp, id: string) => (await app.app.store.document('gate', id))?.state;

  it.each([
    ['an allow that holds', staging, 'allow'],
    ['an open question', subject, 'pending'],
  ])('%s is not handed out', async (_, of, before) => {
    const { app, stopDuty } = await start();
    const first = await ask(app, of);
    expect(first.verdict).toBe(before);
    stopDuty();
    await ban(app);
    const second = await ask(app, of);
    expect(second).toMatchObject({ verdict: 'deny', rule: 'known bad' });
    expect(second.because).toContain('it loses orders');
    expect(second.id).not.toBe(first.id);
    // The one before ended at once, with all that came of it.
    expect(await stateOf(app, first.id)).toBe('void');
    expect(await app.app.store.documents('permit', { state: 'open' })).toEqual([]);
    expect(await app.app.store.approvals({ state: 'open' })).toEqual([]);
  });

  it('the same request again, by its key, gets no allow either', async () => {
    const { app, stopDuty } = await start();
    const key = { 'idempotency-key': 'build-4711' };
    const first = await ask(app, staging, key);
    expect(first.verdict).toBe('allow');
    stopDuty();
    await ban(app);
    expect(await ask(app, staging, key)).toMatchObject({ id: first.id, verdict: 'deny' });
    expect(await stateOf(app, first.id)).toBe('void');
  });

  it('ends once when many ask at the same moment', async () => {
    const { app, stopDuty } = await start();
    await ask(app, staging);
    stopDuty();
    await ban(app);
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(app, staging)));
    expect(answers.map(({ verdict }) => verdict)).toEqual(Array(8).fill('deny'));
    const revoked = (await app.journal()).filter(({ fact }) => fact.kind === 'gate.revoked');
    expect(revoked).toHaveLength(1);
  });
});
