import { describe, expect, it } from 'vitest';
import { type Reach, reachOf } from '../../../src/kernel/egress/address.ts';
import { createEgress } from '../../../src/kernel/egress/egress.ts';

/** First and last address of each range, with what lies before and after it. Written by hand from the IANA registries, not computed. */
const four: [
  range: string,
  reach: Reach,
  before: [string, Reach] | null,
  first: string,
  last: string,
  after: [string, Reach] | null,
][] = [
  ['this network', 'guarded', null, '0.0.0.0', '0.255.255.255', ['1.0.0.0', 'public']],
  ['RFC 1918, 10/8', 'private', ['9.255.255.255', 'public'], '10.0.0.0', '10.255.255.255', ['11.0.0.0', 'public']],
  ['shared', 'private', ['100.63.255.255', 'public'], '100.64.0.0', '100.127.255.255', ['100.128.0.0', 'public']],
  [
    'Alibaba',
    'guarded',
    ['100.100.100.199', 'private'],
    '100.100.100.200',
    '100.100.100.200',
    ['100.100.100.201', 'private'],
  ],
  ['loopback', 'private', ['126.255.255.255', 'public'], '127.0.0.0', '127.255.255.255', ['128.0.0.0', 'public']],
  ['Azure', 'guarded', ['168.63.129.15', 'public'], '168.63.129.16', '168.63.129.16', ['168.63.129.17', 'public']],
  ['link-local', 'guarded', ['169.253.255.255', 'public'], '169.254.0.0', '169.254.255.255', ['169.255.0.0', 'public']],
  [
    'RFC 1918, 172.16/12',
    'private',
    ['172.15.255.255', 'public'],
    '172.16.0.0',
    '172.31.255.255',
    ['172.32.0.0', 'public'],
  ],
  ['IETF protocols', 'guarded', ['191.255.255.255', 'public'], '192.0.0.0', '192.0.0.255', ['192.0.1.0', 'public']],
  ['documentation 1', 'guarded', ['192.0.1.255', 'public'], '192.0.2.0', '192.0.2.255', ['192.0.3.0', 'public']],
  ['6to4 relays', 'guarded', ['192.88.98.255', 'public'], '192.88.99.0', '192.88.99.255', ['192.88.100.0', 'public']],
  [
    'RFC 1918, 192.168/16',
    'private',
    ['192.167.255.255', 'public'],
    '192.168.0.0',
    '192.168.255.255',
    ['192.169.0.0', 'public'],
  ],
  ['benchmarking', 'private', ['198.17.255.255', 'public'], '198.18.0.0', '198.19.255.255', ['198.20.0.0', 'public']],
  [
    'documentation 2',
    'guarded',
    ['198.51.99.255', 'public'],
    '198.51.100.0',
    '198.51.100.255',
    ['198.51.101.0', 'public'],
  ],
  [
    'documentation 3',
    'guarded',
    ['203.0.112.255', 'public'],
    '203.0.113.0',
    '203.0.113.255',
    ['203.0.114.0', 'public'],
  ],
  ['multicast', 'guarded', ['223.255.255.255', 'public'], '224.0.0.0', '239.255.255.255', ['240.0.0.0', 'guarded']],
  ['reserved', 'guarded', ['239.255.255.255', 'guarded'], '240.0.0.0', '255.255.255.255', null],
];
const edges: [string, Reach][] = four.flatMap(([, reach, before, first, last, after]) => [
  ...(before === null ? [] : [before]),
  [first, reach] as [string, Reach],
  [last, reach] as [string, Reach],
  ...(after === null ? [] : [after]),
]);

const hex = (address: string) => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)] as const;
};

describe('IPv4: both ends of each range, and what lies beside them', () => {
  it.each(edges)('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach));
});

/** An IPv4 address in IPv6 leads where it leads, however it is written. */
const forms: [string, (address: string) => string][] = [
  ['mapped', one => `::ffff:${one}`],
  ['mapped, in letters', one => `::FFFF:${hex(one).join(':')}`],
  ['mapped, in full', one => `0:0:0:0:0:ffff:${hex(one).join(':')}`],
  ['mapped, with zeros', one => `0000:0000:0000:0000:0000:ffff:${one}`],
  ['NAT64', one => `64:ff9b::${one}`],
  ['NAT64, in letters', one => `0064:FF9B::${hex(one).join(':')}`],
  ['NAT64, in full', one => `64:ff9b:0:0:0:0:${one}`],
  ['6to4', one => `2002:${hex(one).join(':')}::`],
  ['6to4, of a host', one => `2002:${hex(one).join(':')}:1:2:3:4:5`],
];

it.each(forms)('IPv4 in IPv6, %s, leads where the address leads', (_, write) => {
  for (const [address, reach] of edges) expect(reachOf(write(address)), write(address)).toBe(reach);
});

it('IPv4-compatible IPv6 leads where its address leads; what is below 0.1.0.0 is none', () => {
  for (const [address, reach] of edges.filter(([one]) => !one.startsWith('0.0.')))
    expect(reachOf(`::${address}`), address).toBe(reach);
  expect(reachOf('::')).toBe('guarded');
  expect(reachOf('::1')).toBe('private');
  expect(reachOf('::0.0.0.1')).toBe('private');
  for (const address of ['::2', '::ffff', '::0.0.255.255']) expect(reachOf(address), address).toBe('guarded');
});

describe('IPv6: both ends of each range, and what lies beside them', () => {
  const all = 'ffff:ffff:ffff:ffff:ffff:ffff';
  it.each<[string, Reach]>([
    // One group away from the embedded forms.
    ['::fffe:8.8.8.8', 'guarded'],
    ['::1:ffff:8.8.8.8', 'guarded'],
    ['1::ffff:8.8.8.8', 'guarded'],
    ['64:ff9a::8.8.8.8', 'guarded'],
    ['64:ff9c::8.8.8.8', 'guarded'],
    ['63:ff9b::8.8.8.8', 'guarded'],
    ['64:ff9b:1::8.8.8.8', 'guarded'],
    ['64:ff9b:0:0:0:1:8.8.8.8', 'guarded'],
    [`1fff:ffff:${all}`, 'guarded'],
    ['2000::', 'public'],
    [`2000:ffff:${all}`, 'public'],
    // Teredo, benchmarking and ORCHID: 2001::/23.
    ['2001::', 'guarded'],
    [`2001:1ff:${all}`, 'guarded'],
    ['2001:200::', 'public'],
    [`2001:db7:${all}`, 'public'],
    ['2001:db8::', 'guarded'],
    [`2001:db8:${all}`, 'guarded'],
    ['2001:db9::', 'public'],
    [`2001:ffff:${all}`, 'public'],
    ['2003::', 'public'],
    [`3ffe:ffff:${all}`, 'public'],
    ['3fff::', 'guarded'],
    [`3fff:fff:${all}`, 'guarded'],
    ['3fff:1000::', 'public'],
    [`3fff:ffff:${all}`, 'public'],
    ['4000::', 'guarded'],
    [`fbff:ffff:${all}`, 'guarded'],
    ['fc00::', 'private'],
    [`fd00:ec1:${all}`, 'private'],
    ['fd00:ec2::', 'guarded'],
    ['fd00:ec2::254', 'guarded'],
    [`fd00:ec2:${all}`, 'guarded'],
    ['fd00:ec3::', 'private'],
    [`fdff:ffff:${all}`, 'private'],
    ['fe00::', 'guarded'],
    ['fe80::1', 'guarded'],
    [`febf:ffff:${all}`, 'guarded'],
    ['ff02::1', 'guarded'],
    [`ffff:ffff:${all}`, 'guarded'],
  ])('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach));
});

it.each([
  'fe80::1%eth0',
  '2000::1%1',
  '::ffff:8.8.8.8%eth0',
  '',
  'localhost',
  '8.8.8',
  '8.8.8.8.8',
  '08.8.8.8',
  '0x8.8.8.8',
  '134744072',
  '256.1.1.1',
  ' 8.8.8.8',
  '[2000::1]',
  '2000::1::1',
  '2000:0:0:0:0:0:0:0:1',
])('%j is no address that is reached without being named', address => expect(reachOf(address)).toBe('guarded'));

describe('an address that is allowed under `allow` alone', () => {
  const refusals = edges.filter(([, reach]) => reach !== 'public');

  /** How a request ends. Nothing is connected to, also where no check holds it back. */
  async function outcome(host: string, rules: { allow?: string[]; private?: string[] }, address: string | null) {
    const egress = createEgress({
      allow: rules.allow ?? [],
      private: rules.private ?? [],
      // Node connects to no address without a family.
      lookup: async () => [{ address: address ?? '', family: 5 }],
    });
    const ends = address === null ? { signal: AbortSignal.abort(new Error('not held back')) } : {};
    const text = await egress.fetch(`http://${host}/`, ends).then(
      () => 'answered',
      error => String(error.message),
    );
    await egress.close();
    return text;
  }
  const why = (reach: Reach) => (reach === 'private' ? /private or loopback/ : /link-local, metadata or reserved/);

  it.each(refusals)('%s (%s) is not reached: by a name, or as it is written', async (address, reach) => {
    const letters = `::ffff:${hex(address).join(':')}`;
    for (const found of [address, `::ffff:${address}`, letters])
      expect(await outcome('named.example', { allow: ['named.example'] }, found)).toMatch(why(reach));
    expect(await outcome(address, { allow: [address] }, null)).toMatch(why(reach));
    expect(await outcome(`[${letters}]`, { allow: [`[${letters}]`] }, null)).toMatch(why(reach));
    // One under `private` is; a guarded one only by its own address.
    expect(await outcome(address, { private: [address] }, null)).toBe('not held back');
    const named = await outcome('named.example', { private: ['named.example'] }, address);
    if (reach === 'private') expect(named).not.toMatch(/lies in/);
    else expect(named).toMatch(why(reach));
  });

  it('is reached when it is public', async () => {
    for (const address of ['8.8.8.8', '[2000::]', '[::ffff:8.8.8.8]'])
      expect(await outcome(address, { allow: [address] }, null)).toBe('not held back');
    expect(await outcome('named.example', { allow: ['named.example'] }, '8.8.8.8')).not.toMatch(/lies in/);
  });
});
