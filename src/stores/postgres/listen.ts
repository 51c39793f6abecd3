import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Appended } from '../../ports/store.ts';
import { channel } from './batch.ts';
import type { Connect, Session } from './session.ts';

export interface Listening {
  /** Calls the listener when another process appended. Returns a function that stops it. */
  listen(listener: (news: Appended) => void): () => void;
  close(): Promise<void>;
}

const news = z.object({
  seq: z.int(),
  stamp: z.int(),
  // Older nodes do not send these two.
  first: z.int().optional(),
  kinds: z.array(z.string()).optional(),
  outputs: z.array(z.string()),
  // Older nodes do not send this field.
  cancels: z.array(z.string()).default([]),
});

/** Milliseconds between two polls of the head. They find what was lost on a connection that died silently. */
const pollEvery = 5000;
const longestPause = 5000;

/**
 * LISTEN on a connection of its own, opened with the first listener. Notifications are hints and may be lost. So the head itself is read
 * after each new connection, and then every few seconds.
 */
export function createListening(connect: Connect, ownPid: () => number | null): Listening {
  const listeners = new Set<(news: Appended) => void>();
  const stop = new AbortController();
  let loop: Promise<void> | null = null;
  let last: Appended = { seq: 0, stamp: 0, outputs: [], cancels: [] };

  function notify(appended: Appended): void {
    last = { ...appended, seq: Math.max(last.seq, appended.seq), stamp: Math.max(last.stamp, appended.stamp) };
    for (const listener of listeners) listener(appended);
  }

  function onNotice(pid: number, payload: string): void {
    if (pid === ownPid()) return;
    const parsed = news.safeParse(tryJson(payload));
    // Payloads of other programs on the same channel are ignored.
    if (parsed.success) notify(parsed.data);
  }

  /** `anyway`: also when nothing seems to be new, because what was told while there was no connection is not known. */
  async function pollHead(session: Session, anyway: boolean): Promise<void> {
    const [answer] = await session.send([{ name: 'look-head', text: 'select seq, stamp from head where id = 1' }]);
    const head = answer?.rows[0];
    if (head !== undefined && (anyway || head.seq > last.seq || head.stamp > last.stamp))
      notify({ ...head, outputs: [], cancels: [] });
  }

  let isAgain = false;

  async function follow(): Promise<void> {
    const session = await connect({ onNotice });
    try {
      await session.send([{ text: `listen ${channel}` }]);
      for (let polls = 0; !stop.signal.aborted && session.alive(); polls++) {
        await pollHead(session, polls === 0 && isAgain);
        await Promise.race([rest(pollEvery), session.ended]);
      }
    } finally {
      isAgain = true;
      await session.close();
    }
  }

  async function run(): Promise<void> {
    for (let pause = 100; !stop.signal.aborted; pause = Math.min(longestPause, pause * 2)) {
      const began = performance.now();
      // A failed connection is tried again. The writer and the readers report a server that is down.
      await follow().catch(() => {});
      if (performance.now() - began > pollEvery) pause = 100;
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
