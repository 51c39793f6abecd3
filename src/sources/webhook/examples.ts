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
    title: 'The same check when it is well again',
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
      'x-time': '1795604460',
      'x-signature': 'sha256=2bcc245ec83fedc0a8555a637a92c544e1fcc6ea19e082862d205d7f6591924c',
    },
    at: 1_795_604_462_000,
    body: '{"check":"backup","host":"db-1","ok":true}',
    expect: {
      deliveryId: null,
      events: [{ kind: 'alert', state: 'resolved', fingerprint: 'backup/db-1', endsAt: 1_795_604_462_000 }],
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
  {
    title: 'A form of Nagios, with a token in a header, its own words and its own clock',
    options: {
      format: 'form',
      auth: { header: { name: 'X-Api-Key', value: 'an example token' } },
      severities: { DOWN: 'error' },
      map: {
        fingerprint: 'body.host',
        state: 'body.type',
        title: 'body.host + " is " + body.state',
        severity: 'body.state',
        at: 'body.time',
        by: 'body.author',
      },
    },
    headers: { 'x-api-key': 'an example token', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'type=ACKNOWLEDGEMENT&host=web-1&state=DOWN&time=1795604405&author=alice',
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'acknowledged',
          fingerprint: 'web-1',
          title: 'web-1 is DOWN',
          severity: 'error',
          newsAt: 1_795_604_405_000,
          by: 'alice',
        },
      ],
    },
  },
  {
    title: 'Lines of JSON, one of them broken',
    options: {
      format: 'ndjson',
      map: { fingerprint: 'item.unit', state: '"firing"', title: 'item.unit + " failed"', severity: 'item.level' },
    },
    headers: { 'content-type': 'application/x-ndjson' },
    body: '{"unit":"web","level":"crit"}\n{"unit":"db\n{"unit":"mail","level":"warning"}\n',
    expect: {
      events: [
        { kind: 'alert', fingerprint: 'web', severity: 'critical' },
        { kind: 'alert', fingerprint: 'mail', severity: 'warning' },
        { kind: 'notice', type: 'left-out', title: '1 of 3 elements could not be taken: line 2' },
      ],
    },
  },
  {
    title: 'A text that says all in headers',
    options: {
      format: 'text',
      map: {
        fingerprint: 'headers["X-Check"]',
        state: 're(body, "^OK") ? "resolved" : "firing"',
        title: 'body',
        severity: 'headers["X-Level"]',
      },
    },
    headers: { 'x-check': 'disk', 'x-level': 'High' },
    body: 'DISK CRITICAL - / is full\n',
    expect: {
      events: [
        { kind: 'alert', fingerprint: 'disk', state: 'firing', title: 'DISK CRITICAL - / is full', severity: 'error' },
      ],
    },
  },
  {
    title: 'A start that names the stretch, and one that cannot be read',
    options: {
      stretch: 'startsAt',
      states: { broken: 'firing' },
      map: {
        each: 'body',
        fingerprint: 'item.id',
        state: 'item.status',
        title: 'item.id',
        startsAt: 'item.since',
      },
    },
    headers: {},
    at: 1_795_604_410_000,
    body: '[{"id":"a","status":"Broken","since":"Wed, 25 Nov 2026 11:00:00 +0100"},{"id":"b","status":"broken","since":"yesterday"}]',
    expect: {
      events: [
        { kind: 'alert', startsAt: Date.UTC(2026, 10, 25, 10), stretch: 'startsAt' },
        {
          kind: 'alert',
          startsAt: 1_795_604_410_000,
          labels: {
            tocsin_note: 'map.startsAt is no time with a zone (yesterday); the arrival stands for it.',
          },
        },
      ],
    },
  },
  {
    title: 'A sender that signs by the rules of Standard Webhooks',
    options: {
      auth: { standardWebhooks: { secret: 'whsec_YW4gZXhhbXBsZSBzZWNyZXQgb2YgMjQgYg==' } },
      map: {
        fingerprint: 'body.data.check + "/" + body.data.host',
        state: 'body.type',
        title: 'body.data.check + " failed on " + body.data.host',
        at: 'body.timestamp',
      },
      states: { 'check.failed': 'firing', 'check.passed': 'resolved' },
    },
    headers: {
      'webhook-id': 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      'webhook-timestamp': '1795604410',
      'webhook-signature': 'v1,obB1bPN1c7xG13yC4+618KkdXYEBXoo9KqJzI9PJzNk=',
    },
    at: 1_795_604_412_000,
    body: '{"type":"check.failed","timestamp":"2026-11-25T11:00:00Z","data":{"check":"backup","host":"db-1"}}',
    expect: {
      deliveryId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W',
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'backup/db-1',
          title: 'backup failed on db-1',
          severity: 'warning',
        },
      ],
    },
  },
  {
    title: 'A ticket that was approved, as a permit',
    options: {
      auth: { bearer: 'an example token' },
      states: { scheduled: 'open', implement: 'open', canceled: 'ended', closed: 'ended', new: 'notice' },
      map: {
        kind: 'permit',
        fingerprint: 'body.number',
        state: 'body.state',
        title: 'body.number + ": " + body.short_description',
        permit: {
          principal: 'body.role',
          actions: 'body.calls',
          resources: 'body.item',
          account: 'body.account',
          from: 'body.start',
          until: 'body.end',
        },
      },
    },
    headers: { authorization: 'Bearer an example token' },
    at: 1_795_604_410_000,
    body: JSON.stringify({
      number: 'CHG0030001',
      state: 'Scheduled',
      short_description: 'open the port for the audit',
      role: 'arn:aws:iam::111122223333:role/deployer',
      calls: ['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress'],
      item: 'sg-0a1b2c3d',
      account: '111122223333',
      start: '2026-11-25T12:00:00Z',
      end: '2026-11-25T14:00:00Z',
    }),
    expect: {
      events: [
        {
          kind: 'permit',
          fingerprint: 'CHG0030001',
          permit: {
            principal: 'arn:aws:iam::111122223333:role/deployer',
            actions: ['AuthorizeSecurityGroupIngress', 'RevokeSecurityGroupIngress'],
            resources: ['sg-0a1b2c3d'],
            account: '111122223333',
            from: Date.UTC(2026, 10, 25, 12),
            until: Date.UTC(2026, 10, 25, 14),
            change: 'CHG0030001',
            reason: 'CHG0030001: open the port for the audit',
          },
        },
      ],
    },
  },
];
