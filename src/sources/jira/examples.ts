import { hmacOf } from '../../kernel/signature.ts';
import type { SourceExample } from '../../ports/source.ts';
import { labelOf } from './own.ts';

const secret = 'an example secret';
const apiToken = 'an example token';
const at = 1_795_604_610_000;

const issue = (status: string, category: string, more: object = {}) => ({
  id: '10002',
  key: 'OPS-12',
  self: 'https://acme.atlassian.net/rest/api/2/issue/10002',
  fields: {
    summary: 'Checkout answers 500',
    created: '2026-11-20T11:00:00.000+0000',
    status: { name: status, statusCategory: { key: category } },
    priority: { name: 'High' },
    issuetype: { name: 'Incident' },
    project: { key: 'OPS', name: 'Operations' },
    labels: [],
    ...more,
  },
});
const user = { accountId: '5b10a2844c20165700ede21g', displayName: 'Mina Krauss' };

function example(
  title: string,
  body: object,
  expect: SourceExample['expect'],
  options: object = { secret },
): SourceExample {
  const text = JSON.stringify(body);
  const signature = `sha256=${hmacOf(secret, [text]).toString('hex')}`;
  return { title, options, headers: { 'x-hub-signature': signature }, body: text, at, expect };
}

const opened = {
  timestamp: at - 9000,
  webhookEvent: 'jira:issue_created',
  issue_event_type_name: 'issue_created',
  user,
  issue: issue('Open', 'new'),
};
const done = {
  ...opened,
  timestamp: at - 1000,
  webhookEvent: 'jira:issue_updated',
  issue_event_type_name: 'issue_resolved',
  issue: issue('Done', 'done'),
  changelog: { items: [{ field: 'status', fromString: 'In Progress', toString: 'Done' }] },
};
const ticket = { ...done, issue: issue('Done', 'done', { labels: ['tocsin', labelOf(apiToken, 'alt_1', 2)] }) };

export const examples: readonly SourceExample[] = [
  example('An issue is created', opened, {
    events: [
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: '10002',
        title: 'OPS-12: Checkout answers 500',
        severity: 'error',
        labels: {
          issue: 'OPS-12',
          project: 'OPS',
          type: 'Incident',
          status: 'Open',
          priority: 'High',
          by: 'Mina Krauss',
        },
        links: [{ label: 'Jira', url: 'https://acme.atlassian.net/browse/OPS-12' }],
        startsAt: Date.UTC(2026, 10, 20, 11),
        newsAt: at - 9000,
      },
    ],
  }),
  example('It is done', done, {
    events: [{ kind: 'alert', state: 'resolved', fingerprint: '10002', endsAt: at - 1000 }],
  }),
  example(
    'Somebody closes a ticket that Tocsin opened for an alert',
    ticket,
    {
      events: [
        {
          kind: 'notice',
          type: 'issue_resolved',
          title: 'Mina Krauss closed OPS-12: In Progress → Done',
          ticketOf: { alert: 'alt_1', episode: 2 },
        },
      ],
    },
    { secret, apiToken },
  ),
  example('Signed with another secret', opened, { refused: 'bad-signature' }, { secret: 'another secret' }),
  example('No event', { timestamp: at }, { refused: 'bad-body' }),
];
