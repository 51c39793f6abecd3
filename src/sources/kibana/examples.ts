import type { SourceExample } from '../../ports/source.ts';

const firing = {
  rule_id: '4f2a6c10-9b1d-11ee-8c90-0242ac120002',
  rule_name: 'Error rate high',
  rule_url:
    'https://kibana.acme.example/app/management/insightsAndAlerting/triggersActions/rule/4f2a6c10-9b1d-11ee-8c90-0242ac120002',
  space: 'default',
  tags: 'prod,team:search',
  date: '2026-11-20T11:00:03.120Z',
  alert_id: 'host-search-3',
  alert_uuid: 'd5c2a9f0-66f5-4d3e-9a9f-1f2b3c4d5e6f',
  action_group: 'query matched',
  action_group_name: 'Query matched',
  flapping: 'false',
  consecutive_matches: '3',
  reason: 'Document count is 120 in the last 5m. Alert when greater than 50.',
  value: '120',
  severity: 'critical',
};
const options = { header: { name: 'X-Tocsin-Token', value: 'an example token' } };
const headers = { 'x-tocsin-token': 'an example token' };
const fingerprint = 'default/4f2a6c10-9b1d-11ee-8c90-0242ac120002/host-search-3';

export const examples: readonly SourceExample[] = [
  {
    title: 'A rule finds an alert',
    options,
    headers,
    body: JSON.stringify(firing),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'Error rate high: host-search-3',
          severity: 'critical',
          labels: {
            rule: 'Error rate high',
            alert: 'host-search-3',
            space: 'default',
            tags: 'prod,team:search',
            team: 'search',
          },
          links: [{ label: 'Rule', url: firing.rule_url }],
          startsAt: Date.UTC(2026, 10, 20, 11, 0, 3, 120),
          newsAt: Date.UTC(2026, 10, 20, 11, 0, 3, 120),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It has recovered, by the action for Recovered',
    options,
    headers,
    body: JSON.stringify({
      ...firing,
      date: '2026-11-20T11:20:03.120Z',
      action_group: 'recovered',
      action_group_name: 'Recovered',
      consecutive_matches: '0',
      reason: '',
    }),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: Date.UTC(2026, 10, 20, 11, 20, 3, 120) }],
    },
  },
  {
    title: 'A summary of alerts is a notice',
    options: { basic: { user: 'kibana', password: 'an example password' } },
    headers: { authorization: `Basic ${Buffer.from('kibana:an example password').toString('base64')}` },
    body: JSON.stringify({ ...firing, alert_id: '', alert_uuid: '', action_group: '' }),
    expect: { events: [{ kind: 'notice', type: 'summary', title: 'Error rate high' }] },
  },
  {
    title: 'Another body is refused',
    options,
    headers,
    body: '"Error rate high"',
    expect: { refused: 'bad-body' },
  },
];
