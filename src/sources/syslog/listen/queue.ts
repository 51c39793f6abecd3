import { randomUUID } from 'node:crypto';
import { messageOf } from '../../../kernel/errors.ts';
import type { EmitTools } from '../../../ports/emit.ts';
import { type Packet, packAll, sizeOf } from '../format/packet.ts';

/** What was taken and is not committed yet. */
export interface Queue {
  put(packet: Packet): void;
  /** False while so much waits that nobody should read on; `whenRoom` calls back once there is room again. */
  hasRoom(): boolean;
  whenRoom(listener: () => void): void;
  /** True when not even what cannot wait has room. */
  isFull(): boolean;
  /** Commits what is left, or counts it as lost when that does not succeed in time. */
  stop(): Promise<void>;
}

export interface QueueLimits {
  /** A batch is made of so many messages, of so many bytes, or of what came in so many milliseconds. */
  batch: { messages: number; bytes: number; wait: number };
  /** Bytes that wait: from here on connections are read no more, and from there on datagrams are lost. */
  room: number;
  full: number;
  /** How long a stop tries to commit, milliseconds. */
  patience: number;
}

export const queueLimits: QueueLimits = {
  batch: { messages: 2000, bytes: 1024 * 1024, wait: 1000 },
  room: 8 * 1024 * 1024,
  full: 16 * 1024 * 1024,
  patience: 5000,
};

/** Between tries while the store takes nothing, milliseconds. */
const backoff = [200, 500, 1000, 2000, 5000];

export type QueueTools = Pick<EmitTools, 'clock' | 'log' | 'takeRecords' | 'lost'>;

export function createQueue(tools: QueueTools, limits: QueueLimits = queueLimits): Queue {
  const { clock } = tools;
  let waiting: Packet[] = [];
  /** Bytes of what waits and of the batch that is under way. */
  let size = 0;
  let listeners: (() => void)[] = [];
  let ended = false;
  let hurry = new AbortController();
  const committer = createCommitter(tools);

  function wake(): void {
    hurry.abort();
  }

  function isDue(): boolean {
    return waiting.length >= limits.batch.messages || size >= limits.batch.bytes;
  }

  function next(): { packets: Packet[]; bytes: number } {
    let bytes = 0;
    let count = 0;
    for (const packet of waiting) {
      if (count >= limits.batch.messages || (count > 0 && bytes + sizeOf(packet) > limits.batch.bytes)) break;
      bytes += sizeOf(packet);
      count += 1;
    }
    const packets = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return { packets, bytes };
  }

  async function run(): Promise<void> {
    while (!ended || waiting.length > 0) {
      if (!ended && !isDue()) {
        hurry = new AbortController();
        await clock.sleep(waiting.length === 0 ? 60_000 : limits.batch.wait, hurry.signal).catch(() => {});
        if (waiting.length === 0 || (!isDue() && !ended && hurry.signal.aborted)) continue;
      }
      const { packets, bytes } = next();
      if (packets.length === 0) continue;
      await committer.commit(packets);
      size -= bytes;
      tell();
    }
  }

  function tell(): void {
    if (size >= limits.room) return;
    const told = listeners;
    listeners = [];
    for (const listener of told) listener();
  }

  const running = run();
  return {
    put(packet) {
      const first = waiting.length === 0;
      waiting.push(packet);
      size += sizeOf(packet);
      if (first || isDue()) wake();
    },
    hasRoom: () => size < limits.room,
    whenRoom: listener => void listeners.push(listener),
    isFull: () => size >= limits.full,
    async stop() {
      ended = true;
      committer.hurry(limits.patience);
      wake();
      await running;
    },
  };
}

/** Commits batch by batch, each until it succeeds. */
function createCommitter(tools: QueueTools) {
  const { clock, log } = tools;
  let deadline = Number.POSITIVE_INFINITY;
  const stopping = new AbortController();

  async function lose(packets: readonly Packet[], error: unknown): Promise<void> {
    log.error({ messages: packets.length, from: fromOf(packets), because: messageOf(error) }, 'messages were lost');
    await tools.lost(packets.length, 'Tocsin stopped while they could not be committed');
  }

  return {
    /** From now on it tries for so long, milliseconds, and then counts what is left as lost. */
    hurry(patience: number): void {
      deadline = clock.monotonic() + patience;
      stopping.abort();
    },
    /** The same batch has the same key at each try, so one whose commit was not heard of counts once. */
    async commit(packets: readonly Packet[]): Promise<void> {
      const batch = { pieces: [packAll(packets)], from: fromOf(packets), once: `batch/${randomUUID()}` };
      for (let tries = 0; ; tries += 1) {
        try {
          const { unreadable } = await tools.takeRecords(batch);
          if (unreadable > 0) log.warn({ unreadable }, 'messages could not be read');
          if (tries > 0) log.info({ tries }, 'messages are taken again');
          return;
        } catch (error) {
          if (clock.monotonic() >= deadline) return await lose(packets, error);
          if (tries === 0) log.warn({ because: messageOf(error) }, 'messages wait: they could not be committed');
          const wait = backoff[Math.min(tries, backoff.length - 1)] ?? 5000;
          // Once it stops, the first wait ends at once and the others are short.
          if (stopping.signal.aborted) await clock.sleep(Math.min(wait, 500));
          else await clock.sleep(wait, stopping.signal).catch(() => {});
        }
      }
    },
  };
}

/** `tcp 10.0.0.1, udp 10.0.0.2 and 3 more` */
function fromOf(packets: readonly Packet[]): string {
  const peers = [...new Set(packets.map(({ transport, peer }) => `${transport} ${peer}`))];
  const more = peers.length > 5 ? ` and ${peers.length - 5} more` : '';
  return `syslog over ${peers.slice(0, 5).join(', ')}${more}`;
}
