import type { SourceExample } from '../../ports/source.ts';

const full = {
  check: {
    command: 'check-disk-usage -w 80 -c 90',
    executed: 1_795_604_399,
    history: [
      { status: 0, executed: 1_795_604_339 },
      { status: 2, executed: 1_795_604_399 },
    ],
    interval: 60,
    is_silenced: false,
    issued: 1_795_604_399,
    last_ok: 1_795_604_339,
    metadata: { name: 'disk', namespace: 'default', labels: { team: 'storage' } },
    occurrences: 1,
    output: 'CRITICAL: / is 93% full\n',
    state: 'failing',
    status: 2,
    total_state_change: 4,
  },
  entity: {
    entity_class: 'agent',
    metadata: { name: 'db-1', namespace: 'default', labels: { env: 'prod' } },
    system: { hostname: 'db-1.example.com', os: 'linux' },
  },
  id: '3c3e68f6-6db7-40d3-9b84-4d61817ae559',
  metadata: { namespace: 'default' },
  sequence: 5,
  timestamp: 1_795_604_400,
};
const options = { token: 'an example token' };
const headers = { authorization: 'Bearer an example token' };
const fingerprint = 'default/db-1/disk';
const check = (change: object) => JSON.stringify({ ...full, check: { ...full.check, ...change } });

export const examples: readonly SourceExample[] = [
  {
    title: 'A check fails',
    options,
    headers,
    body: JSON.stringify(full),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'disk on db-1: CRITICAL: / is 93% full',
          severity: 'critical',
          labels: {
            namespace: 'default',
            entity: 'db-1',
            check: 'disk',
            status: '2',
            state: 'failing',
            env: 'prod',
            team: 'storage',
          },
          annotations: { description: 'CRITICAL: / is 93% full', sensu_event_id: full.id },
          newsAt: 1_795_604_400_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It passes again',
    options,
    headers,
    body: JSON.stringify({ ...JSON.parse(check({ state: 'passing', status: 0 })), timestamp: 1_795_604_405 }),
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: 1_795_604_405_000 }] },
  },
  {
    title: 'While it flaps it fires, whatever its status is',
    options,
    headers,
    body: check({ state: 'flapping', status: 0 }),
    expect: { events: [{ kind: 'alert', state: 'firing', fingerprint, severity: 'warning' }] },
  },
  {
    title: 'An agent is not heard of',
    options,
    headers,
    body: check({ metadata: { name: 'keepalive', namespace: 'default' }, status: 1, output: 'No keepalive sent' }),
    expect: {
      events: [{ kind: 'alert', state: 'firing', fingerprint: 'default/db-1/keepalive', severity: 'warning' }],
    },
  },
  {
    title: 'What is silenced at Sensu opens nothing',
    options,
    headers,
    body: check({ is_silenced: true }),
    expect: { events: [{ kind: 'notice', type: 'silenced', about: fingerprint }] },
  },
  {
    title: 'A body without an entity is refused',
    options,
    headers,
    body: '{"check":{"status":2}}',
    expect: { refused: 'bad-body' },
  },
];
