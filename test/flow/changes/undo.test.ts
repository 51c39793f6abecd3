import { afterEach, describe, expect, it } from 'vitest';
import type { FactKind, FactOf } from '../../../src/model/journal.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const runbook = (steps = 'steps: [{ id: undo, script: "echo $PARAM_GROUP" }]') => `
title: Close the port again
risk: low
on:
  - source: eventbridge
    kind: change
    unpermitted: true
    where: event.change.action == "AuthorizeSecurityGroupIngress"
params:
  group: { type: string, pattern: "[a-z0-9-]+", from: "'sg-0a1b2c3d'" }
target: params.group
${steps}
`;

const auto = 'rules: [{ name: undo, when: \'runbook.id == "close-port"\', decide: auto }]';
const ask = 'rules: [{ name: ask, decide: approve, by: sre }]';

const files: Files = {
  'tocsin.yaml': basicConfig.replace('sources:', 'sources:\n  eventbridge: { token: bus-secret-of-the-test }'),
  'policy.yaml': auto,
  'changes.yaml': `
matchAfter: 0s
principals: { alice: ["arn:aws:sts::111122223333:assumed-role/ops/alice"] }
claims: { by: sre }
`,
  'runbooks/close-port.yaml': runbook(),
};

/** A call as CloudTrail records it and EventBridge delivers it. */
function call(by = 'mallory', id: string = crypto.randomUUID()) {
  const at = new Date().toISOString();
  return {
    version: '0',
    id,
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.ec2',
    account: '111122223333',
    time: at,
    region: 'eu-west-1',
    resources: [],
    detail: {
      eventVersion: '1.10',
      userIdentity: {
        type: 'AssumedRole',
        principalId: `AROAEXAMPLE:${by}`,
        arn: `arn:aws:sts::111122223333:assumed-role/ops/${by}`,
        accountId: '111122223333',
      },
      eventTime: at,
      eventSource: 'ec2.amazonaws.com',
      eventName: 'AuthorizeSecurityGroupIngress',
      awsRegion: 'eu-west-1',
      sourceIPAddress: '203.0.113.7',
      userAgent: 'aws-cli/2.15.0',
      requestParameters: { groupId: 'sg-0a1b2c3d' },
      responseElements: { _return: true },
      requestID: crypto.randomUUID(),
      eventID: id,
      readOnly: false,
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: '111122223333',
    },
  };
}

describe('an unpermitted change', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });
  const start = async (more: Files = {}, options: Parameters<typeof startTestApp>[1] = {}) => {
    const app = await startTestApp({ ...files, ...more }, options);
    apps.push(app);
    return app;
  };
  const tell = async (app: TestApp, body: object, proven = true) => {
    const headers = { authorization: 'Bearer bus-secret-of-the-test' };
    const answer = await app.call('POST', '/events/eventbridge', { as: null, ...(proven ? { headers } : {}), body });
    expect(answer.status).toBe(202);
  };
  const facts = async <K extends FactKind>(app: TestApp, kind: K) =>
    (await app.journal()).flatMap(({ fact }) => (fact.kind === kind ? [fact as FactOf<K>] : []));
  const inState = (app: TestApp, state: string, count = 1) =>
    app.until(async () => {
      const all = await app.app.store.documents('held', { state });
      return all.length === count ? all : null;
    });
  const firstRun = (app: TestApp) => app.until(async () => (await app.runs())[0]);
  const vote = (app: TestApp, id: string, as: string, choice = 'approve') =>
    app.call('POST', `/api/v1/approvals/${id}/votes`, { as, body: { vote: choice } });

  it('is undone by the runbook that takes it, once it is judged, and its alert ends', async () => {
    const app = await start();
    await tell(app, call());
    const [held] = await inState(app, 'undone');

    const [run] = await app.runs();
    expect(run).toMatchObject({ state: 'succeeded', undoes: held?.id, trigger: 'event', alert: held?.alert });
    expect(held).toMatchObject({ because: `undone by Close the port again (${run?.id})`, endedAt: run?.finishedAt });
    await app.until(async () => (await app.app.store.alert(held?.alert ?? ''))?.state === 'resolved');
    const entries = await app.journal();
    const seqOf = (kind: FactKind) => entries.find(entry => entry.fact.kind === kind)?.seq ?? 0;
    expect(seqOf('run.created')).toBeGreaterThan(seqOf('change.judged'));
  });

  it('is undone once when it is told twice, and when the process ends in the middle', async () => {
    const slow = runbook('steps: [{ id: undo, script: "echo once" }, { id: wait, wait: 2s }]');
    const first = await start({ 'runbooks/close-port.yaml': slow }, { keep: true });
    const told = call();
    await tell(first, told);
    await tell(first, told);
    await first.until(async () => (await first.runs())[0]?.state === 'waiting');
    await first.app.stop('killed');
    apps.pop();
    const app = await start({ 'runbooks/close-port.yaml': slow }, { folder: first.folder });
    await tell(app, told);
    await inState(app, 'undone');
    expect(await app.runs()).toHaveLength(1);
    expect(await facts(app, 'change.held')).toHaveLength(1);
  });

  it('that comes again within the hour starts nothing, and calls people', async () => {
    const app = await start();
    await tell(app, call());
    await inState(app, 'undone');
    await tell(app, call());
    const again = await app.until(async () => (await facts(app, 'change.repeated'))[0]);
    expect(again).toMatchObject({ runbook: 'close-port' });
    expect(again.because).toContain('less than an hour ago');
    expect(await app.runs()).toHaveLength(1);
    const [held] = await inState(app, 'unpermitted');
    const thread = await app.until(async () => {
      const posts = await app.app.store.posts({ platform: 'console', channel: 'alerts' });
      const root = posts.find(post => post.alert === held?.alert && post.thread === null && !post.over);
      const all = root && (await app.app.store.posts({ platform: 'console', thread: root.key }));
      return all?.find(post => post.card.title.includes('is not started again'));
    });
    expect(thread.card.mention).toEqual(['sre']);
  });

  it('is not undone by itself when nothing proves who told of it', async () => {
    const app = await start({
      'tocsin.yaml': basicConfig.replace('sources:', 'sources:\n  eventbridge: {}'),
    });
    await tell(app, call(), false);
    const run = await firstRun(app);
    expect(run).toMatchObject({ state: 'waiting', decision: { verdict: 'approve' } });
    expect(run.decision.because).toContain('the source has no secret');
  });

  it('may be claimed by the one whose principal did it, when a second person agrees; what was to undo it does not begin', async () => {
    const app = await start({ 'policy.yaml': ask });
    await tell(app, call('alice'));
    const [held] = await inState(app, 'unpermitted');
    const run = await firstRun(app);
    expect(run).toMatchObject({ state: 'waiting', undoes: held?.id });
    const claim = (as: string, reason = 'the migration needed it') =>
      app.call('POST', `/api/v1/changes/${held?.id}/claim`, { as, body: { reason } });
    expect((await claim('BOB')).status).toBe(403);
    expect((await claim('CI')).status).toBe(403);
    expect((await claim('ALICE', '  ')).status).toBe(400);
    const { status, body: approval } = await claim('ALICE');
    expect(status).toBe(200);
    expect((await claim('ALICE')).status).toBe(409);
    // The card of the question shows what is claimed, and why.
    const card = await app.app.host.details('approval', approval.id);
    expect(JSON.stringify(card)).toContain('the migration needed it');
    // Nobody agrees to their own claim, and nobody outside the group.
    expect((await vote(app, approval.id, 'ALICE')).status).toBe(403);
    expect((await vote(app, approval.id, 'RITA')).status).toBe(403);
    expect((await vote(app, approval.id, 'BOB')).status).toBe(200);
    const [claimed] = await inState(app, 'claimed');
    expect(claimed).toMatchObject({ claim: approval.id, endedAt: null });
    const [permit] = await app.app.store.documents('permit', { key: held?.changeKey ?? '' });
    expect(permit).toMatchObject({
      origin: 'claim',
      of: held?.id,
      resources: [held?.resource],
      until: held?.occurredAt,
    });
    const ended = await app.ended(run.id);
    expect(ended).toMatchObject({ state: 'cancelled', startedAt: null });
    await app.until(async () => (await app.app.store.alert(held?.alert ?? ''))?.state === 'resolved');
  });

  it('stays what it is when the claim is denied, and may be claimed again', async () => {
    const app = await start({ 'policy.yaml': 'rules: [{ name: never, decide: deny }]' });
    await tell(app, call('alice'));
    const [held] = await inState(app, 'unpermitted');
    const reason = '<!channel> @everyone `rm -rf /` \u202Etxt';
    const claim = () => app.call('POST', `/api/v1/changes/${held?.id}/claim`, { body: { reason } });
    const { body: approval } = await claim();
    const card = await app.until(async () => await app.app.store.post('console', `approval/${approval.id}`));
    expect(card.card.title).toMatch(/^HIGH · a permit after the fact · /);
    expect(card.card.mention).toEqual(['sre']);
    expect(JSON.stringify(card.card.blocks)).toContain('"kind":"quoted","text":"<!channel>');
    expect((await vote(app, approval.id, 'BOB', 'deny')).status).toBe(200);
    expect(await app.app.store.document('held', held?.id ?? '')).toMatchObject({ state: 'unpermitted' });
    expect(await app.app.store.documents('permit', { key: held?.changeKey ?? '' })).toEqual([]);
    expect((await claim()).status).toBe(200);
    const shown = await app.app.store.post('console', `change/${held?.id}`);
    expect(shown?.card.buttons.map(one => one.label)).toEqual(['It was me']);
  });

  it('in a break-glass window is listed at its end and never undone', async () => {
    const app = await start({
      'changes.yaml': `${files['changes.yaml']}skew: 0s\nbreakGlass: { group: sre }\n`,
    });
    const { body: window } = await app.call('POST', '/api/v1/break-glass', { body: { reason: 'checkout is down' } });
    await new Promise(resolve => setTimeout(resolve, 1100));
    await tell(app, call('alice'));
    const [held] = await inState(app, 'break-glass');
    await tell(app, call('mallory'));
    await app.until(async () => (await facts(app, 'change.judged')).length === 2);
    await app.call('DELETE', `/api/v1/break-glass/${window.id}`, { body: {} });
    const closed = await app.until(async () => (await facts(app, 'break-glass.closed'))[0]);
    expect(closed).toMatchObject({ window: window.id, changes: [held?.id], more: 0 });
    const done = await app.until(async () =>
      (await app.app.store.posts({ platform: 'console', thread: `glass/${window.id}` })).find(post =>
        post.key.endsWith('/done'),
      ),
    );
    expect(done.card.title).toBe('One change was done in it.');
    expect((await app.runs()).every(run => run.undoes !== held?.id)).toBe(true);
  });
});

it('a trigger that wants unpermitted changes says that it wants changes', async () => {
  await expect(
    startTestApp({ ...files, 'runbooks/close-port.yaml': runbook().replace('    kind: change\n', '') }),
  ).rejects.toThrow('only changes are held against permits');
});
