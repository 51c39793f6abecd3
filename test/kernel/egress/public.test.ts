import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFetchPublic } from '../../../src/kernel/egress/public.ts';
import { makeCertificate } from './certificate.ts';

const certificates = getCACertificates('default');
const own = makeCertificate('localhost');
const asked: string[] = [];
const server = createServer(own, ({ url = '' }, response) => {
  asked.push(url);
  if (url === '/to') return void response.writeHead(302, { location: '/elsewhere' }).end();
  response.writeHead(url === '/none' ? 404 : 200).end(url === '/large' ? 'x'.repeat(65_537) : 'the key');
});
let at = '';
beforeAll(async () => {
  setDefaultCACertificates([...certificates, own.cert]);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  at = `localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  setDefaultCACertificates(certificates);
  server.close();
});

test('a host in a private range is asked only when it is named', async () => {
  await expect(createFetchPublic()(`https://${at}/`)).rejects.toMatchObject({ code: 'egress-refused' });
  await expect(createFetchPublic(() => ['other.example'])(`https://${at}/`)).rejects.toMatchObject({
    code: 'egress-refused',
  });
  expect(asked).toEqual([]);
  const answer = await createFetchPublic(() => ['localhost'])(`https://${at}/`);
  expect([answer.status, await answer.text()]).toEqual([200, 'the key']);
  expect((await createFetchPublic(() => ['localhost'])(`https://${at}/none`)).status).toBe(404);
});

test.each([
  ['plain http', 'http:', '/', 'egress-refused'],
  ['a redirect', 'https:', '/to', 'egress-refused'],
  ['more than 64 KiB', 'https:', '/large', 'response-too-large'],
])('refuses %s', async (_what, protocol, path, code) => {
  asked.splice(0);
  await expect(createFetchPublic(() => ['localhost'])(`${protocol}//${at}${path}`)).rejects.toMatchObject({ code });
  expect(asked).toEqual(protocol === 'https:' ? [path] : []);
});

test('takes no certificate of TLS that nobody vouches for', async () => {
  setDefaultCACertificates(certificates);
  await expect(createFetchPublic(() => ['localhost'])(`https://${at}/`)).rejects.toMatchObject({
    code: 'egress-failed',
  });
  setDefaultCACertificates([...certificates, own.cert]);
});

test('who gives up waits no longer, also for a host that is connected and never speaks', async () => {
  const given = new AbortController();
  const connected = Promise.withResolvers<void>();
  const silent = createTcpServer(socket => {
    socket.on('error', () => {});
    connected.resolve();
  });
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const address = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
  const order: string[] = [];
  const asking = createFetchPublic(() => ['127.0.0.1'])(address, { signal: given.signal }).catch(() => {
    order.push('given up');
  });
  await connected.promise;
  given.abort();
  // A whole request to a host that answers takes longer than to give up.
  await createFetchPublic(() => ['localhost'])(`https://${at}/`);
  order.push('another was answered');
  await asking;
  expect(order).toEqual(['given up', 'another was answered']);
  silent.close();
});
