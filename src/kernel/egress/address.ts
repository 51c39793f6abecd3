import { BlockList, isIP } from 'node:net';

/**
 * How an address is treated. `public`: reached when its host is allowed. `private`: reached only when tocsin.yaml names the host under
 * `private`. `guarded` (link-local, cloud metadata and the like): reached only when `private` names the address itself.
 */
export type Reach = 'public' | 'private' | 'guarded';

/** RFC 1918, loopback, shared address space (RFC 6598), benchmarking. */
const privateFour = listOf('ipv4', [
  '10.0.0.0/8',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
]);

/**
 * The other ranges of the IANA special-purpose registry, and two metadata services outside of link-local: Azure's WireServer and
 * Alibaba's, which is in shared address space.
 */
const guardedFour = listOf('ipv4', [
  '0.0.0.0/8',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);

const privateSix = listOf('ipv6', ['::1/128', 'fc00::/7']);
/** Amazon's metadata services in fd00::/8. */
const guardedSix = listOf('ipv6', ['fd00:ec2::/32']);
/** Special ranges within 2000::/3, the only global unicast range that is allocated: Teredo, benchmarking, ORCHID, documentation. */
const specialSix = listOf('ipv6', ['2001::/23', '2001:db8::/32', '3fff::/20']);
const allocatedSix = listOf('ipv6', ['2000::/3']);

function listOf(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

export function reachOf(address: string): Reach {
  switch (isIP(address)) {
    case 4:
      return guardedFour.check(address, 'ipv4') ? 'guarded' : privateFour.check(address, 'ipv4') ? 'private' : 'public';
    case 6:
      return reachOfSix(address);
    default:
      return 'guarded';
  }
}

function reachOfSix(address: string): Reach {
  const groups = groupsOf(address);
  if (groups === null) return 'guarded';
  const inner = embeddedFour(groups);
  if (inner !== null) return reachOf(inner);
  if (guardedSix.check(address, 'ipv6')) return 'guarded';
  if (privateSix.check(address, 'ipv6')) return 'private';
  return allocatedSix.check(address, 'ipv6') && !specialSix.check(address, 'ipv6') ? 'public' : 'guarded';
}

/** The IPv4 address that is embedded in an IPv6 one: v4-mapped, v4-compatible, NAT64 (RFC 6052) and 6to4; null for others. */
function embeddedFour(groups: readonly number[]): string | null {
  const [a = 0, b = 0, c = 0] = groups;
  const start = groups.slice(0, 6);
  const [high = 0, low = 0] = groups.slice(6);
  const mapped =
    start.slice(0, 5).every(group => group === 0) && (start[5] === 0xffff || (start[5] === 0 && high !== 0));
  const nat64 = a === 0x64 && b === 0xff9b && start.slice(2).every(group => group === 0);
  if (mapped || nat64) return dotted(high, low);
  return a === 0x2002 ? dotted(b, c) : null;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address; null for one with a zone (`fe80::1%eth0`) and for other text. */
function groupsOf(address: string): number[] | null {
  if (address.includes('%')) return null;
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [p = 0, q = 0, r = 0, s = 0] = parts.slice(0, 4).map(Number);
    return `${((p << 8) | q).toString(16)}:${((r << 8) | s).toString(16)}`;
  });
  const [left = '', right] = text.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)));
  const head = parse(left);
  const tail = right === undefined ? [] : parse(right);
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<number>(Math.max(0, gap)).fill(0), ...tail];
  return groups.length === 8 && groups.every(group => group >= 0 && group <= 0xffff) ? groups : null;
}
