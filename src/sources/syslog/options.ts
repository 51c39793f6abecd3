import { BlockList, isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { zoneName } from '../../kernel/zone.ts';
import { checkRecords, recordsOptions } from '../../model/records/records.ts';
import { syslogFormat } from './format/format.ts';

const place = {
  host: z
    .string()
    .refine(text => isIP(text) !== 0, 'an IP address, such as 127.0.0.1, 0.0.0.0 or ::')
    .default('127.0.0.1')
    .meta({ description: 'The address that it listens on.' }),
};
const port = (usual: number) => z.int().min(0).max(65_535).default(usual).meta({ description: 'The port.' });
const pem = z
  .string()
  .refine(text => text.includes('-----BEGIN ') || isAbsolute(text), 'PEM text, or the absolute path of its file');

const tcp = z.strictObject({ ...place, port: port(1514) });
const tls = z.strictObject({
  ...place,
  port: port(6514),
  cert: pem.meta({
    description: 'The certificate with its chain: PEM, or the absolute path of a file, which may be renewed.',
  }),
  key: pem.meta({ description: 'Its private key: PEM (as `${VARIABLE}`), or the absolute path of a file.' }),
  clientCa: pem.optional().meta({
    description: 'Who signs the certificates of senders. Then only senders with one may send, and they are proven.',
  }),
  clients: z.array(z.string().min(1).max(255)).min(1).max(1000).optional().meta({
    description: 'With `clientCa`: the names that certificates of senders may have (DNS names, or the common name).',
  }),
});
export type TcpListener = z.infer<typeof tcp>;
export type UdpListener = z.infer<typeof tcp>;
export type TlsListener = z.infer<typeof tls>;

const { late, detect, sigma, pattern, time } = recordsOptions;
const networkName = z
  .string()
  .refine(text => networkOf(text) !== null, 'an address or a network, such as 10.1.2.3 or 10.1.0.0/16');

export const options = z
  .strictObject({
    tcp: tcp.optional().meta({ description: 'Listens on TCP, unencrypted.' }),
    tls: tls.optional().meta({ description: 'Listens on TCP with TLS.' }),
    udp: tcp
      .optional()
      .meta({ description: 'Listens on UDP. Datagrams may be lost, and anybody may forge their sender.' }),
    senders: z
      .array(networkName)
      .min(1)
      .max(1000)
      .optional()
      .meta({
        description: 'The addresses and networks that may send; all when left out.',
        examples: [['10.1.0.0/16']],
      }),
    trustLocal: z.boolean().default(false).meta({
      description:
        'Takes what comes over 127.0.0.1 and ::1 for proven. Every program of the machine can send there, and an alert of it may lead to `auto`.',
    }),
    timezone: zoneName
      .default('UTC')
      .meta({ description: 'The IANA zone of times without an offset, as the old form (RFC 3164) has them.' }),
    message: z
      .strictObject({ format: z.enum(['json', 'logfmt', 'pattern']), pattern, time })
      .superRefine((given, ctx) => checkRecords({ ...given, late: 0, detect: [] }, ctx))
      .optional()
      .meta({
        description:
          'How the message itself is read: its members are then in `record.data`. `@cee:` before JSON is skipped.',
        examples: [{ format: 'json' }],
      }),
    longestMessage: z
      .int()
      .min(480)
      .max(1024 * 1024)
      .default(64 * 1024)
      .meta({ description: 'Bytes of a message. Of a longer one the beginning is taken, and `record.cut` is true.' }),
    connections: z.int().min(1).max(10_000).default(100).meta({ description: 'Connections of each listener.' }),
    idle: duration
      .refine(ms => ms >= 1000 && ms <= 86_400_000, '1s to 24h')
      .prefault('1h')
      .meta({ description: 'A connection that is silent for so long is ended. 1s to 24h.' }),
    bytesPerSecond: z
      .int()
      .min(1024)
      .max(1024 * 1024 * 1024)
      .default(4 * 1024 * 1024)
      .meta({
        description:
          'What one address may send. A connection that sends more is read more slowly; datagrams beyond it are lost.',
      }),
    late,
    detect,
    sigma,
  })
  .superRefine((given, ctx) => {
    if (given.tcp === undefined && given.tls === undefined && given.udp === undefined)
      ctx.addIssue({ code: 'custom', message: 'it listens nowhere; name one of tcp, tls and udp' });
    if (given.tls?.clients !== undefined && given.tls.clientCa === undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['tls', 'clients'],
        message: 'only with `clientCa` do senders have a certificate',
      });
    checkRecords(
      { late: given.late, detect: given.detect, sigma: given.sigma, format: 'syslog' },
      ctx,
      syslogFormat(given),
    );
  });
export type Options = z.infer<typeof options>;

/** Says whether an address may send. */
export function admission(senders: readonly string[] | undefined): (peer: string) => boolean {
  if (senders === undefined) return () => true;
  const list = new BlockList();
  for (const one of senders) {
    const network = networkOf(one);
    if (network !== null) list.addSubnet(network.address, network.bits, network.family);
  }
  return peer => {
    const version = isIP(peer.replace(/%.*$/, ''));
    return version !== 0 && list.check(peer.replace(/%.*$/, ''), version === 4 ? 'ipv4' : 'ipv6');
  };
}

function networkOf(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | null {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || Number(bits ?? 0) > most) return null;
  return { address, bits: bits === undefined ? most : Number(bits), family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** True when nobody but those who are known can send. */
export function isProven({ tcp: plain, tls: secure, udp, trustLocal }: Options): boolean {
  const local = [plain, udp].every(one => one === undefined || (trustLocal && isLoopback(one.host)));
  return local && (secure === undefined || secure.clientCa !== undefined || (trustLocal && isLoopback(secure.host)));
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
