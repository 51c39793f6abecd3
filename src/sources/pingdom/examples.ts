import type { SourceExample } from '../../ports/source.ts';

const options = { basic: { user: 'pingdom', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('pingdom:an example password').toString('base64')}` };
const down = {
  check_id: 803318,
  check_name: 'shop',
  check_type: 'HTTP',
  check_params: {
    basic_auth: false,
    encryption: true,
    full_url: 'https://shop.example.com/',
    hostname: 'shop.example.com',
    port: 443,
    url: '/',
  },
  tags: ['public'],
  previous_state: 'UP',
  current_state: 'DOWN',
  importance_level: 'HIGH',
  state_changed_timestamp: 1795604400,
  state_changed_utc_time: '2026-11-25T11:00:00',
  long_description: 'HTTP Server Error 503',
  description: 'HTTP Server Error 503',
  first_probe: { ip: '192.0.2.7', location: 'Frankfurt, Germany', version: 1 },
  version: 1,
};
const at = 1_795_604_410_000;

export const examples: readonly SourceExample[] = [
  {
    title: 'A check goes down',
    options,
    headers,
    body: JSON.stringify(down),
    at,
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'check:803318',
          title: 'shop',
          severity: 'critical',
          labels: { check: 'shop', type: 'HTTP', host: 'shop.example.com', tags: 'public', importance: 'HIGH' },
          links: [
            { label: 'Checked', url: 'https://shop.example.com/' },
            { label: 'Pingdom', url: 'https://my.pingdom.com/app/reports/uptime#check=803318' },
          ],
          startsAt: 1_795_604_400_000,
          newsAt: 1_795_604_400_000,
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
      previous_state: 'DOWN',
      current_state: 'UP',
      state_changed_timestamp: 1795604405,
    }),
    at,
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'check:803318', endsAt: 1_795_604_405_000 }],
    },
  },
  {
    title: 'A transaction check fails',
    options,
    headers,
    body: JSON.stringify({ ...down, check_type: 'TRANSACTION', current_state: 'FAILING', importance_level: 'LOW' }),
    at,
    expect: { events: [{ kind: 'alert', state: 'firing', severity: 'warning' }] },
  },
  {
    title: 'A body without a check is refused',
    options,
    headers,
    body: '{"current_state":"DOWN"}',
    expect: { refused: 'bad-body' },
  },
];
