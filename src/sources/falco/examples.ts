import type { SourceExample } from '../../ports/source.ts';

const shell = {
  hostname: 'node-7',
  output:
    '11:00:00.408091526: Notice A shell was spawned in a container (user=root pod=pay-5f9c container=pay cmdline=sh -i)',
  output_fields: {
    'container.id': '3ad7b26ded6d',
    'container.name': 'pay',
    'evt.time.iso8601': '1795604400408091526',
    'k8s.ns.name': 'shop',
    'k8s.pod.name': 'pay-5f9c',
    'proc.cmdline': 'sh -i',
    'proc.pname': null,
    'user.name': 'root',
  },
  priority: 'Notice',
  rule: 'Terminal shell in container',
  source: 'syscall',
  tags: ['container', 'mitre_execution', 'shell'],
  time: '2026-11-25T11:00:00.408091526Z',
};
const options = { basic: { user: 'falco', password: 'an example password' } };
const headers = { authorization: `Basic ${Buffer.from('falco:an example password').toString('base64')}` };
const time = Date.UTC(2026, 10, 25, 11, 0, 0, 408);

export const examples: readonly SourceExample[] = [
  {
    title: 'A shell in a container',
    options,
    headers,
    body: JSON.stringify(shell),
    expect: {
      deliveryId: null,
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'Terminal shell in container/node-7/shop/pay-5f9c/pay',
          title: 'Terminal shell in container: shop/pay-5f9c',
          severity: 'info',
          labels: {
            rule: 'Terminal shell in container',
            priority: 'Notice',
            hostname: 'node-7',
            source: 'syscall',
            tags: 'container,mitre_execution,shell',
            'container.id': '3ad7b26ded6d',
            'container.name': 'pay',
            'k8s.ns.name': 'shop',
            'k8s.pod.name': 'pay-5f9c',
            'proc.cmdline': 'sh -i',
            'user.name': 'root',
          },
          annotations: { description: shell.output },
          startsAt: time,
          newsAt: time,
          endsAt: null,
        },
      ],
    },
  },
  {
    title: 'An event on a host, by Falcosidekick with a token and an id',
    options: { token: 'an example token', quiet: '15m' },
    headers: { authorization: 'Bearer an example token' },
    body: JSON.stringify({
      uuid: '5a1e3c46-3a4b-4d0c-9a51-0f3f8f5a1c11',
      output: '11:00:00.000000000: Critical A file below /etc was opened for writing (file=/etc/shadow)',
      priority: 'Critical',
      rule: 'Write below etc',
      time: '2026-11-25T11:00:00Z',
      source: 'syscall',
      output_fields: { 'fd.name': '/etc/shadow', 'user.name': 'root' },
      hostname: 'db-1',
    }),
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          severity: 'critical',
          fingerprint: 'Write below etc/db-1///',
          title: 'Write below etc: db-1',
        },
      ],
    },
  },
  {
    title: 'What is below the priority of an alert is a notice',
    options,
    headers,
    body: JSON.stringify({ ...shell, priority: 'Informational', rule: 'Contact cloud metadata service' }),
    expect: {
      events: [{ kind: 'notice', type: 'informational', title: 'Contact cloud metadata service: shop/pay-5f9c' }],
    },
  },
  {
    title: 'A body without a rule is refused',
    options,
    headers,
    body: '{"output":"11:00:00: Warning something","priority":"Warning"}',
    expect: { refused: 'bad-body' },
  },
];
