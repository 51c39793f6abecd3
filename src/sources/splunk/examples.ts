import type { SourceExample } from '../../ports/source.ts';

const found = {
  sid: 'scheduler__admin__search__RMD5a1b2c3d4e5f60718_at_1795604400_132',
  search_name: 'Payment errors',
  app: 'search',
  owner: 'admin',
  results_link:
    'https://splunk.acme.example:8000/app/search/@go?sid=scheduler__admin__search__RMD5a1b2c3d4e5f60718_at_1795604400_132',
  result: {
    _time: '1795604400',
    host: 'pay-prod-2',
    source: '/var/log/pay/app.log',
    count: '73',
    severity: 'critical',
    _raw: '2026-11-20T11:00:00Z ERROR charge failed code=502 upstream=bank-a',
  },
};
const options = { by: ['host'], header: { name: 'X-Tocsin-Token', value: 'an example token' } };
const headers = { 'x-tocsin-token': 'an example token' };
const at = 1_795_604_410_000;
const fingerprint = 'search/Payment errors/host=pay-prod-2';

export const examples: readonly SourceExample[] = [
  {
    title: 'A saved search finds something, and a proxy adds a token',
    options,
    headers,
    body: JSON.stringify(found),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'Payment errors: pay-prod-2',
          severity: 'critical',
          labels: {
            app: 'search',
            owner: 'admin',
            search: 'Payment errors',
            host: 'pay-prod-2',
            source: '/var/log/pay/app.log',
            count: '73',
            severity: 'critical',
          },
          links: [{ label: 'Results', url: found.results_link }],
          startsAt: 1_795_604_400_000,
          newsAt: 1_795_604_400_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'The search for its end finds something',
    options,
    headers,
    body: JSON.stringify({
      ...found,
      sid: 'scheduler__admin__search__RMD5c0ffee0123456789_at_1795604405_9',
      search_name: 'Payment errors recovered',
      result: { _time: '1795604405', host: 'pay-prod-2' },
    }),
    at,
    expect: { events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: 1_795_604_405_000 }] },
  },
  {
    title: 'A search that nobody saved is a notice',
    options: {},
    headers: {},
    body: JSON.stringify({ ...found, sid: '1795604400.132', search_name: null }),
    at,
    expect: {
      events: [{ kind: 'notice', type: 'search', title: found.result._raw, occurredAt: at }],
    },
  },
  {
    title: 'A body without the id of a search is refused',
    options: {},
    headers: {},
    body: '{"search_name":"Payment errors"}',
    expect: { refused: 'bad-body' },
  },
];
