import { afterEach, describe, expect, test } from 'vitest';
import type { Fact } from '../../../src/model/journal.ts';
import type { Store } from '../../../src/ports/store.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

const files = {
  'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 1s }'),
  'policy.yaml': 'rules:\n  - { name: free, decide: auto }\n',
  'runbooks/mend.yaml': `
title: Mend
risk: low
on: [{ source: alertmanager, match: { alertname: Auto } }]
target: '"web-1"'
steps:
  - { id: mend, exec: ["true"] }
`,
};

let stop: (() => Promise<void>) | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

/** The app over a store in which `happens` is done just before the first commit with a fact of this kind. */
async function openWith(kind: Fact['kind'], happens: (app: TestApp) => Promise<unknown>): Promise<TestApp> {
  let done = false;
  const wrapStore = (store: Store): Store => ({
    ...store,
    async commit(change) {
      if (!done && change.entries?.some(entry => entry.fact.kind === kind)) {
        done = true;
        await happens(app);
      }
      return await store.commit(change);
    },
  });
  const app = await startTestApp(files, { wrapStore });
  stop = app.stop;
  return app;
}

const labels = { alertname: 'Auto' };
const at = { startsAt: '2026-11-20T09:14:07Z' };
const fire = (app: TestApp) => app.alert(labels, at);
const resolve = (app: TestApp) => app.alert(labels, { status: 'resolved', ...at });
const kinds = async (app: TestApp) => (await app.journal()).map(({ fact }) => fact.kind);

describe('a resolve that comes in the very moment', () => {
  test('in which a run is decided on: no run is made', async () => {
    const app = await openWith('run.created', resolve);
    await fire(app);
    // The pipeline takes the news in order: once it has made this run, it has done with those before.
    const { event } = await app.alert({ ...labels, other: 'yes' }, { ...at, fingerprint: 'f2' });
    await app.until(async () => (await app.runs()).some(run => run.event === event));
    expect((await app.runs()).map(run => run.event)).toEqual([event]);
  });

  test('in which a run begins: it ends cancelled with the reason, and no step of it begins', async () => {
    const app = await openWith('run.started', resolve);
    await fire(app);
    const [made] = await app.until(async () => ((await app.runs()).length > 0 ? await app.runs() : null));
    const run = await app.ended(made?.id ?? '');
    expect(run).toMatchObject({
      state: 'cancelled',
      startedAt: null,
      because: 'the alert is resolved, so nothing runs',
    });
    expect(await kinds(app)).not.toContain('step.started');
  });

  test('and a firing with the same start after it: people are asked, because nothing ran', async () => {
    const app = await openWith('run.started', resolve);
    await fire(app);
    const [made] = await app.until(async () => ((await app.runs()).length > 0 ? await app.runs() : null));
    await app.ended(made?.id ?? '');
    await fire(app);
    const asked = await app.until(async () => (await app.app.store.approvals({ state: 'open' })).at(0));
    expect(await app.app.store.run(asked.run ?? '')).toMatchObject({ state: 'waiting', episode: 1 });
  });
});

test('news that end nothing do not keep a run from beginning', async () => {
  const app = await openWith('run.started', async opened => {
    for (let n = 0; n < 3; n++) await fire(opened);
  });
  await fire(app);
  await app.until(async () => (await app.runs()).some(run => run.state === 'succeeded'));
  expect((await kinds(app)).filter(kind => kind === 'run.started')).toHaveLength(1);
});

test('what a person cancelled before it began is not asked for again', async () => {
  const app = await startTestApp({ ...files, 'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre }\n' });
  stop = app.stop;
  await fire(app);
  const asked = await app.until(async () => (await app.app.store.approvals({ state: 'open' })).at(0));
  await app.call('POST', `/api/v1/runs/${asked.run}/cancel`, { body: {} });
  await app.ended(asked.run ?? '');
  await resolve(app);
  await fire(app);
  await app.until(async () => (await kinds(app)).includes('alert.reopened'));
  const { event } = await app.alert({ ...labels, other: 'yes' }, { ...at, fingerprint: 'f2' });
  await app.until(async () => (await app.runs()).some(run => run.event === event));
  expect(await app.runs()).toHaveLength(2);
});
