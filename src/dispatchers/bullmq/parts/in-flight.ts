import { messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';

/** The handlers at work in this process. Two handlers never work on one run at the same time, even if Redis lost the first job. */
export interface InFlight {
  /** Resolves when the handler has ended. For a run already at work it resolves at once; the run is woken again later. Never rejects. */
  answer(run: string, handler: (run: string) => Promise<void>): Promise<void>;
  has(run: string): boolean;
  busy(): number;
  /** Resolves when nothing is at work. */
  idle(): Promise<void>;
}

export function createInFlight(parts: { log: Log; again(run: string): Promise<void> }): InFlight {
  const working = new Set<string>();
  const again = new Set<string>();
  const waiting: (() => void)[] = [];
  return {
    async answer(run, handler) {
      if (working.has(run)) return void again.add(run);
      working.add(run);
      try {
        await handler(run);
      } catch (error) {
        parts.log.error(
          { run, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
          'A wake-up was not answered; the sweeper sends it again',
        );
      }
      working.delete(run);
      if (again.delete(run)) await parts.again(run);
      if (working.size === 0) for (const resolve of waiting.splice(0)) resolve();
    },
    has: run => working.has(run),
    busy: () => working.size,
    async idle() {
      if (working.size > 0) await new Promise<void>(resolve => waiting.push(resolve));
    },
  };
}
