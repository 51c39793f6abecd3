import type { SourceExample } from '../../ports/source.ts';

export const examples: readonly SourceExample[] = [
  {
    title: 'Mails of mdadm about a RAID; over HTTP it takes nothing',
    options: {
      from: ['root@db-1.example.com'],
      to: ['alerts@tocsin.example.com'],
      quiet: '1d',
      rules: [
        {
          name: 'raid',
          subject: '^(?P<event>Fail|DegradedArray|RebuildFinished) event on (?P<device>/dev/md\\S+):(?P<host>\\S+)$',
          state: 'found.event == "RebuildFinished" ? "resolved" : "firing"',
          fingerprint: 'found.host + found.device',
          severity: 'critical',
          labels: { host: 'found.host', device: 'found.device' },
        },
      ],
    },
    headers: {},
    body: '{}',
    // Mails come by SMTP and cannot be delivered.
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'Another address than loopback needs TLS and a password',
    options: { host: '0.0.0.0', from: ['*'], to: ['*'] },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
  {
    title: 'A rule without a fingerprint, by which no end would find its beginning',
    options: { from: ['*'], to: ['*'], rules: [{ subject: 'failed' }] },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
];
