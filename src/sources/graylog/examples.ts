import type { SourceExample } from '../../ports/source.ts';

const failed = {
  event_definition_id: '5de5aac1a1de18000cdfe2b3',
  event_definition_type: 'aggregation-v1',
  event_definition_title: 'Failed logins',
  event_definition_description: 'More than ten failed logins of one user in a minute',
  remediation_steps: 'Lock the account.',
  job_definition_id: '5de5aac1a1de18000cdfe2b5',
  job_trigger_id: '5de5abd2a1de18000cdfe9a1',
  event: {
    id: '01HF0ZK6S4W0T1QN6V2V0N6WJZ',
    event_definition_type: 'aggregation-v1',
    event_definition_id: '5de5aac1a1de18000cdfe2b3',
    origin_context: null,
    timestamp: '2026-11-25T10:59:55.000Z',
    timestamp_processing: '2026-11-25T11:00:00.250Z',
    timerange_start: '2026-11-25T10:58:55.000Z',
    timerange_end: '2026-11-25T10:59:55.000Z',
    streams: ['000000000000000000000002'],
    source_streams: ['000000000000000000000001'],
    message: 'Failed logins: alice - count()=14.0',
    source: 'graylog-1',
    key_tuple: ['alice'],
    key: 'alice',
    priority: 3,
    alert: true,
    fields: { login: 'alice' },
    group_by_fields: { user: 'alice' },
  },
  backlog: [{ index: 'graylog_0', message: 'Failed password for alice from 192.0.2.7', source: 'bastion-1' }],
};
const options = { basic: { user: 'graylog', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('graylog:an example password').toString('base64')}` };
const time = Date.UTC(2026, 10, 25, 11, 0, 0, 250);
const fingerprint = 'Failed logins/alice';

export const examples: readonly SourceExample[] = [
  {
    title: 'A condition holds for one key',
    options,
    headers,
    body: JSON.stringify(failed),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'Failed logins: alice',
          severity: 'error',
          labels: { definition: 'Failed logins', key: 'alice', login: 'alice', user: 'alice', source: 'graylog-1' },
          annotations: {
            message: 'Failed logins: alice - count()=14.0',
            description: 'More than ten failed logins of one user in a minute',
            remediation: 'Lock the account.',
            backlog: 'Failed password for alice from 192.0.2.7',
          },
          newsAt: time,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'The event definition for its end',
    options,
    headers,
    body: JSON.stringify({
      ...failed,
      event_definition_id: '5de5bbd2a1de18000cdfe001',
      event_definition_title: 'Failed logins recovered',
      event: { ...failed.event, timestamp_processing: '2026-11-25T11:00:05.250Z' },
    }),
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: time + 5000 }] },
  },
  {
    title: 'The test of a notification is a notice',
    options,
    headers,
    body: JSON.stringify({
      ...failed,
      event_definition_type: 'test-dummy-v1',
      event_definition_title: 'Event Definition Test Title',
    }),
    expect: { events: [{ kind: 'notice', type: 'test' }] },
  },
  {
    title: 'A body without an event is refused',
    options,
    headers,
    body: '{"event_definition_title":"Failed logins"}',
    expect: { refused: 'bad-body' },
  },
];
