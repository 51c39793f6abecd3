import type { SourceExample } from '../../ports/source.ts';

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();

const options = { header: { name: 'X-Api-Key', value: 'an example token' } };
const headers = { 'x-api-key': 'an example token', 'content-type': 'application/x-www-form-urlencoded' };
const about = { host: 'host-1', service: 'watched' };

export const examples: readonly SourceExample[] = [
  {
    title: 'The size of a file is too large',
    options,
    headers,
    body: form({
      ...about,
      event: 'Size failed',
      description: 'size test failed for /srv/app/watched -- current size is 300 B',
      date: 'Sat, 28 Nov 2026 16:16:32',
      severity: 'error',
      time: '1795604400',
    }),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'host-1/watched/size',
          title: 'watched on host-1: Size failed',
          severity: 'error',
          labels: { host: 'host-1', service: 'watched', test: 'size' },
          annotations: {
            description: 'size test failed for /srv/app/watched -- current size is 300 B',
            monit_date: 'Sat, 28 Nov 2026 16:16:32',
          },
          startsAt: 1_795_604_400_000,
          newsAt: 1_795_604_400_000,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'It is well again',
    options,
    headers,
    body: form({
      ...about,
      event: 'Size succeeded',
      description: 'size check succeeded [current size = 15 B]',
      time: '1795604405',
    }),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'host-1/watched/size', endsAt: 1_795_604_405_000 }],
    },
  },
  {
    title: 'Something changed, of which nothing tells an end',
    options: {},
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form({ ...about, event: 'Checksum changed', description: 'checksum changed for /srv/app/watched' }),
    expect: {
      events: [
        {
          kind: 'notice',
          type: 'event',
          title: 'watched on host-1: Checksum changed, checksum changed for /srv/app/watched',
        },
      ],
    },
  },
  {
    title: 'A form without a service is refused',
    options: {},
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'host=host-1&event=Size+failed',
    expect: { refused: 'bad-body' },
  },
];
