import type { SourceExample } from '../../ports/source.ts';

const options = { token: 'an example token' };
const headers = { authorization: 'Bearer an example token' };
const down = {
  heartbeat: {
    monitorID: 29,
    status: 0,
    time: '2026-11-20 11:00:03.120',
    msg: 'connect ECONNREFUSED 192.0.2.7:443',
    important: true,
    duration: 60,
    timezone: 'Europe/Berlin',
    timezoneOffset: '+01:00',
    localDateTime: '2026-11-20 12:00:03',
  },
  monitor: {
    id: 29,
    name: 'shop',
    pathName: 'public / shop',
    url: 'https://shop.example.com/',
    hostname: null,
    port: null,
    type: 'http',
    tags: [{ tag_id: 1, name: 'severity', value: 'critical', color: '#DC2626' }],
  },
  msg: '[shop] [Down] connect ECONNREFUSED 192.0.2.7:443',
};

export const examples: readonly SourceExample[] = [
  {
    title: 'A monitor goes down',
    options,
    headers,
    body: JSON.stringify(down),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'monitor:29',
          title: 'shop',
          severity: 'critical',
          labels: { severity: 'critical', monitor: 'shop', type: 'http', path: 'public / shop' },
          annotations: { description: 'connect ECONNREFUSED 192.0.2.7:443' },
          links: [{ label: 'Monitored', url: 'https://shop.example.com/' }],
          startsAt: Date.UTC(2026, 10, 20, 11, 0, 3, 120),
          newsAt: Date.UTC(2026, 10, 20, 11, 0, 3, 120),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It comes up',
    options,
    headers,
    body: JSON.stringify({
      ...down,
      heartbeat: { ...down.heartbeat, status: 1, time: '2026-11-20 11:09:03.120', msg: '200 - OK' },
      msg: '[shop] [Up] 200 - OK',
    }),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'monitor:29',
          endsAt: Date.UTC(2026, 10, 20, 11, 9, 3, 120),
        },
      ],
    },
  },
  {
    title: 'Its button Test is a notice',
    options,
    headers,
    body: JSON.stringify({ heartbeat: null, monitor: null, msg: 'Tocsin Testing' }),
    expect: { events: [{ kind: 'notice', type: 'message', title: 'Tocsin Testing' }] },
  },
  {
    title: 'Another body is refused',
    options,
    headers,
    body: '{"text":"shop is down"}',
    expect: { refused: 'bad-body' },
  },
];
