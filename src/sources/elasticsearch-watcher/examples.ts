import type { SourceExample } from '../../ports/source.ts';

const found = {
  watch_id: 'log_error_watch',
  watch_record: 'log_error_watch_8f0f9a5e-4b9e-4a52-9c4c-5a0c8b2d7e61-2026-11-20T11:00:00.004Z',
  state: 'firing',
  execution_time: '2026-11-20T11:00:00.004Z',
  triggered_time: '2026-11-20T11:00:00.001Z',
  scheduled_time: '2026-11-20T10:59:59.800Z',
  severity: 'critical',
  service: 'search',
  hits: '42',
};
const options = { basic: { user: 'watcher', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('watcher:an example password').toString('base64')}` };

export const examples: readonly SourceExample[] = [
  {
    title: 'A watch finds something',
    options,
    headers,
    body: JSON.stringify(found),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'log_error_watch',
          title: 'log_error_watch',
          severity: 'critical',
          labels: { watch: 'log_error_watch', service: 'search', hits: '42' },
          startsAt: Date.UTC(2026, 10, 20, 11, 0, 0, 4),
          newsAt: Date.UTC(2026, 10, 20, 11, 0, 0, 4),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'Its second action tells the end',
    options,
    headers,
    body: JSON.stringify({ ...found, state: 'resolved', execution_time: '2026-11-20T11:05:00.004Z', hits: '0' }),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'log_error_watch',
          endsAt: Date.UTC(2026, 10, 20, 11, 5, 0, 4),
        },
      ],
    },
  },
  {
    title: 'A watch of its own tells the end of what another one finds, for one host',
    options: { by: ['host'] },
    headers: {},
    body: JSON.stringify({
      watch_id: 'log_errors_gone',
      condition: 'log_error_watch',
      state: 'resolved',
      execution_time: '2026-11-20T11:05:00.004Z',
      host: 'search-3',
    }),
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint: 'log_error_watch/host=search-3' }] },
  },
  {
    title: 'A body without the id of a watch is refused',
    options: {},
    headers: {},
    body: '{"state":"firing"}',
    expect: { refused: 'bad-body' },
  },
];
