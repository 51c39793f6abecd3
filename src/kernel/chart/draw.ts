import { Worker } from 'node:worker_threads';
import { moduleUrl } from '../here.ts';
import type { Chart } from './chart.ts';
import type { Manner } from './option.ts';

/** Draws pictures, one after the other, in a thread of its own, so that no request waits for it. */
export interface Drawer {
  svg(chart: Chart, manner: Manner): Promise<string>;
  /** For platforms: 1,008 pixels wide. */
  png(chart: Chart, manner: Manner): Promise<Buffer>;
  close(): Promise<void>;
}

export type Order = { chart: Chart; manner: Manner } & ({ as: 'svg' } | { as: 'png'; scale: number });

/** Pixels for each unit: sharp on a phone, and some 60 kB. */
const scale = 2.4;
/** How long one picture may take, milliseconds; the machine may be busy. */
const longest = 60_000;
/** For how long the thread waits for more work before it ends, milliseconds. */
const idle = 30_000;
/** The most memory of the thread, MB. */
const memory = 256;

interface Waiting {
  resolve(drawn: string | Uint8Array): void;
  reject(error: Error): void;
}

/** One thread, which begins with an order and ends when there are none for a while. */
export function createDrawer(): Drawer {
  let thread: { worker: Worker; waiting: Map<number, Waiting> } | null = null;
  let rest: NodeJS.Timeout | undefined;
  let last = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function open(): NonNullable<typeof thread> {
    if (thread !== null) return thread;
    const waiting = new Map<number, Waiting>();
    const worker = new Worker(moduleUrl('./worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: memory },
      env: {},
    });
    const made = { worker, waiting };
    worker.unref();
    worker.on('message', ({ id, drawn, because }: { id: number; drawn?: string | Uint8Array; because?: string }) => {
      const one = waiting.get(id);
      waiting.delete(id);
      if (drawn === undefined) one?.reject(new Error(because ?? 'nothing was drawn'));
      else one?.resolve(drawn);
    });
    const gone = (error: Error) => {
      if (thread === made) thread = null;
      for (const one of waiting.values()) one.reject(error);
      waiting.clear();
    };
    worker.on('error', gone);
    worker.on('exit', code => gone(new Error(`the thread that draws ended with ${code}`)));
    thread = made;
    return made;
  }

  async function end(): Promise<void> {
    const { worker } = thread ?? {};
    thread = null;
    await worker?.terminate();
  }

  async function work(order: Order): Promise<string | Uint8Array> {
    clearTimeout(rest);
    const { worker, waiting } = open();
    const id = ++last;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('the picture took too long to draw')), longest);
    try {
      const drawn = new Promise<string | Uint8Array>((resolve, reject) => waiting.set(id, { resolve, reject }));
      worker.postMessage({ ...order, id });
      return await Promise.race([drawn, late.promise]);
    } catch (error) {
      await end();
      throw error;
    } finally {
      clearTimeout(timer);
      clearTimeout(rest);
      rest = setTimeout(() => void end(), idle);
      rest.unref();
    }
  }

  function inTurn(order: Order): Promise<string | Uint8Array> {
    const mine = turn.then(() => work(order));
    turn = mine.catch(() => {});
    return mine;
  }

  return {
    svg: async (chart, manner) => String(await inTurn({ chart, manner, as: 'svg' })),
    png: async (chart, manner) => Buffer.from((await inTurn({ chart, manner, as: 'png', scale })) as Uint8Array),
    async close() {
      clearTimeout(rest);
      await turn;
      clearTimeout(rest);
      await end();
    },
  };
}
