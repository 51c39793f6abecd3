import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Entry, FactKind, FactOf } from '../../../src/model/journal.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const role = 'arn:aws:iam::111122223333:role/deployer';
const hour = 3_600_000;

const files: Files = {
  'tocsin.yaml': basicConfig.replace(
    'sources:',
    `sources:
  eventbridge: { token: bus-secret-of-the-test }`,
  ),
  'changes.yaml': `
matchAfter: 1m
skew: 1s
sources: { eventbridge: { matchAfter: 0s } }
importers:
  - service: ci
    principals: ["arn:aws:iam::111122223333:role/*"]
    actions: ["*SecurityGroup*", RunInstances]
    resources: ["sg-*"]
    accounts: ["111122223333"]
    most: 8h
  - { person: rita, principals: ["*"], resources: ["*"], most: 1h }
`,
};

const inHours = (hours: number) => new Date(Date.now() + hours * hour).toISOString();
const permit = (facts: object = {}) => ({
  principal: role,
  actions: ['AuthorizeSecurityGroupIngress'],
  resources: ['sg-0a1b2c3d'],
  account: '111122223333',
  until: inHours(1),
  change: 'CHG0030001',
  reason: 'open the port for the audit',
  ...facts,
});

/** A call as CloudTrail records it and EventBridge delivers it. */
function call(facts: Record<string, unknown> = {}, arn = role) {
  const [id, at] = [crypto.randomUUID(), new Date().toISOString()];
  return {
    ...{ version: '0', id, source: 'aws.ec2', account: '111122223333', time: at, region: 'eu-west-1', resources: [] },
    'detail-type': 'AWS API Call via CloudTrail',
    detail: {
      ...{ eventVersion: '1.10', userIdentity: { type: 'IAMUser', arn, accountId: '111122223333' }, eventTime: at },
      ...{ eventSource: 'ec2.amazonaws.com', eventName: 'AuthorizeSecurityGroupIngress', awsRegion: 'eu-west-1' },
      ...{ sourceIPAddress: '203.0.113.7', userAgent: 'aws-cli/2', requestParameters: { groupId: 'sg-0a1b2c3d' } },
      ...{ responseElements: { _return: true }, requestID: crypto.randomUUID(), eventID: id, readOnly: false },
      ...{ eventType: 'AwsApiCall', managementEvent: true, recipientAccountId: '111122223333' },
      ...facts,
    },
  };
}

const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
async function start(more: Files = {}, options: Parameters<typeof startTestApp>[1] = {}) {
  const app = await startTestApp({ ...files, ...more }, options);
  apps.push(app);
  return app;
}
const send = (app: TestApp, body: object, as = 'CI', headers: Record<string, string> = {}) =>
  app.call('POST', '/permits', { as, body, headers });
const end = (app: TestApp, id: string, as: string, body: object = {}) =>
  app.call('DELETE', `/permits/${id}`, { as, body });
async function facts<K extends FactKind>(app: TestApp, kind: K): Promise<FactOf<K>[]> {
  return (await app.journal()).flatMap(({ fact }: Entry) => (fact.kind === kind ? [fact as FactOf<K>] : []));
}
async function tell(app: TestApp, body: object) {
  const headers = { authorization: 'Bearer bus-secret-of-the-test' };
  expect((await app.call('POST', '/events/eventbridge', { as: null, headers, body })).status).toBe(202);
}
const judged = (app: TestApp, count: number) =>
  app.until(async () => {
    const all = await app.app.store.documents('held', {});
    return all.length === count && all.every(one => one.state !== 'open') ? all : null;
  });

describe('POST /permits', () => {
  it('permits what a system of changes approved, and nothing besides', async () => {
    const app = await start();
    const sent = permit({ principal: 'arn:aws:sts::111122223333:assumed-role/deployer/alice' });
    const { status, body } = await send(app, sent);
    expect([status, body]).toMatchObject([
      200,
      {
        ...{ origin: 'import', of: 'CHG0030001', principal: role, state: 'open', importer: 'service:ci' },
        ...{ until: Date.parse(sent.until), because: 'CHG0030001: open the port for the audit' },
      },
    ]);
    const [entry] = (await app.journal()).filter(({ fact }) => fact.kind === 'permit.issued');
    expect(entry?.actor).toMatchObject({ kind: 'service', id: 'ci' });
    await tell(app, call());
    await tell(app, call({ requestParameters: { groupId: 'sg-other' } }));
    await tell(app, call({}, 'arn:aws:iam::111122223333:role/ops'));
    const all = await judged(app, 3);
    expect(all.map(one => one.state).sort()).toEqual(['permitted', 'unpermitted', 'unpermitted']);
    const fits = all.find(one => one.state === 'permitted');
    expect(fits).toMatchObject({ permit: body.id, because: body.because });
    expect(all.find(one => one.resource === 'sg-other')?.because).toContain('it is for sg-0a1b2c3d');
  });

  it('is taken only from importers, and refusals are journalled', async () => {
    const app = await start();
    expect((await send(app, permit(), 'ALICE')).body.error).toMatchObject({
      code: 'forbidden',
      message: 'changes.yaml does not let alice import permits.',
    });
    expect((await app.call('POST', '/permits', { as: null, body: permit() })).status).toBe(401);
    expect(await facts(app, 'permit.refused')).toMatchObject([
      { from: 'person:alice', because: 'CHG0030001: changes.yaml does not let alice import permits.' },
    ]);
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['another principal', { principal: 'arn:aws:iam::999999999999:role/deployer' }, 'principal'],
    ['everything', { actions: ['*'] }, 'actions'],
    ['more than a pattern', { actions: ['*Security*'] }, 'actions'],
    ['no action, which is any', { actions: [] }, 'actions'],
    ['no resource, which is any', { resources: [] }, 'resources'],
    ['every resource', { resources: ['sg-1', '*'] }, 'resources'],
    ['another account', { account: '999999999999' }, 'account'],
    ['any account', { account: undefined }, 'account'],
    ['a little too long', { until: inHours(8.1) }, 'until'],
    ['the year 9999', { until: '9999-12-31T00:00:00Z' }, 'until'],
    ['the far future', { from: inHours(24 * 365), until: inHours(24 * 365 + 1) }, 'from'],
    ['the past', { from: inHours(-1) }, 'from'],
    ['an end before its beginning', { from: inHours(2), until: inHours(1) }, 'until'],
    ['a look-alike', { principal: role.replace('arn', '\u0430rn') }, 'principal'],
    ['what nobody is told of', { principal: 'somebody unknown' }, 'principal'],
  ])('refuses %s, says what is allowed, and journals it', async (_, more, what) => {
    const app = await start();
    const { status, body } = await send(app, permit(more));
    expect([status, body.error]).toMatchObject([
      422,
      { code: 'permit-refused', allowed: expect.any(String), given: expect.any(String) },
    ]);
    expect(body.error.message).toContain(`may not permit this ${what}`);
    expect(await facts(app, 'permit.refused')).toMatchObject([{ from: 'service:ci' }]);
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it.each<[string, object]>([
    ['1,000 patterns', { resources: Array.from({ length: 1000 }, (_, index) => `sg-${index}`) }],
    ['a pattern of principals', { principal: 'arn:aws:iam::111122223333:role/*' }],
    ['NaN', { until: Number.NaN }],
    ['a number', { until: 4_102_444_800_000 }],
    ['no zone', { until: '2026-11-30T10:00:00' }],
    ['an invisible character', { principal: `${role}\u200b` }],
    ['a turned direction', { change: 'CHG\u202e1' }],
    ['a NUL', { reason: 'a\0b' }],
    ['an unknown key', { nonce: 'tocsin-' }],
    ['no ticket', { change: '' }],
    ['no reason', { reason: '  ' }],
  ])('does not take %s', async (_, more) => {
    const app = await start();
    expect((await send(app, permit(more))).status).toBe(400);
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it('lets an importer of everything permit everything, for its time', async () => {
    const app = await start();
    const wide = { principal: 'Zoë', actions: [], resources: ['*'], account: undefined };
    expect((await send(app, permit({ ...wide, until: inHours(0.9) }), 'RITA')).status).toBe(200);
    expect((await send(app, permit({ ...wide, until: inHours(1.1) }), 'RITA')).status).toBe(422);
  });

  it('makes one permit of 100 doubles at once, and of one that comes again', async () => {
    const app = await start();
    const sent = permit();
    const headers = { 'idempotency-key': 'CHG0030001-1' };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => send(app, sent, 'CI', index % 2 === 0 ? headers : {})),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await facts(app, 'permit.issued')).toHaveLength(1);
    // Another ticket, and another importer, are other permits.
    expect((await send(app, permit({ ...sent, change: 'CHG2' }))).body.id).not.toBe(answers[0]?.body.id);
    expect((await send(app, sent, 'CI', headers)).body.id).toBe(answers[0]?.body.id);
    const other = await send(app, permit({ ...sent, change: 'CHG3' }), 'CI', headers);
    expect([other.status, other.body.error.code]).toEqual([422, 'gate-key-used']);
    expect(await app.app.store.documents('permit', {})).toHaveLength(2);
  });

  it('ends by who imported it or an operator, and does not come again', async () => {
    const app = await start();
    const sent = permit();
    const { body } = await send(app, sent);
    expect((await end(app, body.id, 'RITA')).status).toBe(403);
    const ended = await end(app, body.id, 'CI', { reason: 'cancelled' });
    expect(ended).toMatchObject({
      status: 200,
      body: { state: 'ended', because: 'taken back by service ci: cancelled' },
    });
    expect(ended.body.until).toBeLessThanOrEqual(Date.now());
    expect((await end(app, body.id, 'CI')).status).toBe(200);
    expect((await send(app, sent)).body).toMatchObject({ id: body.id, state: 'ended' });
    expect((await end(app, 'pmt_nothing', 'ALICE')).status).toBe(404);
    const next = await send(app, permit({ change: 'CHG2' }));
    expect((await end(app, next.body.id, 'ALICE')).body.because).toBe('taken back by alice');
    expect(await facts(app, 'permit.ended')).toHaveLength(2);
  });
});

describe('a source of permits', () => {
  const hook = `sources:
  tickets:
    type: webhook
    auth: { bearer: ticket-secret-of-the-test }
    states: { approved: open, cancelled: ended, draft: notice }
    map:
      kind: permit
      fingerprint: body.number
      state: body.state
      title: body.number
      permit: { principal: body.role, actions: body.calls, resources: body.item, until: body.end, from: 'has(body.start) ? body.start : ""' }
`;
  const withHook: Files = {
    'tocsin.yaml': (files['tocsin.yaml'] as string).replace('sources:\n', hook),
    'changes.yaml': `${files['changes.yaml']}
  - { source: tickets, principals: ["${role}"], resources: ["sg-*"], most: 2h }
`,
  };
  const unproven: Files = {
    ...withHook,
    'tocsin.yaml': (withHook['tocsin.yaml'] as string).replace('    auth: { bearer: ticket-secret-of-the-test }\n', ''),
  };
  const ticket = (facts: object = {}) => ({
    ...{ number: 'CHG1', state: 'approved', role, calls: ['AuthorizeSecurityGroupIngress'], item: 'sg-0a1b2c3d' },
    ...{ end: inHours(1), ...facts },
  });
  const post = async (app: TestApp, body: object, status = 202) => {
    const headers = { authorization: 'Bearer ticket-secret-of-the-test' };
    const answer = await app.call('POST', '/events/tickets', { as: null, headers, body });
    expect([answer.status, answer.body]).toMatchObject([status, {}]);
  };
  const refused = (app: TestApp, count: number) =>
    app.until(async () => {
      const found = await facts(app, 'permit.refused');
      return found.length >= count ? found : null;
    });
  const permits = (app: TestApp, count: number, state: 'open' | 'ended' = 'open') =>
    app.until(async () => {
      const found = await app.app.store.documents('permit', { state });
      return found.length === count ? found : null;
    });

  it('permits once what its ticket says, however often it is told, and ends it', async () => {
    const app = await start(withHook);
    const sent = ticket();
    await Promise.all(Array.from({ length: 100 }, () => post(app, sent)));
    const [issued] = await permits(app, 1);
    expect(issued).toMatchObject({ of: 'CHG1', importer: 'source:tickets', principal: role, origin: 'import' });
    await tell(app, call());
    expect((await judged(app, 1)).map(one => one.state)).toEqual(['permitted']);
    await post(app, { ...sent, state: 'cancelled' });
    const [ended] = await permits(app, 1, 'ended');
    expect(ended?.because).toBe('taken back by tickets: CHG1');
    // A late double of the approval does not bring it back.
    await post(app, sent);
    await tell(app, call());
    expect((await judged(app, 2)).map(one => one.state).sort()).toEqual(['permitted', 'unpermitted']);
    expect(await facts(app, 'permit.issued')).toHaveLength(1);
    expect(await facts(app, 'permit.refused')).toEqual([]);
  });

  it('takes no approval that comes after its withdrawal, and no draft', async () => {
    const app = await start(withHook);
    await post(app, ticket({ number: 'CHG9', state: 'cancelled' }));
    await post(app, ticket({ number: 'CHG9' }));
    await post(app, ticket({ number: 'CHG8', state: 'draft', role: null }));
    await post(app, ticket({ number: 'CHG1' }));
    expect(await permits(app, 1)).toMatchObject([{ of: 'CHG1' }]);
    expect(await facts(app, 'permit.issued')).toHaveLength(1);
  });

  it('is refused what it may not permit: answered 202, and journalled', async () => {
    const app = await start(withHook);
    await post(app, ticket({ number: 'A', role: 'arn:aws:iam::111122223333:role/admin' }));
    await post(app, ticket({ number: 'B', item: '*' }));
    await post(app, ticket({ number: 'C', end: '9999-12-30T00:00:00Z' }));
    await post(app, ticket({ number: 'D', start: inHours(-2) }));
    await post(app, ticket({ number: 'E' }));
    await post(app, ticket({ number: 'E', end: inHours(1.5) }));
    const found = await refused(app, 5);
    expect(new Set(found.map(({ from }) => from))).toEqual(new Set(['source:tickets']));
    expect(found.map(({ because }) => because.slice(0, 40))).toEqual([
      'A: it may not permit this principal. All',
      'B: it may not permit this resources. All',
      'C: it may not permit this until. Allowed',
      'D: it may not permit this from: it begin',
      'E: it was permitted otherwise before, as',
    ]);
    expect(await permits(app, 1)).toMatchObject([{ of: 'E' }]);
  });

  it.each([
    ['no item', { item: '' }],
    ['an empty list', { calls: [] }],
    ['1,000 patterns', { item: Array.from({ length: 1000 }, (_, index) => `sg-${index}`) }],
    ['a list of something else', { calls: [['*']] }],
    ['no end', { end: null }],
    ['a time that is none', { end: 'NaN' }],
    ['a pattern of principals', { role: '*' }],
  ])('cannot read %s, and permits nothing', async (_, more) => {
    const app = await start(withHook);
    const headers = { authorization: 'Bearer ticket-secret-of-the-test' };
    const answer = await app.call('POST', '/events/tickets', { as: null, headers, body: ticket(more) });
    expect([400, 422]).toContain(answer.status);
    expect(JSON.stringify(answer.body)).toContain('map.permit.');
    expect(await app.app.store.documents('permit', {})).toEqual([]);
  });

  it('permits nothing without a proof, or without a place under importers', async () => {
    const app = await start(unproven);
    await post(app, ticket());
    expect(await refused(app, 1)).toMatchObject([{ because: 'CHG1: its sender proved nothing' }]);
    const other = await start({ ...withHook, 'changes.yaml': files['changes.yaml'] as string });
    await post(other, ticket());
    expect((await refused(other, 1))[0]?.because).toContain('does not let tickets import permits');
    for (const one of [app, other]) expect(await one.app.store.documents('permit', {})).toEqual([]);
  });

  it('counts for a change that it comes after, before that is judged, also over a restart', async () => {
    let shift = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shift };
    const late = {
      'changes.yaml': withHook['changes.yaml']?.toString().replace('matchAfter: 0s', 'matchAfter: 20m') ?? '',
    };
    const first = await start({ ...withHook, ...late }, { clock, keep: true });
    await tell(first, call());
    await first.until(async () => (await first.app.store.documents('held', {})).length === 1);
    const begins = new Date(Date.now() - 60_000).toISOString();
    await post(first, ticket({ start: begins }));
    await first.app.stop('killed');
    apps.pop();
    shift = 21 * 60_000;
    const app = await start({ ...withHook, ...late }, { clock, folder: first.folder });
    expect((await judged(app, 1)).map(one => one.state)).toEqual(['permitted']);
    expect(await facts(app, 'permit.issued')).toHaveLength(1);
  });
});
