import type { SourceExample } from '../../ports/source.ts';

const created = {
  source: { name: 'web', type: 'API' },
  alert: {
    updatedAt: 1795604193166002000,
    tags: ['prod', 'db'],
    message: 'Disk 92% on db-prod-3',
    username: 'integration',
    alertId: '052652ac-5d1c-464a-812a-7dd18bbfba8c-1795604191104',
    source: 'db-prod-3',
    alias: 'disk-db-prod-3',
    tinyId: '2301',
    createdAt: 1795604191104,
    entity: 'db-prod-3',
    priority: 'P2',
    details: { service: 'orders' },
  },
  action: 'Create',
  integrationId: '37c8f316-17c6-49d7-899b-9c7e540c048d',
  integrationName: 'tocsin',
};
const options = { token: 'an example token', site: 'https://acme.app.opsgenie.com' };
const headers = { authorization: 'Bearer an example token' };
const at = 1_795_604_410_000;
const after = (seconds: number, action: string, more: object = {}) => {
  const alert = { ...created.alert, username: 'mina@acme.example', ...more };
  // In nanoseconds, which no number of JavaScript holds exactly.
  return JSON.stringify({ ...created, action, alert: { ...alert, updatedAt: 0 } }).replace(
    '"updatedAt":0',
    `"updatedAt":${1795604193166 + seconds * 1000}002000`,
  );
};

export const examples: readonly SourceExample[] = [
  {
    title: 'An alert is created',
    options,
    headers,
    body: after(0, 'Create', { username: 'integration' }),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'disk-db-prod-3',
          title: 'Disk 92% on db-prod-3',
          severity: 'error',
          labels: { source: 'db-prod-3', entity: 'db-prod-3', priority: 'P2', tags: 'prod,db', service: 'orders' },
          links: [
            {
              label: 'Opsgenie',
              url: 'https://acme.app.opsgenie.com/alert/detail/052652ac-5d1c-464a-812a-7dd18bbfba8c-1795604191104',
            },
          ],
          startsAt: 1_795_604_191_104,
          stretch: 'startsAt',
          newsAt: 1_795_604_193_166,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'Somebody acknowledges it',
    options,
    headers,
    body: after(20, 'Acknowledge'),
    at,
    expect: {
      events: [{ kind: 'alert', state: 'acknowledged', fingerprint: 'disk-db-prod-3', by: 'mina@acme.example' }],
    },
  },
  {
    title: 'The acknowledgement is taken back',
    options,
    headers,
    body: after(30, 'UnAcknowledge'),
    at,
    expect: { events: [{ kind: 'alert', state: 'unacknowledged', fingerprint: 'disk-db-prod-3' }] },
  },
  {
    title: 'It is closed',
    options,
    headers,
    body: after(60, 'Close'),
    at,
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'disk-db-prod-3', endsAt: 1_795_604_253_166 }],
    },
  },
  {
    title: 'A note is a notice in the thread of the alert',
    options,
    headers,
    body: after(40, 'AddNote', { note: 'Cleaning up' }),
    at,
    expect: {
      events: [
        { kind: 'notice', type: 'AddNote', about: 'disk-db-prod-3', title: 'mina@acme.example: AddNote: Cleaning up' },
      ],
    },
  },
  {
    title: 'A body without an alert is refused',
    options,
    headers,
    body: '{"action":"Create"}',
    expect: { refused: 'bad-body' },
  },
];
