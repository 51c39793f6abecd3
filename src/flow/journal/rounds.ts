import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { createOnceLogger } from './log-once.ts';

/**
 * Does a round again and again, `every` milliseconds apart, until it is stopped. A round that fails is logged with `again`, once for each
 * cause, and the next one is done all the same. `stop` resolves when no round runs any more.
 */
export function startRounds(
  round: () => Promise<void>,
  { clock, log, every, again }: { clock: Pick<Clock, 'sleep'>; log: Log; every: number; again: string },
): { stop(): Promise<void> } {
  const end = new AbortController();
  const onceLogger = createOnceLogger(log, {}, again);
  const loop = async () => {
    while (!end.signal.aborted) {
      await clock.sleep(every, end.signal);
      await round().then(onceLogger.well, error => onceLogger.failed(error));
    }
  };
  const ended = loop().catch(() => {});
  return {
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
    },
  };
}
