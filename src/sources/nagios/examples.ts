import type { SourceExample } from '../../ports/source.ts';

const options = { token: 'an example token' };
const headers = {
  authorization: 'Bearer an example token',
  'content-type': 'application/x-www-form-urlencoded',
};

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

const problem = {
  type: 'PROBLEM',
  host: 'db-prod-3',
  service: 'disk /',
  state: 'CRITICAL',
  state_type: 'HARD',
  output: 'DISK CRITICAL - "/" has 8% free',
  time: '1795604403',
  last_change: '1795604283',
  notification_id: '88121',
  'label.env': 'production',
};

export const examples: readonly SourceExample[] = [
  {
    title: 'A service has a problem',
    options,
    headers,
    body: form(problem),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'db-prod-3!disk /',
          title: 'db-prod-3 disk / is CRITICAL',
          severity: 'critical',
          labels: { host: 'db-prod-3', service: 'disk /', state: 'CRITICAL', env: 'production' },
          annotations: { description: 'DISK CRITICAL - "/" has 8% free' },
          startsAt: 1_795_604_283_000,
          newsAt: 1_795_604_403_000,
        },
      ],
    },
  },
  {
    title: 'Its recovery',
    options,
    headers,
    body: form({ ...problem, type: 'RECOVERY', state: 'OK', output: 'DISK OK', time: '1795604409' }),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'db-prod-3!disk /', endsAt: 1_795_604_409_000 }],
    },
  },
  {
    title: 'Somebody acknowledges it',
    options,
    headers,
    body: form({ ...problem, type: 'ACKNOWLEDGEMENT', author: 'alice', comment: 'on it', time: '1795604406' }),
    expect: {
      events: [
        { kind: 'alert', state: 'acknowledged', by: 'alice' },
        { kind: 'notice', about: 'db-prod-3!disk /', title: 'db-prod-3 disk /: ACKNOWLEDGEMENT by alice: on it' },
      ],
    },
  },
  {
    title: 'Another token',
    options,
    headers: { ...headers, authorization: 'Bearer guessed' },
    body: form(problem),
    expect: { refused: 'bad-signature' },
  },
  { title: 'No host', options: {}, headers: {}, body: 'type=PROBLEM', expect: { refused: 'bad-body' } },
];
