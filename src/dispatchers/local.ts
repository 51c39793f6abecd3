import { messageOf } from '../kernel/errors.ts';
import { type Dispatcher, type DispatcherOptions, defineDispatcher } from '../ports/dispatcher.ts';

/**
 * The longest that a timer sleeps before it reads the clock again, milliseconds. Timers stop while a machine is suspended, do not notice
 * that the clock was set, and cannot hold more than 2^31 - 1 ms.
 */
const longestNap = 60_000;

export default defineDispatcher({
  id: 'local',
  about: 'Wakes runs inside this process; for one node, with nothing to install.',
  open: async options => createLocal(options),
});

function createLocal({ concurrency, now, log }: DispatcherOptions): Dispatcher {
  /** Due wake-ups in the order of arrival; each run occurs once. */
  const queue = new Set<string>();
  const working = new Set<string>();
  /** Runs that were woken while their handler was at work. */
  const again = new Set<string>();
  const timers = createTimers(now, due);
  const drained: (() => void)[] = [];
  let answer: ((run: string) => Promise<void>) | null = null;
  let stopping = false;

  function due(run: string, first = false): void {
    if (stopping) return;
    if (working.has(run)) again.add(run);
    else if (first) putFirst(queue, run);
    else queue.add(run);
    pump();
  }

  function pump(): void {
    for (const run of queue) {
      if (answer === null || stopping || working.size >= concurrency) return;
      queue.delete(run);
      working.add(run);
      void work(run, answer);
    }
  }

  async function work(run: string, handler: (run: string) => Promise<void>): Promise<void> {
    try {
      // A handler never runs inside the call of `wake`.
      await null;
      await handler(run);
    } catch (error) {
      log.error(
        { run, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
        'A wake-up was not answered; the sweeper sends it again',
      );
    }
    working.delete(run);
    // To the end of the queue, so that a busy run does not keep others waiting.
    if (again.delete(run) && !stopping) queue.add(run);
    if (working.size === 0) for (const resolve of drained.splice(0)) resolve();
    pump();
  }

  async function drain(): Promise<void> {
    stopping = true;
    queue.clear();
    timers.clear();
    if (working.size > 0) await new Promise<void>(resolve => drained.push(resolve));
  }

  return {
    id: 'local',
    async wake({ run, at, first }) {
      if (stopping) return;
      if (at === undefined || at <= now()) due(run, first);
      else timers.set(run, at);
    },
    start(handler) {
      if (answer !== null) throw new Error('this dispatcher was started before');
      answer = handler;
      pump();
    },
    busy: () => working.size,
    trouble: () => null,
    drain,
    close: drain,
  };
}

/** Moves a run to the head of the queue. O(n), but it is only done when a person presses a button, which is rare. */
function putFirst(queue: Set<string>, run: string): void {
  const others = [...queue].filter(one => one !== run);
  queue.clear();
  queue.add(run);
  for (const one of others) queue.add(one);
}

/** Timers for later wake-ups. One run may have several times; the same time counts once. */
function createTimers(now: () => number, due: (run: string) => void) {
  const armed = new Map<string, NodeJS.Timeout>();

  function arm(key: string, run: string, at: number): void {
    const nap = Math.min(Math.max(at - now(), 1), longestNap);
    armed.set(
      key,
      setTimeout(() => {
        if (now() < at) return arm(key, run, at);
        armed.delete(key);
        due(run);
      }, nap),
    );
  }

  return {
    set(run: string, at: number) {
      const key = `${at} ${run}`;
      if (!armed.has(key)) arm(key, run, at);
    },
    clear() {
      for (const timer of armed.values()) clearTimeout(timer);
      armed.clear();
    },
  };
}
