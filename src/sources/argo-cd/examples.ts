import type { SourceExample } from '../../ports/source.ts';

const degraded = {
  application: 'checkout',
  namespace: 'argocd',
  project: 'shop',
  sync: 'Synced',
  health: 'Degraded',
  phase: 'Succeeded',
  message: 'successfully synced (all tasks run)',
  revision: '2293ada6b400935a1378653304eaf6221e0fdb8f',
  severity: 'critical',
  url: 'https://argocd.acme.example/applications/checkout',
  time: 1_795_604_400,
};
const options = { token: 'an example token' };
const headers = { authorization: 'Bearer an example token' };

export const examples: readonly SourceExample[] = [
  {
    title: 'An application is degraded',
    options,
    headers,
    body: JSON.stringify(degraded),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'argocd/checkout',
          title: 'Application checkout is degraded',
          severity: 'critical',
          labels: {
            application: 'checkout',
            namespace: 'argocd',
            project: 'shop',
            sync: 'Synced',
            health: 'Degraded',
            phase: 'Succeeded',
            revision: '2293ada6b400935a1378653304eaf6221e0fdb8f',
          },
          links: [{ label: 'Application', url: 'https://argocd.acme.example/applications/checkout' }],
          newsAt: 1_795_604_400_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is healthy and synced',
    options,
    headers,
    body: JSON.stringify({ ...degraded, health: 'Healthy', time: 1_795_604_405 }),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'argocd/checkout', endsAt: 1_795_604_405_000 }],
    },
  },
  {
    title: 'A sync fails',
    options: {},
    headers: {},
    body: JSON.stringify({ application: 'checkout', sync: 'OutOfSync', health: 'Healthy', phase: 'Failed' }),
    expect: { events: [{ kind: 'alert', state: 'firing', title: 'Sync of application checkout failed' }] },
  },
  {
    title: 'A body without an application is refused',
    options: {},
    headers: {},
    body: '{"health":"Degraded"}',
    expect: { refused: 'bad-body' },
  },
];
