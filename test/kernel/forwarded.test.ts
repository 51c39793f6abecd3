import { describe, expect, it } from 'vitest';
import { addressTest, isAddressRange, isForwarded } from '../../src/kernel/forwarded.ts';

describe('a request that a proxy passed on', () => {
  it.each(['forwarded', 'via', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'])(
    'is known by %s',
    name => {
      expect(isForwarded({ host: 'a', [name]: 'x' })).toBe(true);
    },
  );

  it('is not known by anything else', () => {
    expect(isForwarded({ host: 'a', 'x-forwarded': 'x', 'x-real-ip-of': 'x', 'user-agent': 'via' })).toBe(false);
  });
});

describe('a range of addresses', () => {
  it.each(['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '192.0.2.7/32', '2001:db8::1/128'])('is %s', text => {
    expect(isAddressRange(text)).toBe(true);
  });

  it.each([
    '',
    'proxy.internal',
    '10.0.0.0/33',
    '::/129',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0.0/ 8',
    'fe80::1%eth0',
    '10.0.0.1:80',
  ])('is not %j', text => {
    expect(isAddressRange(text)).toBe(false);
  });

  it('ends where it ends, in both families, and takes IPv4 as a dual-stack socket shows it', () => {
    const trusted = addressTest(['127.0.0.1', '10.1.0.0/16', 'fd00:1::/32']);
    for (const address of [
      '127.0.0.1',
      '::ffff:127.0.0.1',
      '10.1.0.0',
      '10.1.255.255',
      '::FFFF:10.1.2.3',
      'fd00:1::',
      'fd00:1:ffff::1',
    ])
      expect(trusted(address), address).toBe(true);
    for (const address of ['127.0.0.2', '10.0.255.255', '10.2.0.0', 'fd00:2::', '::1', '', 'unknown', '10.1.0.1:80'])
      expect(trusted(address), address).toBe(false);
    expect(addressTest([])('127.0.0.1')).toBe(false);
  });
});
