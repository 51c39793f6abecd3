import type { SourceExample } from '../../ports/source.ts';

const options = { token: 'an example token' };
const headers = { authorization: 'Bearer an example token' };
const activated = {
  id: 'd1b1f3fd-995a-4066-88ab-8ce4f6960654',
  issueUrl: 'https://radar-api.service.newrelic.com/accounts/1/issues/0ea2df1c',
  title: "Memory Used % > 90 for at least 2 minutes on 'checkout'",
  priority: 'CRITICAL',
  impactedEntities: ['checkout'],
  totalIncidents: 1,
  state: 'ACTIVATED',
  trigger: 'STATE_CHANGE',
  isCorrelated: false,
  createdAt: 1795604300000,
  updatedAt: 1795604301000,
  sources: ['newrelic'],
  alertPolicyNames: ['Golden signals'],
  alertConditionNames: ['Memory high'],
  workflowName: 'tocsin',
};
const at = 1_795_604_410_000;
const later = (state: string, updatedAt: number) => JSON.stringify({ ...activated, state, updatedAt });

export const examples: readonly SourceExample[] = [
  {
    title: 'An issue is activated',
    options,
    headers,
    body: JSON.stringify(activated),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: activated.id,
          title: activated.title,
          severity: 'critical',
          labels: {
            policy: 'Golden signals',
            condition: 'Memory high',
            entity: 'checkout',
            priority: 'CRITICAL',
            workflow: 'tocsin',
          },
          links: [{ label: 'Issue', url: activated.issueUrl }],
          startsAt: 1_795_604_300_000,
          stretch: 'startsAt',
          newsAt: 1_795_604_301_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'Somebody acknowledges it',
    options,
    headers,
    body: later('ACKNOWLEDGED', 1795604350000),
    at,
    expect: { events: [{ kind: 'alert', state: 'acknowledged', fingerprint: activated.id }] },
  },
  {
    title: 'It is closed',
    options,
    headers,
    body: later('CLOSED', 1795604400000),
    at,
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: activated.id, endsAt: 1_795_604_400_000 }],
    },
  },
  {
    title: 'A payload without a state is refused',
    options,
    headers,
    body: '{"id":"d1b1f3fd"}',
    expect: { refused: 'bad-body' },
  },
];
