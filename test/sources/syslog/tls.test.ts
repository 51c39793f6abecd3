import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CheckTools } from '../../../src/ports/check.ts';
import source from '../../../src/sources/syslog/index.ts';
import { makeFolder } from '../../e2e/real.ts';
import { missingPrograms } from '../../real/programs.ts';
import { makeAuthority, type Pair } from './certificates.ts';
import { openSyslog, until } from './place.ts';

const missing = missingPrograms('openssl');
let cleanUp: AsyncDisposableStack;
beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

async function place() {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  const authority = makeAuthority(folder);
  return { folder, authority, server: authority.issue('tocsin'), trusted: { ca: readFileSync(authority.ca) } };
}

const withPair = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) });

/** Resolves to null when all was sent and the connection ended well, else to the code of the error. */
function send(port: number, text: string, options: ConnectionOptions): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', ...options }, () => socket.end(text));
    socket.resume();
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    socket.once('close', () => resolve(null));
  });
}

describe.skipIf(missing !== null)('TLS', () => {
  test('the certificate from files, the framing of RFC 5425', async () => {
    const { server, trusted } = await place();
    const { ports, seen, texts } = await openSyslog(cleanUp, { tls: { port: 0, ...server } });
    const [port = 0] = await ports();
    expect(await send(port, '8 <13>a: b9 <13>a: cd', trusted)).toBe(null);
    await until(() => seen.length === 2);
    expect(texts()).toEqual(['b', 'cd']);
    expect(seen[0]).toMatchObject({ transport: 'tls', client: '' });
  });

  test('the certificate as text; only senders with a certificate of the authority, and of the name', async () => {
    const { folder, authority, server, trusted } = await place();
    const pem = { cert: readFileSync(server.cert, 'utf8'), key: readFileSync(server.key, 'utf8') };
    const tls = { port: 0, ...pem, clientCa: authority.ca, clients: ['web-1'] };
    const { ports, seen, texts, lines } = await openSyslog(cleanUp, { tls });
    const [port = 0] = await ports();
    const stranger = makeAuthority(folder, 'other').issue('web-1');
    await send(port, '<13>none\n', trusted);
    await send(port, '<13>another authority\n', { ...trusted, ...withPair(stranger) });
    await until(() => lines.filter(({ message }) => message.includes('come to terms')).length === 2);
    await send(port, '<13>another name\n', { ...trusted, ...withPair(authority.issue('web-2')) });
    await until(() => lines.some(({ message }) => message.includes('none of the names')));
    expect(await send(port, '<13>a: the right one\n', { ...trusted, ...withPair(authority.issue('web-1')) })).toBe(
      null,
    );
    await until(() => seen.length > 0);
    expect(texts()).toEqual(['the right one']);
    expect(seen[0]).toMatchObject({ client: 'web-1' });
  });

  test('doctor tells of a certificate that cannot be used, and of one that ends soon', async () => {
    const { folder, authority, server } = await place();
    const states = async (tls: object, now = Date.now()) => {
      const clock = { ...systemClock, now: () => now };
      const found = await source.check?.(source.options.parse({ tls }), { clock } as CheckTools);
      return found?.map(({ state, because = '' }) => `${state} ${because}`);
    };
    const long = authority.issue('long', 90);
    expect(await states({ ...long, clientCa: authority.ca })).toEqual(['ok ']);
    expect(await states(server)).toEqual([expect.stringMatching(/^warning it is valid until 20/)]);
    expect(await states(server, Date.now() + 30 * 86_400_000)).toEqual([expect.stringMatching(/^bad it was valid/)]);
    expect(await states({ ...server, key: long.key })).toEqual([expect.stringMatching(/^bad it cannot be used/)]);
    expect(await states({ ...server, cert: `${folder}/none.pem` })).toEqual([expect.stringContaining('ENOENT')]);
  });

  test('a plain connection brings nothing', async () => {
    const { server } = await place();
    const { ports, seen, lines } = await openSyslog(cleanUp, { tls: { port: 0, ...server } });
    const [port = 0] = await ports();
    const { sendTcp } = await import('./place.ts');
    await sendTcp(port, '<13>plain\n').catch(() => {});
    await until(() => lines.some(({ message }) => message.includes('come to terms')));
    expect(seen).toEqual([]);
  });
});

describe('who is believed', () => {
  const tls = { cert: '/etc/tocsin/cert.pem', key: '/etc/tocsin/key.pem' };
  test.each([
    [{ tcp: {} }, false],
    [{ tcp: {}, udp: {}, trustLocal: true }, true],
    [{ tcp: { host: '0.0.0.0' }, trustLocal: true }, false],
    [{ udp: { host: '::' }, trustLocal: true }, false],
    [{ tls }, false],
    [{ tls: { ...tls, host: '0.0.0.0', clientCa: '/etc/tocsin/ca.pem' } }, true],
    [{ tls: { ...tls, clientCa: '/etc/tocsin/ca.pem' }, tcp: {} }, false],
  ])('%j: %s', (given, expected) => {
    expect(source.proven?.(source.options.parse(given))).toBe(expected);
  });

  test('what weakens it is told', () => {
    const given = { tcp: { host: '0.0.0.0' }, udp: { host: '::' }, tls: { ...tls, host: '10.0.0.1' } };
    const warnings = source.warnings?.(source.options.parse(given)) ?? [];
    expect(warnings.map(({ at }) => at[0])).toEqual(['tcp', 'udp', 'tls']);
    expect(source.warnings?.(source.options.parse({ tcp: {}, udp: {} }))).toEqual([]);
  });

  test.each([
    [{}, 'it listens nowhere'],
    [{ tcp: {}, senders: ['10.0.0.0/33'] }, 'an address or a network'],
    [{ tcp: { host: 'localhost' } }, 'an IP address'],
    [{ tls: { cert: 'cert.pem', key: '/key.pem' } }, 'absolute path'],
    [{ tls: { ...tls, clients: ['a'] } }, 'only with `clientCa`'],
    [{ tcp: {}, message: { format: 'json', pattern: 'x' } }, 'only `format: pattern` has a pattern'],
    [{ tcp: {}, detect: [{ name: 'x', where: 'record.hostt == ""' }] }, 'did you mean host'],
  ])('%j is refused: %s', (given, because) => {
    expect(source.options.safeParse(given).error?.message).toContain(because);
  });
});
