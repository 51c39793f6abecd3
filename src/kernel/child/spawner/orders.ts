import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { TocsinError } from '../../errors.ts';
import type { Report, Spawned } from './wire.ts';

interface Waiting {
  began: PromiseWithResolvers<Spawned>;
  exited: PromiseWithResolvers<Awaited<Spawned['exited']>>;
  /** When it was ordered, milliseconds of a monotonic clock; null once it has begun. */
  since: number | null;
}

/** What was ordered of one helper and has not ended. */
export interface Orders {
  /** Notes a new order. `began` resolves when the helper says that it has begun. */
  add(): { id: number; began: Promise<Spawned> };
  hear(report: Exclude<Report, { kind: 'ready' }>): void;
  /** Rejects everything with `spawner-lost`: a program may run on for a moment, or may never have begun; the caller has to look. */
  lose(because: string): void;
  /** How many have not begun. */
  pending(): number;
  /** How many have not ended. */
  open(): number;
  /** True when an order waits for its begin for longer than this many milliseconds. */
  late(patience: number): boolean;
}

export function createOrders(monotonic: () => number): Orders {
  const waiting = new Map<number, Waiting>();
  let begun = 0;
  let last = 0;
  return {
    add() {
      const one: Waiting = { began: Promise.withResolvers(), exited: Promise.withResolvers(), since: monotonic() };
      // Whoever awaits it later still sees the rejection.
      one.exited.promise.catch(() => {});
      waiting.set(++last, one);
      return { id: last, began: one.began.promise };
    },
    hear(report) {
      const one = waiting.get(report.id);
      // A program that could not be executed is told as failed by the child, and then as exited by its parent.
      if (one === undefined) return;
      if (one.since !== null) begun++;
      one.since = null;
      if (report.kind === 'started') return one.began.resolve({ pid: report.pid, exited: one.exited.promise });
      waiting.delete(report.id);
      if (report.kind === 'exited') return one.exited.resolve(endOf(report));
      reject(one, systemError(report.errno));
    },
    lose(because) {
      for (const one of waiting.values()) reject(one, new TocsinError('spawner-lost', { given: because }));
      waiting.clear();
    },
    pending: () => last - begun,
    open: () => waiting.size,
    late: patience => [...waiting.values()].some(one => one.since !== null && monotonic() - one.since > patience),
  };
}

function reject(one: Waiting, error: Error) {
  one.began.reject(error);
  one.exited.reject(error);
}

const signalNames = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);

function endOf({ exitCode, signal }: Extract<Report, { kind: 'exited' }>): Awaited<Spawned['exited']> {
  return { exitCode, signal: signal === null ? null : (signalNames.get(signal) ?? 'SIGKILL') };
}

/** An error whose `code` is the system's name of the number, such as ENOENT. */
export function systemError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`the program could not be started: ${code}`), { code });
}
