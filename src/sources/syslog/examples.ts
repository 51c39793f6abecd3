import type { SourceExample } from '../../ports/source.ts';

const detect = [
  {
    name: 'failed logins',
    where: 'record.app == "sshd" && record.message.startsWith("Failed password")',
    by: ['record.host'],
    count: { atLeast: 5, within: '5m' },
  },
];

export const examples: readonly SourceExample[] = [
  {
    title: 'TCP and UDP on this machine, for rsyslog or logger',
    options: { tcp: {}, udp: {}, timezone: 'Europe/Berlin', detect },
    headers: {},
    body: '{}',
    // It listens by itself, and nothing can be delivered.
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'TLS, for senders with a certificate',
    options: {
      tls: {
        host: '0.0.0.0',
        cert: '/etc/tocsin/syslog.pem',
        key: '/etc/tocsin/syslog.key',
        clientCa: '/etc/tocsin/senders.pem',
        clients: ['web-1.example.com'],
      },
      detect,
    },
    headers: {},
    body: '{}',
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'Messages that are JSON',
    options: {
      tcp: {},
      message: { format: 'json' },
      detect: [{ name: 'payment fails', where: 'record.data.event == "payment" && record.data.ok == false' }],
    },
    headers: {},
    body: '{}',
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'Nowhere to listen',
    options: { detect },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
  {
    title: 'A member that records do not have',
    options: { tcp: {}, detect: [{ name: 'wrong', where: 'record.hostname == "web-1"' }] },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
];
