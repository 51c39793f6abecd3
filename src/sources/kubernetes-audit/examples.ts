import type { SourceExample } from '../../ports/source.ts';

const options = { token: 'an example token', cluster: 'production' };
const headers = { authorization: 'Bearer an example token' };

const list = (...items: object[]) =>
  JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items });

function request(over: object): object {
  return {
    level: 'Metadata',
    auditID: '6c1e7d7a-3c9f-4d31-9a55-2f7d5a0c1b11',
    stage: 'ResponseComplete',
    requestURI: '/apis/apps/v1/namespaces/shop/deployments/checkout?fieldManager=kubectl-edit',
    verb: 'patch',
    user: { username: 'mina@acme.example', groups: ['sre', 'system:authenticated'] },
    sourceIPs: ['203.0.113.9'],
    userAgent: 'kubectl/v1.34.1',
    objectRef: { resource: 'deployments', namespace: 'shop', name: 'checkout', apiGroup: 'apps', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: '2026-11-20T09:14:07.123456Z',
    stageTimestamp: '2026-11-20T09:14:07.223456Z',
    ...over,
  };
}

export const examples: SourceExample[] = [
  {
    title: 'Somebody edits a Deployment; the policy sends its request',
    options,
    headers,
    body: list(
      request({
        level: 'Request',
        requestObject: {
          spec: { replicas: 6, template: { spec: { containers: [{ name: 'checkout', image: 'acme/checkout:7' }] } } },
        },
      }),
    ),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'change',
          title: 'mina@acme.example: patch deployments.apps shop/checkout',
          action: 'patch',
          actor: { name: 'mina@acme.example', id: 'mina@acme.example', type: 'user' },
          resource: { type: 'deployments.apps', id: 'deployments.apps/shop/checkout', name: 'shop/checkout' },
          after: { as: 'facts', facts: { replicas: '6', 'image of checkout': 'acme/checkout:7' } },
          account: 'production',
          outcome: { state: 'success' },
          changeId: '6c1e7d7a-3c9f-4d31-9a55-2f7d5a0c1b11',
        },
      ],
    },
  },
  {
    title: 'Somebody may not delete a Secret, and somebody opens a shell in a pod',
    options,
    headers,
    body: list(
      request({
        auditID: 'a1',
        verb: 'delete',
        requestURI: '/api/v1/namespaces/shop/secrets/stripe',
        objectRef: { resource: 'secrets', namespace: 'shop', name: 'stripe', apiVersion: 'v1' },
        responseStatus: { metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403 },
      }),
      request({
        auditID: 'a2',
        verb: 'get',
        requestURI: '/api/v1/namespaces/shop/pods/checkout-1/exec?command=sh&stdin=true',
        objectRef: { resource: 'pods', namespace: 'shop', name: 'checkout-1', apiVersion: 'v1', subresource: 'exec' },
        responseStatus: { metadata: {}, code: 101 },
      }),
    ),
    expect: {
      events: [
        {
          kind: 'change',
          action: 'delete',
          resource: { type: 'secrets', id: 'secrets/shop/stripe', name: 'shop/stripe' },
          outcome: { state: 'failure', error: '403 Forbidden' },
        },
        { kind: 'change', action: 'get exec', outcome: { state: 'success' } },
      ],
    },
  },
  {
    title: 'Another token',
    options,
    headers: { authorization: 'Bearer guessed' },
    body: list(request({})),
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'Not a list of audit events',
    options,
    headers,
    body: '{"kind":"AdmissionReview"}',
    expect: { refused: 'bad-body' },
  },
];
