import type { SourceExample } from '../../ports/source.ts';

const types = { 'example.acme.disk.full': 'firing', 'example.acme.disk.well': 'resolved' };

const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };

const disk = {
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '//ci.acme.example/checkout',
  type: 'example.acme.disk.full',
  subject: 'db-prod-3/var',
  time: '2026-11-20T11:00:03Z',
  datacontenttype: 'application/json',
  severity: 'critical',
  data: { host: 'db-prod-3', used: 0.92 },
};
const well = {
  ...disk,
  id: 'A234-1234-1235',
  type: 'example.acme.disk.well',
  time: '2026-11-20T11:31:00Z',
  data: { host: 'db-prod-3', used: 0.4 },
};

const fingerprint = '//ci.acme.example/checkout example.acme.disk db-prod-3/var';

export const examples: readonly SourceExample[] = [
  {
    title: 'A disk is full, as one JSON document',
    options: { auth: { bearer: 'an example token' }, types, map: { labels: { host: 'data.host' } } },
    headers: { ...structured, authorization: 'Bearer an example token' },
    body: JSON.stringify(disk),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint,
          title: 'example.acme.disk.full: db-prod-3/var',
          severity: 'critical',
          labels: {
            type: 'example.acme.disk.full',
            source: '//ci.acme.example/checkout',
            subject: 'db-prod-3/var',
            severity: 'critical',
            host: 'db-prod-3',
          },
          startsAt: Date.UTC(2026, 10, 20, 11, 0, 3),
          newsAt: Date.UTC(2026, 10, 20, 11, 0, 3),
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'The disk is well again, with a signature over the body',
    options: {
      auth: { hmac: { secret: 'an example secret', header: 'X-Signature', prefix: 'sha256=' } },
      types,
    },
    headers: {
      ...structured,
      'x-signature': 'sha256=67deb0a85132b5e7e310c685e751c20e05c19d236856d872ed82751160d9d6c8',
    },
    body: JSON.stringify(well),
    expect: {
      events: [{ kind: 'alert', state: 'resolved', fingerprint, endsAt: Date.UTC(2026, 10, 20, 11, 31) }],
    },
  },
  {
    title: 'The same in binary mode: attributes in headers, data as the body',
    options: { auth: { bearer: 'an example token' }, types, map: { labels: { host: 'data.host' } } },
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer an example token',
      'ce-specversion': '1.0',
      'ce-id': 'A234-1234-1236',
      'ce-source': '//ci.acme.example/checkout',
      'ce-type': 'example.acme.disk.full',
      'ce-subject': 'db%2Dprod-3/var',
      'ce-time': '2026-11-20T12:00:03Z',
    },
    body: JSON.stringify(disk.data),
    expect: {
      events: [{ kind: 'alert', state: 'firing', fingerprint, severity: 'warning', labels: { host: 'db-prod-3' } }],
    },
  },
  {
    title: 'A batch, with an event of a type that is not named',
    options: { auth: { basic: { user: 'events', password: 'an example password' } }, types },
    headers: {
      'content-type': 'application/cloudevents-batch+json',
      authorization: `Basic ${Buffer.from('events:an example password').toString('base64')}`,
    },
    body: JSON.stringify([disk, { ...disk, id: '7', type: 'example.acme.disk.cleaned' }]),
    expect: {
      events: [
        { kind: 'alert', state: 'firing', fingerprint },
        { kind: 'notice', type: 'example.acme.disk.cleaned', about: fingerprint },
      ],
    },
  },
  {
    title: 'Another token',
    options: { auth: { bearer: 'an example token' }, types },
    headers: { ...structured, authorization: 'Bearer guessed' },
    body: JSON.stringify(disk),
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'An event of version 0.3',
    options: { types },
    headers: structured,
    body: JSON.stringify({ ...disk, specversion: '0.3' }),
    expect: { refused: 'bad-body' },
  },
];
