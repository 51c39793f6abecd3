import { createSocket, type Socket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import type { UdpListener } from '../options.ts';
import { type Bound, listenAgain } from './bind.ts';
import { trim } from './framing.ts';
import type { ListenTools } from './tools.ts';

/** What is asked of the kernel for datagrams that wait, bytes; it gives no more than net.core.rmem_max. */
const buffer = 4 * 1024 * 1024;
/** Between two looks at what the kernel threw away, milliseconds. */
const every = 10_000;
/** Between two lines of the log about senders that are refused, milliseconds. */
const quiet = 60_000;

/**
 * Syslog over UDP, RFC 5426: one datagram is one message. What may be lost, and is counted: what comes while the queue is full, what is more
 * than a sender may send in a second, and what the kernel threw away (on Linux). What a network lost nobody can count.
 */
export async function listenUdp(at: UdpListener, tools: ListenTools): Promise<Bound> {
  const { queue, pace, clock, log, limits, admits } = tools;
  const losses = createLosses(tools);
  let socket: Socket | null = null;
  let thrown = 0;

  function take(message: Buffer, peer: string): void {
    if (!admits(peer)) losses.refused(peer);
    else if (queue.isFull()) losses.add('so many wait for the store that datagrams had no room', 1);
    else if (!pace.may(peer, message.length)) losses.add('a sender over UDP sent more than it may in a second', 1);
    else put(message, peer);
  }

  function put(message: Buffer, peer: string): void {
    const bytes = trim(message);
    const cut = bytes.length > limits.longestMessage;
    // A copy: the datagram's memory is shared with others.
    const kept = Buffer.from(bytes.subarray(0, limits.longestMessage));
    if (kept.length > 0) queue.put({ transport: 'udp', at: clock.now(), peer, client: '', cut, bytes: kept });
  }

  async function look(): Promise<void> {
    const port = socket?.address().port;
    const drops = port === undefined ? null : await dropsOf(port, isIPv6(at.host));
    if (drops === null) return;
    if (drops > thrown) losses.add('the kernel had no room for datagrams', drops - thrown);
    thrown = drops;
  }

  async function report(): Promise<void> {
    await look();
    await losses.tell();
  }

  const open = () =>
    new Promise<number>((resolve, reject) => {
      const made = createSocket({ type: isIPv6(at.host) ? 'udp6' : 'udp4' });
      made.once('error', error => {
        made.close();
        reject(error);
      });
      made.bind({ port: at.port, address: at.host, exclusive: true }, () => {
        made.removeAllListeners('error');
        made.on('error', error => log.error({ because: error.message }, 'listening failed'));
        growBuffer(made);
        made.on('message', (message, { address }) => take(message, address.replace(/^::ffff:/, '')));
        socket = made;
        resolve(made.address().port);
      });
    });
  const bound = await listenAgain(at, tools, { open });
  const timer = setInterval(() => void report(), every);
  return {
    async stop() {
      clearInterval(timer);
      await bound.stop();
      await report();
      await new Promise<void>(resolve => (socket === null ? resolve() : socket.close(() => resolve())));
    },
  };
}

function growBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(buffer);
  } catch {
    // The kernel's own size does too.
  }
}

function createLosses({ lost, log, clock }: ListenTools) {
  const waiting = new Map<string, number>();
  let said = Number.NEGATIVE_INFINITY;
  return {
    add(because: string, messages: number): void {
      waiting.set(because, (waiting.get(because) ?? 0) + messages);
    },
    /** Counts what was lost since the last time: each datagram alone would cost more than it. */
    async tell(): Promise<void> {
      const told = [...waiting];
      waiting.clear();
      for (const [because, messages] of told) await lost(messages, because);
    },
    refused(peer: string): void {
      if (clock.monotonic() - said < quiet) return;
      said = clock.monotonic();
      log.warn({ peer }, 'a sender was refused: it is not among `senders`');
    },
  };
}

/**
 * How many datagrams the kernel threw away because nobody read them in time; null where it does not say so. Source: the last column of
 * /proc/net/udp (proc(5), `drops`). Several sockets of one port are counted together.
 */
async function dropsOf(port: number, v6: boolean): Promise<number | null> {
  const table = await readFile(v6 ? '/proc/net/udp6' : '/proc/net/udp', 'utf8').catch(() => null);
  if (table === null) return null;
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = table.split('\n').map(line => line.trim().split(/\s+/));
  return rows.reduce((sum, cells) => sum + (cells[1]?.endsWith(hex) ? Number(cells.at(-1)) || 0 : 0), 0);
}
