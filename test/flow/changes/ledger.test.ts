import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;

const files: Files = {
  'tocsin.yaml': basicConfig.replace(
    'sources:',
    `sources:
  eventbridge: { token: bus-secret-of-the-test }`,
  ),
  'gates.yaml': 'gates: { deploy: { ask: [ci] } }',
  'policy.yaml': 'rules: [{ name: fine, when: \'gate.name == "deploy"\', decide: auto }]',
  'changes.yaml': `
matchAfter: 0s
known:
  - { reason: autoscaling, principals: ["arn:aws:iam::*:role/autoscaler"], actions: ["*"] }
`,
};

/** A call as CloudTrail records it and EventBridge delivers it. */
function call(facts: Record<string, unknown> = {}, identity: Record<string, unknown> = {}) {
  const id = crypto.randomUUID();
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
        principalId: 'AROAEXAMPLE:mallory',
        arn: 'arn:aws:sts::111122223333:assumed-role/ops/mallory',
        accountId: '111122223333',
        ...identity,
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
      ...facts,
    },
  };
}

describe('the change ledger', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });
  const start = async (more: Files = {}) => {
    const app = await startTestApp({ ...files, ...more });
    apps.push(app);
    return app;
  };
  const tell = async (app: TestApp, body: object) => {
    const headers = { authorization: 'Bearer bus-secret-of-the-test' };
    const answer = await app.call('POST', '/events/eventbridge', { as: null, headers, body });
    expect(answer.status).toBe(202);
  };
  const judged = (app: TestApp, count: number) =>
    app.until(async () => {
      const all = await app.app.store.documents('held', {});
      return all.length === count && all.every(one => one.state !== 'open') ? all : null;
    });

  it('makes one alert of what nobody approved, and says who, what, where and why', async () => {
    const app = await start();
    const change = call();
    await tell(app, change);
    await tell(app, change);
    const [held] = await judged(app, 1);
    expect(held).toMatchObject({
      state: 'unpermitted',
      principal: 'arn:aws:iam::111122223333:role/ops',
      because: 'no permit is near it',
      trusted: true,
      asks: false,
    });
    const alert = await app.app.store.alert(held?.alert ?? '');
    expect(alert).toMatchObject({
      source: 'changes',
      state: 'firing',
      count: 1,
      labels: { source: 'eventbridge', action: 'AuthorizeSecurityGroupIngress', unpermitted: 'true' },
    });
    expect(alert?.annotations['description']).toContain('Nothing permits it');
    await tell(app, call());
    await judged(app, 2);
    expect(await app.app.store.alert(alert?.id ?? '')).toMatchObject({ count: 2, episode: 1 });
  });

  it('knows the trace of a run by its mark and its role, which nobody sees', async () => {
    const app = await start({
      'changes.yaml': 'matchAfter: 0s\nrunPrincipal: ["arn:aws:iam::111122223333:role/path/tocsin-runs"]',
      'policy.yaml': 'rules: [{ name: fine, decide: auto }]',
      'runbooks/open.yaml': `
title: Open a port
risk: low
steps:
  - id: open
    script: 'printf "%s %s" "$AWS_ROLE_SESSION_NAME" "$TOCSIN_PERMIT" > "$OUT"; echo "as $TOCSIN_PERMIT"; while [ ! -e "$OUT.go" ]; do sleep 0.05; done'
`.replaceAll('$OUT', join(tmpdir(), `tocsin-mark-${process.pid}`)),
    });
    const out = join(tmpdir(), `tocsin-mark-${process.pid}`);
    const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'open', params: {} } });
    try {
      const text = await app.until(async () => {
        const found = await readFile(out, 'utf8').catch(() => '');
        return found.split(' ').length === 2 ? found : null;
      });
      const [session = '', mark] = text.split(' ');
      expect(session).toMatch(/^tocsin-[0-9a-f]{32}$/);
      expect(mark).toBe(session);
      const as = (role: string, account = '111122223333', name = session) => ({
        arn: `arn:aws:sts::${account}:assumed-role/${role}/${name}`,
      });
      const expected: [Record<string, unknown>, Record<string, unknown>, string, boolean][] = [
        [{}, as('tocsin-runs'), 'permitted', false],
        // A service that acts for the call is no address.
        [{ sourceIPAddress: 'cloudformation.amazonaws.com' }, as('tocsin-runs'), 'permitted', false],
        [{ sourceIPAddress: '198.51.100.9' }, as('tocsin-runs'), 'unpermitted', true],
        [{}, as('other'), 'unpermitted', false],
        [{}, as('tocsin-runs', '444455556666'), 'unpermitted', false],
        [{}, as('tocsin-runs', '111122223333', `${session}0`), 'unpermitted', false],
      ];
      for (const [index, [facts, identity, state, asks]] of expected.entries()) {
        await tell(app, call(facts, identity));
        const [newest] = await judged(app, index + 1);
        expect([index, newest?.state, newest?.asks, newest?.because]).toMatchObject([
          index,
          state,
          asks,
          newest?.because,
        ]);
      }
      await writeFile(`${out}.go`, '');
      const run = await app.ended(body.id ?? body.run);
      expect(run.state).toBe('succeeded');
      // It is in no output, no thread and no answer, but for the journal.
      expect(JSON.stringify(run)).not.toContain(session);
      expect(JSON.stringify(await app.app.store.output({ run: run.id, after: 0, limit: 100 }))).not.toContain(session);
      const posts = await app.app.store.posts({ platform: 'console' });
      expect(JSON.stringify(posts)).not.toContain(session);
      const ended = await app.until(async () => {
        const [permit] = await app.app.store.documents('permit', { state: 'ended' });
        return permit;
      });
      expect(ended).toMatchObject({
        origin: 'run',
        of: run.id,
        seen: { principal: 'arn:aws:iam::111122223333:role/tocsin-runs', address: '203.0.113.7' },
      });
      expect(ended.until).toBe(run.finishedAt);
      const listed = await app.call('GET', '/api/v1/changes?state=unpermitted&resource=sg-0a1b2c3d');
      expect(listed.body).toHaveLength(4);
      const permits = await app.call('GET', '/api/v1/permits');
      expect(permits.body).toMatchObject([{ origin: 'run', of: run.id, state: 'ended' }]);
      expect(JSON.stringify([listed.body, permits.body])).not.toContain(session.slice('tocsin-'.length));
    } finally {
      await writeFile(`${out}.go`, '');
      await rm(out, { force: true });
    }
  });

  it('needs nobody for known automation, nor for what a gate let through', async () => {
    const app = await start();
    await tell(app, call({}, { arn: 'arn:aws:sts::111122223333:assumed-role/autoscaler/i-1' }));
    const subject = { image: `registry.example/checkout@${digest}` };
    await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject } });
    await tell(
      app,
      call({ requestParameters: { serviceArn: 'checkout', image: `registry.example/checkout@${digest}` } }),
    );
    const all = await judged(app, 2);
    expect(all.map(one => one.state).sort()).toEqual(['known', 'permitted']);
    expect(await app.app.store.alerts({})).toEqual([]);
  });

  it.each([
    ['in a description', { serviceArn: 'checkout', description: `like ${digest}` }],
    ['in a variable', { serviceArn: 'checkout', environment: [{ name: 'IMAGE', value: `checkout@${digest}` }] }],
    [
      'beside an image that no gate let through',
      {
        containers: [{ image: `checkout@${digest}` }, { image: `miner@sha256:${'b'.repeat(64)}` }],
      },
    ],
  ])('is not permitted by the digest of a gate %s', async (_, requestParameters) => {
    const app = await start();
    const subject = { image: `registry.example/checkout@${digest}` };
    await app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject } });
    await tell(app, call({ requestParameters }));
    expect((await judged(app, 1)).map(one => one.state)).toEqual(['unpermitted']);
  });

  it('ends the window when somebody closes the alert', async () => {
    const app = await start();
    await tell(app, call());
    const [held] = await judged(app, 1);
    const closed = await app.call('POST', `/api/v1/alerts/${held?.alert}/close`, { body: { reason: 'a drill' } });
    expect(closed.status).toBe(200);
    const ended = await app.until(async () => {
      const now = await app.app.store.document('held', held?.id ?? '');
      return now?.state === 'ended' ? now : null;
    });
    expect(ended.because).toBe('its alert was closed: a drill');
  });
});
