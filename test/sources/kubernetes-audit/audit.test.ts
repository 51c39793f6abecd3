import { afterEach, describe, expect, test } from 'vitest';
import type { IncomingChange, IncomingEvent } from '../../../src/model/event.ts';
import source from '../../../src/sources/kubernetes-audit/index.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';

const at = 1_795_604_410_000;
const options = source.options.parse({ token: 't' });

/** An audit event of a request, shaped as kube-apiserver sends it (audit.k8s.io/v1). */
function request(over: object = {}): object {
  return {
    level: 'Metadata',
    auditID: 'id-1',
    stage: 'ResponseComplete',
    requestURI: '/api/v1/namespaces/shop/configmaps/flags',
    verb: 'update',
    user: { username: 'mina', groups: ['sre'] },
    sourceIPs: ['203.0.113.9', '10.0.0.1'],
    objectRef: { resource: 'configmaps', namespace: 'shop', name: 'flags', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: '2026-11-20T09:14:07.123456Z',
    stageTimestamp: '2026-11-20T09:14:08.000000Z',
    ...over,
  };
}

const list = (...items: object[]) => ({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items });

function read(...items: object[]): readonly IncomingEvent[] {
  return source.normalise(list(...items), { headers: {}, body: Buffer.alloc(0), at }, options).events;
}

const changeIn = (over: object) => {
  const [event] = read(request(over));
  return event as IncomingChange;
};

describe('what is a change', () => {
  test.each(['create', 'update', 'patch', 'delete', 'deletecollection', 'bind', 'post'])('%s is one', verb => {
    expect(changeIn({ verb })).toMatchObject({ kind: 'change', action: verb, outcome: { state: 'success' } });
  });

  test.each([
    ['reading', { verb: 'get' }],
    ['a list', { verb: 'list' }],
    ['a watch', { verb: 'watch', stage: 'ResponseComplete' }],
    ['a dry run', { requestURI: '/api/v1/namespaces/shop/configmaps/flags?dryRun=All&fieldManager=kubectl' }],
    ['the start of a request', { stage: 'RequestReceived' }],
    ['the start of an answer', { stage: 'ResponseStarted' }],
    ['a panic', { stage: 'Panic' }],
  ])('%s is none', (_what, over) => {
    expect(read(request(over))).toEqual([]);
  });

  test.each(['exec', 'attach', 'portforward'])('%s is one, also by a GET', subresource => {
    const objectRef = { resource: 'pods', namespace: 'shop', name: 'p', subresource };
    expect(changeIn({ verb: 'get', objectRef, responseStatus: { code: 101 } })).toMatchObject({
      action: `get ${subresource}`,
      outcome: { state: 'success' },
    });
  });
});

describe('what a change says', () => {
  test.each([
    [403, 'Forbidden', { state: 'failure', error: '403 Forbidden' }],
    [409, 'Conflict', { state: 'failure', error: '409 Conflict' }],
    [500, undefined, { state: 'failure', error: '500' }],
    [201, undefined, { state: 'success' }],
    [undefined, undefined, { state: 'unknown' }],
  ])('an answer of %s %s', (code, reason, outcome) => {
    expect(changeIn({ responseStatus: { code, reason } }).outcome).toEqual(outcome);
  });

  test.each([
    ['mina@acme.example', 'user'],
    ['system:serviceaccount:argocd:controller', 'service account'],
    ['system:node:node-1', 'node'],
    ['system:kube-scheduler', 'system'],
  ])('%s is a %s', (username, type) => {
    expect(changeIn({ user: { username } }).actor).toEqual({ name: username, id: username, type });
  });

  test('who acts as somebody else is the actor', () => {
    const change = changeIn({ impersonatedUser: { username: 'system:admin' } });
    expect([change.actor?.name, change.labels['impersonated']]).toEqual(['mina', 'system:admin']);
  });

  test('what is no resource is its path, without a query', () => {
    const change = changeIn({ verb: 'post', objectRef: undefined, requestURI: '/debug/flags?token=hunter2' });
    expect(change.resource).toEqual({ type: 'url', id: '/debug/flags', name: '/debug/flags' });
    expect(JSON.stringify(change)).not.toContain('hunter2');
  });

  test('no name passes for two', () => {
    const idOf = (namespace: string, name: string) =>
      changeIn({ objectRef: { resource: 'pods', namespace, name } }).resource.id;
    expect(idOf('a/b', 'c')).not.toBe(idOf('a', 'b/c'));
  });

  test('no body is shown, neither of a Secret nor of anything else but replicas and images', () => {
    const secret = { resource: 'secrets', namespace: 'shop', name: 'stripe' };
    const bodies = {
      requestObject: { data: { key: 'aHVudGVyMg==' } },
      responseObject: { stringData: { key: 'hunter2' } },
    };
    const workload = { resource: 'deployments', apiGroup: 'apps', namespace: 'shop', name: 'checkout' };
    const spec = {
      replicas: 2,
      template: { spec: { containers: [{ name: 'c', image: 'i:1', env: [{ name: 'K', value: 'hunter2' }] }] } },
    };
    const changes = [
      changeIn({ objectRef: secret, ...bodies }),
      changeIn({ objectRef: workload, requestObject: { spec } }),
    ];
    expect(JSON.stringify(changes)).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(changes.map(change => change.after)).toEqual([
      undefined,
      { as: 'facts', facts: { replicas: '2', 'image of c': 'i:1' } },
    ]);
    expect(
      changeIn({ objectRef: workload, requestObject: [{ op: 'replace', path: '/spec', value: 'hunter2' }] }).after,
    ).toBeUndefined();
  });
});

describe('at the door', () => {
  let app: TestApp | undefined;
  afterEach(() => app?.stop());

  test('each request is told once, whichever batch brings it; nothing that was delivered is kept', async () => {
    app = await startTestApp({
      'tocsin.yaml': basicConfig.replace('sources:', 'sources:\n  kubernetes-audit: { token: audit-token }'),
      'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
      'runbooks/watch.yaml': `
title: Watch
risk: none
on: [{ source: kubernetes-audit, kind: change, where: event.change.outcome == "failure" }]
steps: [{ id: say, exec: [echo, refused] }]
`,
    });
    const send = (...items: object[]) =>
      app?.call('POST', '/events/kubernetes-audit', {
        as: null,
        headers: { authorization: 'Bearer audit-token' },
        body: list(...items),
      });
    const refused = request({
      auditID: 'id-2',
      responseStatus: { code: 403, reason: 'Forbidden' },
      requestObject: { data: 'hunter2' },
    });
    expect((await send(request(), refused))?.body.accepted).toMatchObject([{ duplicate: false }, { duplicate: false }]);
    expect((await send(refused, request({ auditID: 'id-3' })))?.body.accepted).toMatchObject([
      { duplicate: true },
      { duplicate: false },
    ]);
    const [run] = await app.until(async () => {
      const runs = await app?.runs();
      return runs !== undefined && runs.length > 0 && runs;
    });
    await app.ended(run?.id ?? '');
    expect(await app.runs()).toHaveLength(1);
    const told = (await app.journal()).flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [fact.event] : []));
    expect(told.map(({ raw, trusted, body }) => [raw, trusted, body.kind])).toEqual(
      [1, 2, 3].map(() => [null, true, 'change']),
    );
    expect((await app.call('POST', '/events/kubernetes-audit', { as: null, body: list(request()) })).status).toBe(401);
  });
});
