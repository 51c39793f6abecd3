import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on 127.0.0.1 that can delay, hold, cut and refuse what goes through it. */
export interface TcpProxy {
  port: number;
  /** Milliseconds that everything waits, in both directions. */
  delay(ms: number): void;
  /** Passes nothing on in this direction until `pass`; the connections stay open, as over a network that went away. */
  hold(direction: 'up' | 'down' | 'both'): void;
  /** Passes on again, also what was held. */
  pass(): void;
  /** Breaks all connections with a reset. What was held is lost. */
  cut(): void;
  /** Resets new connections from now on, or takes them again. */
  refuse(refused: boolean): void;
  /** Calls back with each chunk that a client sent, before it is passed on: for cutting at a certain word. */
  watch(look: (chunk: Buffer) => void): void;
  /** How many connections are open. */
  open(): number;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
}

export async function startProxy(target: { host?: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  const held: (() => void)[] = [];
  let wait = 0;
  let holding: 'up' | 'down' | 'both' | null = null;
  let refused = false;
  let look: (chunk: Buffer) => void = () => {};

  const listener = createServer(client => {
    if (refused) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect(target.port, target.host ?? '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', chunk => {
      look(chunk);
      send('up', server, chunk);
    });
    server.on('data', chunk => send('down', client, chunk));
  });

  function send(direction: 'up' | 'down', to: Socket, chunk: Buffer): void {
    const go = () => {
      if (!to.destroyed) to.write(chunk);
    };
    if (holding === direction || holding === 'both') held.push(go);
    else if (wait > 0) setTimeout(go, wait);
    else go();
  }

  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = () => {
    held.length = 0;
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    pairs.clear();
  };
  return {
    port: address.port,
    delay(ms) {
      wait = ms;
    },
    hold(direction) {
      holding = direction;
    },
    pass() {
      holding = null;
      for (const go of held.splice(0)) go();
    },
    cut,
    refuse(value) {
      refused = value;
    },
    watch(callback) {
      look = callback;
    },
    open: () => pairs.size,
    async close() {
      const closed = once(listener, 'close');
      listener.close();
      cut();
      await closed;
    },
  };
}
