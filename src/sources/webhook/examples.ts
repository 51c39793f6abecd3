import type { SourceExample } from '../../ports/source.ts';

export const examples: readonly SourceExample[] = [
  {
    title: 'A backup check that signs the time and the body',
    options: {
      auth: {
        hmac: { secret: 'an example secret', header: 'X-Signature', prefix: 'sha256=', timestampHeader: 'X-Time' },
      },
      map: {
        fingerprint: 'body.check + "/" + body.host',
        state: 'body.ok ? "resolved" : "firing"',
        title: 'body.check + " failed on " + body.host',
        severity: '"error"',
        labels: { host: 'body.host' },
      },
    },
    headers: {
      'x-time': '1795604410',
      'x-signature': 'sha256=90c434ebabb73fb56464b30e6d8bcdd5012ae2ba8543fa2569a4ba184b1d2269',
    },
    at: 1_795_604_412_000,
    body: '{"check":"backup","host":"db-1","ok":false}',
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'backup/db-1',
          title: 'backup failed on db-1',
          severity: 'error',
          labels: { host: 'db-1' },
          startsAt: 1_795_604_412_000,
        },
      ],
    },
  },
  {
    title: 'One event for each element of a list',
    options: {
      auth: { bearer: 'an example token' },
      deliveryId: 'body.id',
      map: {
        each: 'body.checks',
        fingerprint: 'item.name',
        state: 'item.up ? "resolved" : "firing"',
        title: 'item.name',
        severity: 'has(item.level) ? item.level : "warning"',
        startsAt: 'item.since',
      },
    },
    headers: { authorization: 'Bearer an example token' },
    body: '{"id":17,"checks":[{"name":"web","up":false,"level":"P1","since":1795604410},{"name":"db","up":true,"since":"2026-11-25T10:00:00Z"}]}',
    expect: {
      deliveryId: '17',
      events: [
        { kind: 'alert', fingerprint: 'web', state: 'firing', severity: 'critical', startsAt: 1_795_604_410_000 },
        {
          kind: 'alert',
          fingerprint: 'db',
          state: 'resolved',
          severity: 'warning',
          startsAt: Date.UTC(2026, 10, 25, 10),
        },
      ],
    },
  },
  {
    title: 'A field that a mapping needs is not there',
    options: { map: { fingerprint: 'body.name', state: '"firing"', title: 'body.title' } },
    headers: {},
    body: '{"name":"web"}',
    expect: { refused: 'bad-body' },
  },
];
