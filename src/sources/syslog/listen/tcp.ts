import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { messageOf } from '../../../kernel/errors.ts';
import type { TcpListener, TlsListener } from '../options.ts';
import { type Bound, listenAgain } from './bind.ts';
import { type Identity, loadIdentity } from './certificate.ts';
import { createFraming } from './framing.ts';
import type { ListenTools } from './tools.ts';

/** How long a stop waits for what senders have under way, milliseconds. */
const grace = 1000;
const handshake = 10_000;
/** Between two looks whether a certificate was renewed, milliseconds. */
const renewal = 60_000;

export async function listenTcp(at: TcpListener, tools: ListenTools): Promise<Bound> {
  const open = createConnections('tcp', tools);
  const server = createServer(socket => open.take(socket, ''));
  return await listen(server, at, { open, tools });
}

/** Syslog over TLS, RFC 5425: the framing is that of TCP. */
export async function listenTls(at: TlsListener, tools: ListenTools): Promise<Bound> {
  const { log } = tools;
  const open = createConnections('tls', tools);
  let identity = '';
  const server = createTlsServer({
    requestCert: at.clientCa !== undefined,
    rejectUnauthorized: true,
    handshakeTimeout: handshake,
  });

  /** Reads the certificates, and uses them when they are others than before. */
  async function renew(): Promise<boolean> {
    const loaded = await loadIdentity(at);
    const text = JSON.stringify(loaded);
    if (text === identity) return false;
    server.setSecureContext(contextOf(loaded));
    identity = text;
    return true;
  }

  server.on('secureConnection', socket => {
    const client = clientOf(socket, at);
    if (client !== null) return open.take(socket, client);
    log.warn(
      { peer: socket.remoteAddress },
      'a sender was refused: its certificate has none of the names in `clients`',
    );
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    log.warn({ peer: socket.remoteAddress, because: error.message }, 'a sender did not come to terms over TLS');
  });
  const timer = setInterval(() => {
    void renew().then(
      renewed => renewed && log.info({}, 'the certificate was renewed'),
      error => log.warn({ because: messageOf(error) }, 'the certificate could not be read again; the last one stays'),
    );
  }, renewal);
  const bound = await listen(server, at, { open, tools, prepare: renew });
  return {
    ...bound,
    async stop() {
      clearInterval(timer);
      await bound.stop();
    },
  };
}

function contextOf({ cert, key, ca }: Identity) {
  return { cert, key, ...(ca === null ? {} : { ca }), minVersion: 'TLSv1.2' as const };
}

/** The name of the sender by its certificate, the empty text where none is asked for; null when it may not send. */
function clientOf(socket: TLSSocket, { clientCa, clients }: TlsListener): string | null {
  if (clientCa === undefined) return '';
  const { subject, subjectaltname } = socket.getPeerCertificate();
  const common = [subject?.CN].flat().filter(one => typeof one === 'string');
  const others = (subjectaltname ?? '').split(', ').flatMap(one => /^DNS:(.+)$/.exec(one)?.[1] ?? []);
  const names = [...others, ...common].map(one => one.slice(0, 255));
  if (clients === undefined) return names[0] ?? 'a client without a name';
  return names.find(one => clients.includes(one)) ?? null;
}

async function listen(
  server: Server,
  at: TcpListener,
  { open, tools, prepare }: { open: Connections; tools: ListenTools; prepare?: () => Promise<unknown> },
): Promise<Bound> {
  server.maxConnections = tools.limits.connections;
  server.on('drop', data =>
    tools.log.warn({ peer: data?.remoteAddress }, 'a connection was refused: there are too many'),
  );
  const bound = await listenAgain(at, tools, {
    async open() {
      await prepare?.();
      return await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: at.port, host: at.host }, () => {
          server.off('error', reject);
          server.on('error', error => tools.log.error({ because: error.message }, 'listening failed'));
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : at.port);
        });
      });
    },
  });
  return {
    ...bound,
    async stop() {
      await bound.stop();
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      await open.stop();
      await closed;
    },
  };
}

type Connections = ReturnType<typeof createConnections>;

/** The connections of a listener. */
function createConnections(transport: 'tcp' | 'tls', { queue, pace, clock, log, limits, admits }: ListenTools) {
  const sockets = new Set<Socket>();
  let stopping = false;

  function take(socket: Socket, client: string): void {
    const peer = socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    socket.on('error', error => log.debug({ peer, because: error.message }, 'a connection broke'));
    if (stopping || !admits(peer)) {
      if (!stopping) log.warn({ peer }, 'a sender was refused: it is not among `senders`');
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.setKeepAlive(true, 60_000);
    socket.setTimeout(limits.idle, () => {
      // While it is not read from, it is not its sender that is silent.
      if (socket.isPaused()) return;
      socket.end();
      socket.setTimeout(grace, () => socket.destroy());
    });
    const framing = createFraming(limits.longestMessage, (bytes, cut) =>
      queue.put({ transport, at: clock.now(), peer, client, cut, bytes }),
    );
    socket.on('data', chunk => {
      if (!framing.push(chunk)) {
        log.warn({ peer }, 'a connection was closed: no length stands before the next message');
        socket.destroy();
      } else if (!queue.hasRoom()) hold(socket, queue.whenRoom);
      else {
        const wait = pace.spend(peer, chunk.length);
        if (wait > 0 && !stopping) hold(socket, go => void clock.sleep(wait).then(go));
      }
    });
    socket.on('close', () => {
      framing.end();
      sockets.delete(socket);
    });
  }

  return {
    take,
    /** Ends all connections; takes what is under way while the queue has room for it. */
    async stop() {
      stopping = true;
      const until = clock.monotonic() + grace;
      for (const socket of sockets) {
        socket.end();
        if (queue.hasRoom()) socket.resume();
      }
      while (sockets.size > 0 && clock.monotonic() < until) await clock.sleep(20);
      const left = sockets.size;
      if (left > 0) log.warn({ connections: left }, 'connections were closed whose senders had not ended them');
      const closed = [...sockets].map(socket => new Promise<void>(resolve => socket.once('close', () => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/** Stops reading, so that the sender has to wait, until it may go on. */
function hold(socket: Socket, until: (go: () => void) => void): void {
  socket.pause();
  until(() => socket.resume());
}
