import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { Json } from '../../../src/kernel/canonical.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Log } from '../../../src/kernel/log.ts';
import type { EmitTools } from '../../../src/ports/emit.ts';
import type { RecordsTaken } from '../../../src/ports/records.ts';
import source from '../../../src/sources/syslog/index.ts';
import { idleTools } from '../idle-tools.ts';

/** A record as the tests look at it. */
export type Seen = Record<string, Json | undefined> & { at: number | null; text: string };

export interface Line {
  facts: Record<string, unknown>;
  message: string;
}

const taken: RecordsTaken = { records: 0, unreadable: 0, faults: [], alerts: 0, duplicate: false };

/** The source with what it hands on. `refuses` says how many batches in a row are not taken. */
export async function openSyslog(
  cleanUp: AsyncDisposableStack,
  given: object,
  { refuses = () => false }: { refuses?: () => boolean } = {},
) {
  const seen: Seen[] = [];
  const keys: (string | null)[] = [];
  const froms: string[] = [];
  const lost: { records: number; because: string }[] = [];
  const lines: Line[] = [];
  const options = source.options.parse(given);
  const spec = source.records?.(options);
  if (spec === null || spec === undefined) throw new Error('syslog has records');
  const { format } = spec;
  const log: Log = {
    debug: (facts, message = '') => void lines.push({ facts: { ...facts }, message }),
    info: (facts, message = '') => void lines.push({ facts: { ...facts }, message }),
    warn: (facts, message = '') => void lines.push({ facts: { ...facts }, message }),
    error: (facts, message = '') => void lines.push({ facts: { ...facts }, message }),
    child: () => log,
  };
  const tools: EmitTools = {
    ...idleTools,
    clock: systemClock,
    log,
    lost: async (records, because) => void lost.push({ records, because }),
    async takeRecords({ pieces, from, once }) {
      keys.push(once);
      if (refuses()) throw new Error('the store is down');
      froms.push(from);
      const reader = format.open(
        {
          record: record =>
            seen.push({
              ...Object.fromEntries(record.names().map(name => [name, record.get(name)])),
              at: record.at(),
              text: record.text(),
            }),
          fault() {},
        },
        {},
      );
      for await (const piece of pieces) for (const byte of halves(piece)) reader.read(byte);
      reader.end();
      return taken;
    },
  };
  const stop = await source.start?.(options, tools);
  if (stop === undefined) throw new Error('syslog starts');
  let stopped: Promise<void> | null = null;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  cleanUp.defer(stopOnce);
  return {
    seen,
    keys,
    froms,
    lost,
    lines,
    stop: stopOnce,
    /** Once it listens, in the order of tcp, tls and udp that was logged. */
    async ports(count = 1): Promise<number[]> {
      return await until(() => {
        const ports = lines
          .filter(({ message }) => message === 'listening for syslog')
          .map(({ facts }) => facts['port']);
        return ports.length >= count ? ports.map(Number) : null;
      });
    },
    texts: () => seen.map(({ message }) => message),
  };
}

/** So that messages lie over the ends of pieces. */
function halves(piece: Buffer): Buffer[] {
  const middle = Math.floor(piece.length / 2);
  return [piece.subarray(0, middle), piece.subarray(middle)];
}

export async function until<T>(ask: () => T | null | false): Promise<T> {
  for (;;) {
    const found = ask();
    if (found !== null && found !== false) return found;
    await systemClock.sleep(10);
  }
}

/** A connection to 127.0.0.1. */
export function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {});
  });
}

/** Sends it, and ends the connection. */
export async function sendTcp(port: number, bytes: string | Buffer): Promise<void> {
  const socket = await dial(port);
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  socket.resume();
  socket.end(bytes);
  await closed;
}

export async function sendUdp(port: number, ...datagrams: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const one of datagrams)
    await new Promise<void>((resolve, reject) =>
      socket.send(one, port, '127.0.0.1', error => (error === null ? resolve() : reject(error))),
    );
  await new Promise<void>(resolve => socket.close(() => resolve()));
}
