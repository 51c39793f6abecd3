import type { SourceExample } from '../../ports/source.ts';

const options = { secret: 'an example secret' };
const at = 1_795_604_610_000;
const actor = { id: 'sentry', name: 'Sentry', type: 'application' };
const installation = { uuid: 'a8e5d37a-696c-4c54-adb5-b3f28d64c7de' };

const issueAlert = JSON.stringify({
  action: 'triggered',
  actor,
  data: {
    event: {
      event_id: 'e4874d664c3540c1a32eab185f12c5ab',
      project: 45121,
      platform: 'node',
      level: 'error',
      title: 'TimeoutError: pool exhausted',
      message: '',
      culprit: 'POST /checkout',
      datetime: '2026-11-20T11:03:17.677000Z',
      release: 'checkout@3.14.2',
      environment: 'production',
      tags: [['server', 'web-1']],
      web_url: 'https://sentry.io/organizations/acme/issues/1117540176/events/e4874d664c3540c1a32eab185f12c5ab/',
      issue_id: '1117540176',
    },
    triggered_rule: 'Checkout errors page on-call',
  },
  installation,
});

const metricAlert = {
  action: 'critical',
  actor,
  data: {
    description_text: '1000 events in the last 10 minutes\nFilter: level:error',
    description_title: 'Critical: Too many errors',
    metric_alert: {
      alert_rule: {
        aggregate: 'count()',
        dataset: 'events',
        environment: null,
        id: '7',
        name: 'Too many errors',
        query: 'level:error',
      },
      date_closed: null as string | null,
      date_started: '2026-11-20T11:00:00.000000Z',
      id: '4',
      identifier: '1',
      projects: ['checkout'],
      title: 'Sacred Marmot',
    },
    web_url: 'https://sentry.io/organizations/acme/alerts/1/',
  },
  installation,
};
const critical = JSON.stringify(metricAlert);
const resolved = JSON.stringify({
  ...metricAlert,
  action: 'resolved',
  data: {
    ...metricAlert.data,
    description_title: 'Resolved: Too many errors',
    metric_alert: { ...metricAlert.data.metric_alert, date_closed: '2026-11-20T11:10:00.000000Z' },
  },
});
const issue = (action: string) =>
  JSON.stringify({
    action,
    actor: { id: 7, name: 'mina', type: 'user' },
    data: {
      issue: {
        id: '1117540176',
        shortId: 'CHECKOUT-7',
        title: 'TimeoutError: pool exhausted',
        culprit: 'POST /checkout',
        level: 'error',
        status: action,
        platform: 'node',
        firstSeen: '2026-11-20T11:03:17.677000Z',
        project: { id: '45121', slug: 'checkout', name: 'checkout' },
        web_url: 'https://sentry.io/organizations/acme/issues/1117540176/',
      },
    },
    installation,
  });

const signed = (signature: string) => ({ 'sentry-hook-signature': signature });

export const examples: readonly SourceExample[] = [
  {
    title: 'A rule about events',
    options,
    headers: signed('1601042a5461b6d922cd1a8d503cce4a8bde8636d9e1a1853cc08630a7dd12dc'),
    body: issueAlert,
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'issue:1117540176',
          title: 'TimeoutError: pool exhausted',
          severity: 'error',
          labels: {
            project: '45121',
            environment: 'production',
            release: 'checkout@3.14.2',
            level: 'error',
            platform: 'node',
            server: 'web-1',
            rule: 'Checkout errors page on-call',
          },
          links: [
            {
              label: 'Issue',
              url: 'https://sentry.io/organizations/acme/issues/1117540176/events/e4874d664c3540c1a32eab185f12c5ab/',
            },
          ],
          startsAt: Date.UTC(2026, 10, 20, 11, 3, 17, 677),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'A rule about a metric fires',
    options,
    headers: signed('a87565e354d8d3081db17eee62a7c065b910c7c8dd0a712e66841e962a4ef9c0'),
    body: critical,
    at,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'rule:7',
          title: 'Too many errors',
          severity: 'critical',
          labels: { project: 'checkout', dataset: 'events', rule: 'Too many errors' },
          startsAt: Date.UTC(2026, 10, 20, 11),
          stretch: 'startsAt',
        },
      ],
    },
  },
  {
    title: 'It is over; while the secret is replaced, both hold',
    options: { secret: ['the next secret', 'an example secret'] },
    headers: signed('c8b1ac48de15e6211eebe419b2ed0c7efc18e834cf812d7eeaed9ac4014baa2d'),
    body: resolved,
    at,
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'rule:7', endsAt: Date.UTC(2026, 10, 20, 11, 10) }],
    },
  },
  {
    title: 'Somebody is given an issue, which is a notice',
    options,
    headers: signed('f7d21d6c38b7be3898ef9506ba4a30503024676dff58cbd96527af64156c2884'),
    body: issue('assigned'),
    at,
    expect: { events: [{ kind: 'notice', type: 'issue.assigned', about: 'issue:1117540176' }] },
  },
  {
    title: 'Somebody resolves an issue',
    options,
    headers: signed('127de72c5ecec83a987fe4fb077f6272056f9a4ee49c59f079c9e5e0b0294bc4'),
    body: issue('resolved'),
    at,
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint: 'issue:1117540176' }] },
  },
  {
    title: 'Somebody archives an issue, which is no cure',
    options,
    headers: signed('6428461a591b7bdee0b193a799ddfd742997e15b8239170d6bafc4084761863e'),
    body: issue('archived'),
    at,
    expect: {
      events: [
        { kind: 'alert', state: 'resolved', noCure: 'it was archived in Sentry, which says nothing about its cause' },
      ],
    },
  },
  {
    title: 'Another signature is refused',
    options,
    headers: signed('127de72c5ecec83a987fe4fb077f6272056f9a4ee49c59f079c9e5e0b0294bc4'),
    body: critical,
    expect: { refused: 'bad-signature' },
  },
];
