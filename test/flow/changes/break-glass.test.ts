import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { FactKind, FactOf } from '../../../src/model/journal.ts';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../doubles/pagerduty.ts';
import { config } from '../origin/place.ts';

const files: Files = {
  'changes.yaml': `
principals: { alice: [alice@cluster] }
breakGlass: { group: sre, max: 30m, to: ['console:emergencies'], mention: [rita] }
`,
  'gates.yaml': 'gates: { deploy: { ask: [ci] } }',
  'policy.yaml': `
rules:
  - { name: ask, decide: approve, by: sre }
`,
};

describe('break-glass', () => {
  const apps: TestApp[] = [];
  const doubles: PagerDutyDouble[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
    for (const double of doubles.splice(0)) await double.close();
  });
  const start = async (more: Files = {}, options: Parameters<typeof startTestApp>[1] = {}) => {
    const app = await startTestApp({ ...files, ...more }, options);
    apps.push(app);
    return app;
  };
  const open = (app: TestApp, body: object = { reason: 'checkout is down' }, as = 'ALICE') =>
    app.call('POST', '/api/v1/break-glass', { as, body });
  const facts = async <K extends FactKind>(app: TestApp, kind: K) =>
    (await app.journal()).flatMap(({ fact }) => (fact.kind === kind ? [fact as FactOf<K>] : []));
  const rootOf = (app: TestApp, id: string) =>
    app.until(async () => {
      const post = await app.app.store.post('console', `glass/${id}`);
      return post;
    });

  it('opens a window for somebody of the group, loud in its channel, with a permit of that person', async () => {
    const app = await start();
    const { status, body: window } = await open(app, { reason: 'checkout is down', for: '10m' });
    expect(status).toBe(200);
    expect(window).toMatchObject({ person: 'alice', reason: 'checkout is down', state: 'open' });
    expect(Date.parse(window.until) - Date.parse(window.openedAt)).toBe(600_000);
    const permit = await app.app.store.document('permit', window.permit);
    expect(permit).toMatchObject({
      origin: 'break-glass',
      of: window.id,
      key: 'break-glass:alice',
      principal: '',
      state: 'open',
      until: Date.parse(window.until),
    });
    const root = await rootOf(app, window.id);
    expect(root).toMatchObject({ channel: 'emergencies', thread: null });
    expect(root.card).toMatchObject({ title: 'alice broke the glass', badge: 'open', mention: ['rita'] });
    const [opened] = await facts(app, 'break-glass.opened');
    expect(opened).toEqual({
      kind: 'break-glass.opened',
      window: window.id,
      person: 'alice',
      reason: 'checkout is down',
      permit: window.permit,
      until: Date.parse(window.until),
    });
  });

  it('is refused, and the refusal journalled, for everybody else', async () => {
    const app = await start();
    expect((await open(app, { reason: 'let me' }, 'RITA')).body.error.message).toBe('Only sre may break the glass.');
    expect((await open(app, { reason: 'let me' }, 'CI')).status).toBe(403);
    const stranger = { kind: 'stranger', id: 'slack:U666', via: 'slack', because: 'nobody knows it' } as const;
    const answer = await app.app.host.act(stranger, { kind: 'break-glass', reason: 'let me' });
    expect(answer).toMatchObject({ ok: false, status: 403 });
    expect((await facts(app, 'act.refused')).map(({ act }) => act)).toEqual(Array(3).fill('break-glass'));
    expect(await app.app.store.documents('break-glass', {})).toEqual([]);
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it('is opened by nobody where changes.yaml does not say who may', async () => {
    const app = await start({ 'changes.yaml': 'principals: { alice: [alice@cluster] }' });
    expect((await open(app)).body.error.message).toContain('lets nobody break the glass');
  });

  it.each([
    [{ reason: '   ' }, 'Say why'],
    [{ reason: 'x', for: '31m' }, 'at most 30m'],
    [{ reason: 'x', for: '30' }, 'for'],
    [{ reason: 'x'.repeat(1001) }, 'reason'],
    [{ reason: 'x', person: 'bob' }, 'person'],
  ])('refuses %j', async (body, says) => {
    const app = await start();
    const answer = await open(app, body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(says);
    expect(await facts(app, 'break-glass.opened')).toEqual([]);
  });

  it('is opened once, however often it is asked for at once', async () => {
    const app = await start();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => open(app)));
    expect(answers.map(one => one.status).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(await app.app.store.documents('permit', { state: 'open' })).toHaveLength(1);
    expect((await open(app, { reason: 'me too' }, 'BOB')).status).toBe(200);
  });

  it('ends early by the one who opened it, or by an operator, and by nobody else', async () => {
    const app = await start();
    const { body: window } = await open(app);
    const end = (as: string, body: object = {}) => app.call('DELETE', `/api/v1/break-glass/${window.id}`, { as, body });
    expect((await end('RITA')).status).toBe(403);
    expect((await end('CI')).status).toBe(403);
    expect((await end('ALICE', { reason: 'it is back' })).body).toMatchObject({
      because: 'ended by alice: it is back',
    });
    expect((await end('BOB')).status).toBe(409);
    expect(await app.app.store.document('permit', window.permit)).toMatchObject({ state: 'ended' });
    // The next one is a new window.
    const { body: next } = await open(app);
    expect(next.id).not.toBe(window.id);
    expect((await app.call('DELETE', `/api/v1/break-glass/${next.id}`, { as: 'BOB', body: {} })).status).toBe(200);
  });

  it('ends by itself, also when nothing ran at its end, and is listed once', async () => {
    let shift = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shift };
    const first = await start({}, { clock, keep: true });
    const { body: window } = await open(first);
    await first.app.stop('killed');
    apps.pop();
    // Longer than the window, and than what was done in it may take to be told and judged.
    shift = 60 * 60_000;
    const app = await start({}, { clock, folder: first.folder });
    const closed = await app.until(async () => {
      const now = await app.app.store.document('break-glass', window.id);
      return now?.state === 'closed' ? now : null;
    });
    expect(closed).toMatchObject({
      because: 'its time is over',
      until: Date.parse(window.until),
      changes: [],
      more: 0,
    });
    // The permit ended when the window was to end, and not when somebody came to see it.
    expect(await app.app.store.document('permit', window.permit)).toMatchObject({
      state: 'ended',
      until: Date.parse(window.until),
    });
    expect(await facts(app, 'break-glass.ended')).toHaveLength(1);
    expect(await facts(app, 'break-glass.closed')).toHaveLength(1);
    const root = await app.until(async () => {
      const post = await app.app.store.post('console', `glass/${window.id}`);
      return post?.card.badge === 'over' ? post : null;
    });
    expect(root.card.buttons).toEqual([]);
  });

  it('lifts no gate, no vote and no plan', async () => {
    const app = await start({
      'runbooks/mend.yaml': 'title: Mend\nrisk: low\nsteps: [{ id: mend, exec: ["true"] }]\n',
    });
    await open(app);
    const { body: gate } = await app.call('POST', '/gates', {
      as: 'CI',
      body: { gate: 'deploy', subject: { environment: 'production', actor: 'alice' } },
    });
    expect(gate).toMatchObject({ verdict: 'pending', rule: 'ask' });
    const vote = (id: string) =>
      app.call('POST', `/api/v1/approvals/${id}/votes`, { as: 'ALICE', body: { vote: 'approve' } });
    expect((await vote(gate.approval)).status).toBe(403);
    const { body: run } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'mend' } });
    expect(run).toMatchObject({ state: 'waiting', decision: { rule: 'ask' } });
    expect((await vote(run.approval)).status).toBe(403);
  });

  it('shows a hostile reason as text, and mentions nobody by it', async () => {
    const app = await start();
    const reason = '<!channel> @everyone [x](https://evil.example) \u202Egnp.exe `rm -rf /`';
    const { body: window } = await open(app, { reason });
    const root = await rootOf(app, window.id);
    expect(root.card.mention).toEqual(['rita']);
    expect(root.card.blocks[0]).toEqual({ kind: 'text', text: reason });
  });

  it('pages people once, and takes the page back at its end', async () => {
    const pagerduty = await startPagerDuty();
    doubles.push(pagerduty);
    const app = await start({ 'tocsin.yaml': config(pagerduty), 'changes.yaml': 'breakGlass: { group: sre }' });
    const { body: window } = await open(app);
    const told = async () => (await facts(app, 'origin.told')).map(({ what, ok }) => ({ what, ok }));
    await app.until(async () => (await told()).length === 1);
    const call = () =>
      [...pagerduty.calls.values()].map(({ open, last }) => ({ open, summary: last.payload?.summary }));
    expect(call()).toEqual([{ open: true, summary: 'alice broke the glass: checkout is down' }]);
    await app.call('DELETE', `/api/v1/break-glass/${window.id}`, { body: {} });
    await app.until(async () => (await told()).length === 2);
    expect(await told()).toEqual([
      { what: 'page', ok: true },
      { what: 'unpage', ok: true },
    ]);
    expect(call()).toMatchObject([{ open: false }]);
  });
});

describe('the command', () => {
  it.each([
    ['break-glass checkout is down for 10m', 'checkout is down', 600_000],
    ['break-glass "waiting for approval takes too long"', 'waiting for approval takes too long', 1_800_000],
    ['break-glass waiting for people', 'waiting for people', 1_800_000],
    ['break-glass reason="for 5m" for=10m', 'for 5m', 600_000],
  ])('%s', async (line, reason, length) => {
    const app = await startTestApp(files);
    try {
      const alice = { kind: 'person', id: 'alice', via: 'console', account: null } as const;
      const nowhere = { platform: 'console', channel: null, alert: null, run: null, gate: null };
      expect(await app.app.host.command(alice, line, nowhere)).toMatchObject({ ok: true });
      const [window] = await app.app.store.documents('break-glass', {});
      expect(window).toMatchObject({ reason, state: 'open' });
      expect((window?.until ?? 0) - (window?.openedAt ?? 0)).toBe(length);
      expect(await app.app.host.command(alice, 'break-glass-end "it is back"', nowhere)).toMatchObject({ ok: true });
      expect(await app.app.host.command(alice, 'break-glass again for 5', nowhere)).toMatchObject({ ok: false });
    } finally {
      await app.stop();
    }
  });
});
