import type { SourceExample } from '../../ports/source.ts';

const firing = {
  receiver: 'tocsin',
  status: 'firing',
  orgId: 1,
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'API p99 latency', grafana_folder: 'SRE', service: 'api', severity: 'critical' },
      annotations: { summary: 'p99 above 1.5 s', runbook_url: 'https://runbooks.example.com/api-latency' },
      startsAt: '2026-11-20T10:02:30Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'https://grafana.example.com/alerting/grafana/fe4x1k2m9/view?orgId=1',
      fingerprint: '57c6d9296de2ad39',
      silenceURL: 'https://grafana.example.com/alerting/silence/new?alertmanager=grafana&orgId=1',
      dashboardURL: 'https://grafana.example.com/d/abc123?orgId=1',
      panelURL: 'https://grafana.example.com/d/abc123?orgId=1&viewPanel=4',
      values: { A: 1.83, C: 1 },
      orgId: 1,
    },
  ],
  externalURL: 'https://grafana.example.com/',
  version: '1',
  truncatedAlerts: 0,
};
const [alert] = firing.alerts;
const firingBody = JSON.stringify(firing);
const resolvedBody = JSON.stringify({
  ...firing,
  status: 'resolved',
  alerts: [{ ...alert, status: 'resolved', endsAt: '2026-11-20T10:22:30Z', values: null }],
});

/** When the signed examples arrive. */
const at = Date.UTC(2026, 10, 20, 10, 3);

export const examples: readonly SourceExample[] = [
  {
    title: 'A rule fires, signed with the time',
    options: { secret: 'an example secret', timestampHeader: 'X-Grafana-Alerting-Timestamp' },
    headers: {
      'x-grafana-alerting-timestamp': '1795168980',
      'x-grafana-alerting-signature': 'd0b790a79005d3a14bee9b37ceac2dc63f84b43a4ae854479a24a2a936fe0549',
    },
    body: firingBody,
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: '57c6d9296de2ad39',
          title: 'p99 above 1.5 s',
          severity: 'critical',
          labels: { alertname: 'API p99 latency', grafana_folder: 'SRE', service: 'api', severity: 'critical' },
          annotations: {
            summary: 'p99 above 1.5 s',
            runbook_url: 'https://runbooks.example.com/api-latency',
            grafana_values: 'A=1.83, C=1',
            grafana_org_id: '1',
          },
          links: [
            { label: 'Rule', url: 'https://grafana.example.com/alerting/grafana/fe4x1k2m9/view?orgId=1' },
            { label: 'Dashboard', url: 'https://grafana.example.com/d/abc123?orgId=1' },
            { label: 'Panel', url: 'https://grafana.example.com/d/abc123?orgId=1&viewPanel=4' },
            { label: 'Silence', url: 'https://grafana.example.com/alerting/silence/new?alertmanager=grafana&orgId=1' },
            { label: 'Grafana', url: 'https://grafana.example.com/' },
            { label: 'Runbook', url: 'https://runbooks.example.com/api-latency' },
          ],
          startsAt: Date.UTC(2026, 10, 20, 10, 2, 30),
          stretch: 'startsAt',
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is resolved; while the secret is replaced, both hold',
    options: { secret: ['the next secret', 'an example secret'] },
    headers: { 'x-grafana-alerting-signature': '87b07fa6a758a4779e1dfe3a5baa8d5d5f9db04512d264daf0f2393e371de9da' },
    body: resolvedBody,
    at,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: '57c6d9296de2ad39',
          endsAt: Date.UTC(2026, 10, 20, 10, 22, 30),
        },
      ],
    },
  },
  {
    title: 'The test of a contact point, with a token',
    options: { token: 'an example token' },
    headers: { authorization: 'Bearer an example token' },
    body: JSON.stringify({
      ...firing,
      alerts: [
        {
          ...alert,
          labels: { alertname: 'TestAlert', instance: 'Grafana' },
          annotations: { summary: 'Notification test' },
        },
      ],
    }),
    expect: { events: [{ kind: 'notice', type: 'test' }] },
  },
  {
    title: 'Its series is no longer there, which is no cure',
    options: { token: 'an example token' },
    headers: { authorization: 'Bearer an example token' },
    body: JSON.stringify({
      ...firing,
      alerts: [
        {
          ...alert,
          status: 'resolved',
          annotations: { summary: 'p99 above 1.5 s', grafana_state_reason: 'MissingSeries' },
          endsAt: '2026-11-20T10:22:30Z',
        },
      ],
    }),
    expect: {
      events: [
        { kind: 'alert', state: 'resolved', noCure: 'no evaluation found it well: its series is no longer there' },
      ],
    },
  },
  {
    title: 'The alerting of before Grafana 8',
    options: { basic: { user: 'grafana', password: 'an example password' } },
    headers: { authorization: `Basic ${Buffer.from('grafana:an example password').toString('base64')}` },
    body: '{"title":"[Alerting] Disk full","ruleId":17,"ruleName":"Disk full","state":"alerting","evalMatches":[{"value":93,"metric":"db-1","tags":null}],"orgId":1,"ruleUrl":"https://grafana.example.com/d/1","tags":{"severity":"error"},"message":"The disk is full"}',
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'rule:1/17',
          title: 'Disk full',
          severity: 'error',
          labels: { alertname: 'Disk full', severity: 'error' },
        },
      ],
    },
  },
  {
    title: 'Signed with another secret',
    options: { secret: 'another secret' },
    headers: { 'x-grafana-alerting-signature': '87b07fa6a758a4779e1dfe3a5baa8d5d5f9db04512d264daf0f2393e371de9da' },
    body: resolvedBody,
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A payload of its own, without alerts',
    options: { token: 'an example token' },
    headers: { authorization: 'Bearer an example token' },
    body: '{"text":"{{ .Title }}"}',
    expect: { refused: 'bad-body' },
  },
];
