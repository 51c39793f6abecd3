import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether a proxy passed this request on: it says so in `Forwarded` (RFC 7239), `Via`, `X-Real-IP` or an `X-Forwarded-` header. */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some(name => passedOn.test(name));
}
const passedOn = /^(forwarded|via|x-real-ip|x-forwarded-[a-z-]+)$/;

/** An IP address, or a range in CIDR notation. A range of all addresses is none: with it everybody could name an address of choice. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined || address.includes('%')) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** Whether an address is in one of these ranges, each as `isAddressRange` takes it. IPv4 in IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export function addressTest(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const four = isIP(address) === 4;
    list.addSubnet(address, Number(bits ?? (four ? 32 : 128)), four ? 'ipv4' : 'ipv6');
  }
  return given => {
    const address = given.replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}
