import type { SourceExample } from '../../ports/source.ts';

/** As Zabbix 6.0 sent it; macros without a value stand as they are. */
const problem = {
  event_id: '1048577',
  event_source: '0',
  event_value: '1',
  event_name: 'Disk space is critically low (used > 90%)',
  event_severity: 'High',
  event_nseverity: '4',
  event_opdata: 'Space used: 92 %',
  event_tagsjson: '[{"tag":"service","value":"db"}]',
  event_date: '2026.11.20',
  event_time: '11:00:03',
  event_timestamp: '{EVENT.TIMESTAMP}',
  event_recovery_date: '{EVENT.RECOVERY.DATE}',
  event_recovery_time: '{EVENT.RECOVERY.TIME}',
  event_update_status: '0',
  event_update_action: '{EVENT.UPDATE.ACTION}',
  event_update_message: '{EVENT.UPDATE.MESSAGE}',
  event_update_date: '{EVENT.UPDATE.DATE}',
  event_update_time: '{EVENT.UPDATE.TIME}',
  host_name: 'db-prod-3',
  trigger_id: '22391',
  trigger_url: '',
  trigger_description: '',
  user_fullname: '{USER.FULLNAME}',
};
const recovery = {
  ...problem,
  event_value: '0',
  event_recovery_date: '2026.11.20',
  event_recovery_time: '11:31:00',
};
const update = {
  ...problem,
  event_update_status: '1',
  event_update_action: 'acknowledged and commented',
  event_update_message: 'looking at it',
  event_update_date: '2026.11.20',
  event_update_time: '11:02:00',
  user_fullname: 'Alice',
};

const options = { token: 'an example token', timezone: 'Europe/Berlin', url: 'https://zabbix.example.com' };
const headers = { authorization: 'Bearer an example token' };
const startsAt = Date.UTC(2026, 10, 20, 10, 0, 3);

export const examples: readonly SourceExample[] = [
  {
    title: 'A problem',
    options,
    headers,
    body: JSON.stringify(problem),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: '1048577',
          title: 'db-prod-3: Disk space is critically low (used > 90%)',
          severity: 'error',
          labels: { host: 'db-prod-3', service: 'db', severity: 'High', trigger: '22391' },
          annotations: { operational_data: 'Space used: 92 %' },
          links: [{ label: 'Zabbix', url: 'https://zabbix.example.com/tr_events.php?triggerid=22391&eventid=1048577' }],
          startsAt,
          newsAt: startsAt,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'Its recovery',
    options,
    headers,
    body: JSON.stringify(recovery),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: '1048577',
          startsAt,
          endsAt: Date.UTC(2026, 10, 20, 10, 31),
        },
      ],
    },
  },
  {
    title: 'Somebody acknowledges it, with words',
    options,
    headers,
    body: JSON.stringify(update),
    expect: {
      events: [
        { kind: 'alert', state: 'acknowledged', fingerprint: '1048577', by: 'Alice' },
        { kind: 'notice', about: '1048577', title: 'Alice acknowledged and commented: looking at it' },
      ],
    },
  },
  {
    title: 'Another token',
    options: { token: ['an example token', 'the next token'] },
    headers: { authorization: 'Bearer guessed' },
    body: JSON.stringify(problem),
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A trigger that neither fires nor recovers',
    options: {},
    headers: {},
    body: JSON.stringify({ ...problem, event_value: '{EVENT.VALUE}' }),
    expect: { refused: 'bad-body' },
  },
];
