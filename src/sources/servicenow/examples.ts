import type { SourceExample } from '../../ports/source.ts';
import { labelOf } from '../jira/own.ts';

const options = { token: 'an example token', url: 'https://acme.service-now.com' };
const headers = { authorization: 'Bearer an example token' };
const at = 1_795_604_610_000;
const sys_id = '9d385017c611228701d22104cc95c371';

const opened = {
  operation: 'insert',
  sys_id,
  number: 'INC0010001',
  correlation_id: '',
  short_description: 'Checkout answers 500',
  state: '1',
  state_name: 'New',
  priority: '2',
  opened_at: '2026-11-25 10:00:00',
  updated_at: '2026-11-25 10:00:00',
  updated_by: 'mina',
};
const resolved = {
  ...opened,
  operation: 'update',
  state: '6',
  state_name: 'Resolved',
  was_state_name: 'In Progress',
  updated_at: '2026-11-25 10:30:00',
};
const password = 'an example password';

export const examples: readonly SourceExample[] = [
  {
    title: 'An incident is opened',
    options,
    headers,
    body: JSON.stringify(opened),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: sys_id,
          title: 'INC0010001: Checkout answers 500',
          severity: 'error',
          labels: { number: 'INC0010001', state: 'New', priority: '2', by: 'mina' },
          links: [{ label: 'ServiceNow', url: `https://acme.service-now.com/incident.do?sys_id=${sys_id}` }],
          startsAt: Date.UTC(2026, 10, 25, 10),
        },
      ],
    },
  },
  {
    title: 'It is resolved',
    options,
    headers,
    body: JSON.stringify(resolved),
    at,
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: sys_id, endsAt: Date.UTC(2026, 10, 25, 10, 30) }],
    },
  },
  {
    title: 'Somebody resolves a ticket that Tocsin opened for an alert',
    options: { ...options, user: 'tocsin', password },
    headers,
    body: JSON.stringify({ ...resolved, correlation_id: labelOf(password, 'alt_1', 2) }),
    at,
    expect: {
      events: [
        {
          kind: 'notice',
          title: 'mina closed INC0010001: In Progress → Resolved',
          ticketOf: { alert: 'alt_1', episode: 2 },
        },
      ],
    },
  },
  {
    title: 'Another token',
    options,
    headers: { authorization: 'Bearer guessed' },
    body: JSON.stringify(opened),
    expect: { refused: 'bad-signature' },
  },
  { title: 'No record', options, headers, body: '{"number":"INC0010001"}', expect: { refused: 'bad-body' } },
];
