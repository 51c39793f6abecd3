import { afterEach, describe, expect, test } from 'vitest';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const asks = `
rules:
  - { name: people, decide: approve, by: [sre], expires: 30m }
`;
const free = `
rules:
  - { name: free, decide: auto }
`;
const mend = `
title: Mend
risk: low
on: [{ source: alertmanager, match: { alertname: NeedsPeople } }]
target: '"web-1"'
steps:
  - { id: mend, exec: ["true"] }
`;
const quick = basicConfig.replace('{ token: alert-secret }', '{ token: alert-secret, reopenAfter: 1s }');

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function open(files: Files): Promise<TestApp> {
  const app = await startTestApp({ 'tocsin.yaml': quick, ...files });
  stops.push(() => app.stop());
  return app;
}

const labels = { alertname: 'NeedsPeople' };
const at = (hour: number) => ({ startsAt: `2026-11-28T${String(hour).padStart(2, '0')}:00:00Z` });
const fire = (app: TestApp, hour: number) => app.alert(labels, at(hour));
const resolve = (app: TestApp, hour: number) => app.alert(labels, { status: 'resolved', ...at(hour) });
const approvals = (app: TestApp) => app.app.store.approvals({});
const openApproval = (app: TestApp) =>
  app.until(async () => (await app.app.store.approvals({ state: 'open' })).at(0) ?? null);
const vote = (app: TestApp, id: string, as: 'ALICE' | 'BOB' = 'ALICE') =>
  app.call('POST', `/api/v1/approvals/${id}/votes`, { as, body: { vote: 'approve' } });
const thread = async (app: TestApp, episode: number) => {
  const [alert] = await app.app.store.alerts({});
  return (await app.app.store.posts({ platform: 'console', thread: `alert/${alert?.id}/${episode}`, limit: 1000 })).map(
    post => post.card,
  );
};
const texts = async (app: TestApp, episode: number) => JSON.stringify(await thread(app, episode));

describe('an approval never outlives its alert', () => {
  test('the resolve voids it: no button, no run, a late press is told why', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend });
    await fire(app, 10);
    const asked = await openApproval(app);
    await resolve(app, 10);
    const run = await app.ended(asked.run ?? '');
    expect(run).toMatchObject({ state: 'cancelled', startedAt: null, because: expect.stringContaining('resolved') });
    expect(run.steps.map(step => step.state)).toEqual(['pending']);
    expect(await app.app.store.approval(asked.id)).toMatchObject({ state: 'void' });
    const late = await vote(app, asked.id);
    expect([late.status, JSON.stringify(late.body)]).toEqual([409, expect.stringContaining('resolved')]);
    const card = await app.until(async () =>
      (await thread(app, 1)).find(one => one.badge === 'void' && JSON.stringify(one.blocks).includes('calls itself')),
    );
    expect(JSON.stringify(card.buttons)).not.toContain('vote');
  });

  test('a press that comes before the pipeline has seen the resolve approves nothing', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend });
    for (let hour = 1; hour <= 10; hour++) {
      await fire(app, hour);
      const asked = await openApproval(app);
      const [, late] = await Promise.all([resolve(app, hour), vote(app, asked.id, 'BOB')]);
      const run = await app.ended(asked.run ?? '');
      // Either the vote was first, and then it counts; or the resolve, and then nothing ran.
      if (late.status === 409) expect(run).toMatchObject({ state: 'cancelled', startedAt: null });
      await app.until(async () => (await app.app.store.alerts({}))[0]?.state === 'resolved');
      const late2 = await vote(app, asked.id);
      expect(late2.status).toBe(409);
    }
  });

  test('a newer episode voids it too, and asks for itself: one run of two stretches', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend });
    await fire(app, 10);
    const first = await openApproval(app);
    await fire(app, 15);
    const second = await app.until(async () => {
      const found = (await app.app.store.approvals({ state: 'open' })).filter(one => one.id !== first.id);
      return found.length === 1 ? found[0] : null;
    });
    expect(await app.app.store.approval(first.id)).toMatchObject({ state: 'void' });
    expect(second.planHash).toBe(first.planHash);
    expect((await vote(app, first.id)).status).toBe(409);
    expect((await vote(app, second.id)).status).toBe(200);
    await app.ended(second.run ?? '');
    expect((await app.runs()).map(run => [run.episode, run.state])).toEqual([
      [2, 'succeeded'],
      [1, 'cancelled'],
    ]);
  });

  test('what a person asked for is marked and may be decided', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend.replace(/on:.*\n/, '') });
    const { alert } = await fire(app, 10);
    const made = await app.call('POST', '/api/v1/runs', { body: { runbook: 'mend', params: {}, alert } });
    expect(made.status).toBe(202);
    const asked = await openApproval(app);
    const twin = await app.call('POST', '/api/v1/runs', { as: 'BOB', body: { runbook: 'mend', params: {}, alert } });
    expect([twin.status, (await approvals(app)).length]).toEqual([409, 1]);
    await resolve(app, 10);
    await app.until(async () => (await texts(app, 1)).includes('The alert is over since'));
    expect((await vote(app, asked.id, 'BOB')).status).toBe(200);
    expect(await app.ended(asked.run ?? '')).toMatchObject({ state: 'succeeded' });
  });

  test('one that a person asked for and that is open is not asked again, and the thread says so', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend });
    const { alert } = await fire(app, 10);
    const first = await openApproval(app);
    await app.call('POST', `/api/v1/approvals/${first.id}/votes`, { as: 'BOB', body: { vote: 'deny' } });
    await app.ended(first.run ?? '');
    await app.call('POST', '/api/v1/runs', { body: { runbook: 'mend', params: {}, alert } });
    const asked = await openApproval(app);
    await fire(app, 15);
    await app.until(async () => (await texts(app, 2)).includes('waits for an approval for this alert already'));
    expect((await app.app.store.approvals({ state: 'open' })).map(one => one.id)).toEqual([asked.id]);
  });

  test('inside a started run it stays open, says so, and takes a second press', async () => {
    const runbook = mend.replace(
      '  - { id: mend,',
      '  - { id: sure, approve: { ask: Go on?, by: [sre] } }\n  - { id: mend,',
    );
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': runbook });
    await fire(app, 10);
    const asked = await openApproval(app);
    await resolve(app, 10);
    await app.until(async () => (await texts(app, 1)).includes('Approving takes a second press'));
    const first = await vote(app, asked.id);
    expect([first.status, JSON.stringify(first.body)]).toEqual([409, expect.stringContaining('once more')]);
    // A double click is one press.
    expect((await vote(app, asked.id)).status).toBe(409);
    await app.until(async () => (await vote(app, asked.id)).status === 200);
    expect(await app.ended(asked.run ?? '')).toMatchObject({ state: 'succeeded' });
  });

  test('a press of before it fired again is not the first of two', async () => {
    const runbook = mend.replace(
      '  - { id: mend,',
      '  - { id: sure, approve: { ask: Go on?, by: [sre] } }\n  - { id: mend,',
    );
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': runbook });
    await fire(app, 10);
    const asked = await openApproval(app);
    await resolve(app, 10);
    expect((await vote(app, asked.id)).status).toBe(409);
    await fire(app, 10);
    await resolve(app, 10);
    await app.until(async () => (await vote(app, asked.id)).status === 200);
    const presses = (await app.journal()).filter(({ fact }) => fact.kind === 'approval.warned');
    expect(presses).toHaveLength(2);
  });
});

describe('a later start is a new stretch', () => {
  test('the earlier one ends untold in its thread, and the new one has its own thread and run', async () => {
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': mend });
    await fire(app, 10);
    await app.until(async () => (await app.runs()).some(run => run.state === 'succeeded'));
    await fire(app, 15);
    await app.until(async () => (await app.runs()).filter(run => run.state === 'succeeded').length === 2);
    const [alert] = await app.app.store.alerts({});
    expect(alert).toMatchObject({ state: 'firing', episode: 2, count: 1 });
    const root = async (episode: number) =>
      (await app.app.store.post('console', `alert/${alert?.id}/${episode}`))?.card;
    const ended = await app.until(async () => ((await root(1))?.badge === 'ended' ? await root(1) : null));
    expect(ended).toMatchObject({ tone: 'neutral', buttons: [] });
    expect(await root(2)).toMatchObject({ badge: 'firing' });
    expect(await texts(app, 1)).toContain('It ended without a resolve');
  });

  test('an older start while it fires counts, and moves nothing else', async () => {
    const app = await open({ 'policy.yaml': free });
    await fire(app, 15);
    await fire(app, 10);
    const [alert] = await app.app.store.alerts({});
    expect(alert).toMatchObject({ episode: 1, count: 2, startsAt: Date.parse(at(15).startsAt) });
  });

  test('the same runbook on the same target waits until the run of the earlier episode has ended', async () => {
    const slow = mend.replace('exec: ["true"]', 'exec: [sleep, "60"]');
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': slow });
    await fire(app, 10);
    const first = await app.until(async () => (await app.runs()).find(run => run.state === 'running'));
    await fire(app, 15);
    const second = await app.until(async () => (await app.runs()).find(run => run.episode === 2));
    expect(second.after).toBe(first.id);
    await app.until(async () => (await texts(app, 2)).includes(`Waits for ${first.id}`));
    expect((await app.app.store.run(second.id))?.startedAt).toBeNull();
    await app.call('POST', `/api/v1/runs/${first.id}/cancel`, { body: {} });
    await app.until(async () => (await app.app.store.run(second.id))?.startedAt !== null);
    await app.call('POST', `/api/v1/runs/${second.id}/cancel`, { body: {} });
    await app.ended(second.id);
  });

  test('one that waits for an earlier run does not begin when its own alert is over', async () => {
    const slow = mend.replace('exec: ["true"]', 'exec: [sleep, "60"]');
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': slow });
    await fire(app, 10);
    const first = await app.until(async () => (await app.runs()).find(run => run.state === 'running'));
    await fire(app, 15);
    const second = await app.until(async () => (await app.runs()).find(run => run.episode === 2));
    await resolve(app, 15);
    expect(await app.ended(second.id)).toMatchObject({ state: 'cancelled', startedAt: null });
    await app.call('POST', `/api/v1/runs/${first.id}/cancel`, { body: {} });
    await app.ended(first.id);
  });
});

describe('the same start after its resolve', () => {
  test('is quiet, and the second resolve takes it back', async () => {
    const app = await open({
      'tocsin.yaml': quick.replace('reopenAfter: 1s', 'reopenAfter: 1h'),
      'policy.yaml': asks,
      'runbooks/mend.yaml': mend,
    });
    await fire(app, 10);
    await openApproval(app);
    await resolve(app, 10);
    await fire(app, 10);
    await resolve(app, 10);
    await app.until(async () => (await app.runs()).every(run => run.state === 'cancelled'));
    expect((await app.app.store.alerts({}))[0]).toMatchObject({ state: 'resolved', episode: 1, reopenedAt: null });
    expect(await approvals(app)).toHaveLength(1);
    expect(await texts(app, 1)).not.toContain('fires again');
  });

  test('one that goes on is told, and what was voided is asked anew', async () => {
    const app = await open({ 'policy.yaml': asks, 'runbooks/mend.yaml': mend });
    await fire(app, 10);
    const first = await openApproval(app);
    await resolve(app, 10);
    await app.ended(first.run ?? '');
    await fire(app, 10);
    const second = await openApproval(app);
    expect(second.id).not.toBe(first.id);
    expect(await texts(app, 1)).toContain('fires again');
    expect((await app.app.store.alerts({}))[0]).toMatchObject({ state: 'firing', episode: 1, reopenedAt: null });
  });

  test('lasts as long as the options of its source say, for a webhook too', async () => {
    const map = '{ fingerprint: body.name, state: body.state, title: body.name, startsAt: body.since }';
    const events = `  events: { type: webhook, auth: { bearer: events-secret }, reopenAfter: 300ms, map: ${map} }`;
    const app = await open({
      'tocsin.yaml': basicConfig.replace('people:', `${events}\npeople:`),
      'policy.yaml': asks,
      'runbooks/mend.yaml': mend.replace(/on:.*/, 'on: [{ source: events }]'),
    });
    const send = (state: string) =>
      app.call('POST', '/events/events', {
        as: null,
        headers: { authorization: 'Bearer events-secret' },
        body: { name: 'disk', state, since: at(10).startsAt },
      });
    await send('firing');
    const first = await openApproval(app);
    await send('resolved');
    await app.ended(first.run ?? '');
    await send('firing');
    // The usual quiet time is 15 s, which is longer than this waits.
    expect((await openApproval(app)).id).not.toBe(first.id);
  });

  test('what ran does not run again, and its acknowledgement is over', async () => {
    const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': mend });
    const { alert } = await fire(app, 10);
    await app.until(async () => (await app.runs()).some(run => run.state === 'succeeded'));
    await app.app.host.act(
      { kind: 'person', id: 'alice', account: null, via: 'api' } as never,
      {
        kind: 'acknowledge',
        alert,
      } as never,
    );
    await resolve(app, 10);
    await fire(app, 10);
    await app.until(async () => (await texts(app, 1)).includes('fires again'));
    await app.app.store.healthy();
    expect(await app.runs()).toHaveLength(1);
    expect((await app.app.store.alerts({}))[0]?.acknowledgedBy).toBeNull();
  });

  test('a stop in the quiet time loses nothing', async () => {
    const files = { 'tocsin.yaml': quick, 'policy.yaml': asks, 'runbooks/mend.yaml': mend };
    const app = await startTestApp(files, { keep: true });
    await fire(app, 10);
    const first = await openApproval(app);
    await resolve(app, 10);
    await app.ended(first.run ?? '');
    await fire(app, 10);
    await app.stop();
    const again = await startTestApp(files, { folder: app.folder });
    stops.push(() => again.stop());
    await openApproval(again);
  });

  test('a stop after somebody silenced it in the quiet time loses nothing either', async () => {
    const files = {
      'tocsin.yaml': quick.replace('reopenAfter: 1s', 'reopenAfter: 3s'),
      'policy.yaml': free,
      'runbooks/mend.yaml': mend,
    };
    const app = await startTestApp(files, { keep: true });
    const { alert } = await fire(app, 10);
    await app.until(async () => (await app.runs()).some(run => run.state === 'succeeded'));
    await resolve(app, 10);
    await fire(app, 10);
    await app.call('POST', `/api/v1/alerts/${alert}/silence`, { body: { for: '1h' } });
    // Nothing of it is considered again.
    const { seq } = await app.app.store.head();
    await app.app.store.commit({ rows: [{ table: 'cursor', name: 'road', value: seq }] });
    await app.stop();
    const again = await startTestApp(files, { folder: app.folder });
    stops.push(() => again.stop());
    await again.until(async () => (await texts(again, 1)).includes('It fires again after its resolve'));
    expect(await again.app.store.alert(alert)).toMatchObject({ state: 'silenced', reopenedAt: null });
    expect(await again.runs()).toHaveLength(1);
  });
});

test('a resolve that nobody saw firing is kept and not posted', async () => {
  const app = await open({ 'policy.yaml': free, 'runbooks/mend.yaml': mend });
  await resolve(app, 10);
  await app.alert({ alertname: 'Other' }, { fingerprint: 'f2', ...at(10) });
  const roots = await app.until(async () => {
    const found = await app.app.store.posts({ platform: 'console', thread: null });
    return found.length > 0 ? found : null;
  });
  expect(roots.map(post => post.card.badge)).toEqual(['firing']);
  expect((await app.app.store.alerts({ state: 'resolved' }))[0]).toMatchObject({ count: 0, end: { how: 'told' } });
});
