import type { SourceExample } from '../../ports/source.ts';

const triggered = {
  transition: 'Triggered',
  alert_type: 'error',
  monitor_id: '91827364',
  scope: 'host:db-prod-3,env:prod',
  alert_cycle_key: '6133480437410128741',
  aggreg_key: '9bd4ac313a4d1e8fae2482df7b77628',
  priority: 'P2',
  metric: 'system.disk.in_use',
  query: 'avg(last_5m):avg:system.disk.in_use{env:prod} by {host} > 0.9',
  status_summary: 'system.disk.in_use over host:db-prod-3,env:prod was > 0.9 on average during the last 5m.',
  title: '[P2] [Triggered on {host:db-prod-3}] Disk almost full',
  event_type: 'metric_alert_monitor',
  body: 'Disk almost full on db-prod-3',
  host: 'db-prod-3',
  tags: 'env:prod,host:db-prod-3,monitor,team:data',
  link: 'https://app.datadoghq.com/event/event?id=7912345678901234567',
  event_id: '7912345678901234567',
  date_ms: '1795604403000',
  org_id: '11023',
  org_name: 'acme',
};
const options = { token: 'an example token' };
const headers = { authorization: 'Bearer an example token' };
const recovered = {
  ...triggered,
  transition: 'Recovered',
  alert_type: 'success',
  event_id: '7912345678901239999',
  date_ms: '1795604409000',
};
const at = 1_795_604_410_000;

export const examples: readonly SourceExample[] = [
  {
    title: 'A monitor is triggered for one host',
    options,
    headers,
    body: JSON.stringify(triggered),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'monitor:11023/91827364/host:db-prod-3,env:prod',
          title: 'Disk almost full',
          severity: 'error',
          labels: {
            host: 'db-prod-3',
            metric: 'system.disk.in_use',
            event_type: 'metric_alert_monitor',
            org: 'acme',
            env: 'prod',
            team: 'data',
          },
          links: [{ label: 'Datadog', url: 'https://app.datadoghq.com/event/event?id=7912345678901234567' }],
          startsAt: 1_795_604_403_000,
          newsAt: 1_795_604_403_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It recovers',
    options,
    headers,
    body: JSON.stringify(recovered),
    at,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'monitor:11023/91827364/host:db-prod-3,env:prod',
          newsAt: 1_795_604_409_000,
          endsAt: 1_795_604_409_000,
        },
      ],
    },
  },
  {
    title: 'There is no data, and variables without a value',
    options: { basic: { user: 'datadog', password: 'an example password' } },
    headers: { authorization: `Basic ${Buffer.from('datadog:an example password').toString('base64')}` },
    body: JSON.stringify({
      ...triggered,
      transition: 'Re-No Data',
      priority: 'null',
      metric: '$ALERT_METRIC',
      host: '',
    }),
    at,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          severity: 'error',
          labels: { event_type: 'metric_alert_monitor', org: 'acme', env: 'prod', team: 'data', host: 'db-prod-3' },
        },
      ],
    },
  },
  {
    title: 'A renotification of a warning',
    options: { header: { name: 'X-Tocsin-Token', value: 'an example token' } },
    headers: { 'x-tocsin-token': 'an example token' },
    body: JSON.stringify({
      ...triggered,
      transition: 'Renotify',
      alert_type: 'warning',
      priority: '',
    }),
    at,
    expect: { events: [{ kind: 'alert', state: 'firing', severity: 'warning' }] },
  },
  {
    title: 'An event that somebody posted is a notice',
    options,
    headers,
    body: JSON.stringify({
      ...triggered,
      transition: '',
      monitor_id: '',
      aggreg_key: '',
      alert_cycle_key: '',
      title: 'Deployed checkout 3.14.2',
      event_type: 'event',
    }),
    at,
    expect: { events: [{ kind: 'notice', type: 'event', title: 'Deployed checkout 3.14.2' }] },
  },
  {
    title: 'Another payload is refused',
    options,
    headers,
    body: '["Disk almost full"]',
    expect: { refused: 'bad-body' },
  },
];
