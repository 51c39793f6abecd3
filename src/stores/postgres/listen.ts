import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Appended } from '../../ports/store.ts';
import { channel } from './batch.ts';
import type { Connect, Session } from './session.ts';

export interface Listening {
  /** Calls the listener when another process appended. Returns how to stop. */
  listen(listener: (news: Appended) => void): () => void;
  close(): Promise<void>;
}

const news = z.object({
  seq: z.int(),
  stamp: z.int(),
  outputs: z.array(z.string()),
  // Older nodes do not send them.
  cancels: z.array(z.string()).default([]),
});

/** Milliseconds between two looks at the head: what a connection that died silently swallowed is found by then. */
const lookEvery = 5000;
const longestPause = 5000;

/**
 * LISTEN on a connection of its own, opened with the first listener. News is a hint, never the truth: after each new connection and every
 * few seconds the head itself is looked at, so that nothing that was missed stays unknown.
 */
export function createListening(connect: Connect, ownPid: () => number | null): Listening {
  const listeners = new Set<(news: Appended) => void>();
  const stop = new AbortController();
  let loop: Promise<void> | null = null;
  let last: Appended = { seq: 0, stamp: 0, outputs: [], cancels: [] };

  function tell(appended: Appended): void {
    last = { ...appended, seq: Math.max(last.seq, appended.seq), stamp: Math.max(last.stamp, appended.stamp) };
    for (const listener of listeners) listener(appended);
  }

  function onNotice(pid: number, payload: string): void {
    if (pid === ownPid()) return;
    const parsed = news.safeParse(tryJson(payload));
    // Whoever else uses the channel is not understood, and not needed.
    if (parsed.success) tell(parsed.data);
  }

  async function look(session: Session): Promise<void> {
    const [answer] = await session.send([{ name: 'look-head', text: 'select seq, stamp from head where id = 1' }]);
    const head = answer?.rows[0];
    if (head !== undefined && (head.seq > last.seq || head.stamp > last.stamp))
      tell({ ...head, outputs: [], cancels: [] });
  }

  async function follow(): Promise<void> {
    const session = await connect({ onNotice });
    try {
      await session.send([{ text: `listen ${channel}` }]);
      while (!stop.signal.aborted && session.alive()) {
        await look(session);
        await Promise.race([rest(lookEvery), session.ended]);
      }
    } finally {
      await session.close();
    }
  }

  async function run(): Promise<void> {
    for (let pause = 100; !stop.signal.aborted; pause = Math.min(longestPause, pause * 2)) {
      const began = performance.now();
      // A connection that cannot be had is tried again; that the server is gone is told by whoever writes or reads.
      await follow().catch(() => {});
      if (performance.now() - began > lookEvery) pause = 100;
      await rest(pause);
    }
  }

  const rest = (ms: number) => sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {});

  return {
    listen(listener) {
      listeners.add(listener);
      loop ??= run();
      return () => listeners.delete(listener);
    },
    async close() {
      stop.abort();
      await loop;
    },
  };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
