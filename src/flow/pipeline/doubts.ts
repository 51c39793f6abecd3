import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { createMinuteLimit } from '../../kernel/minute-limit.ts';

/** Logs the triggers whose conditions cannot be evaluated: each runbook and reason at most once a minute. */
export interface Doubts {
  note(runbook: string, because: string): void;
}

/** The most lines of a minute: reasons may hold texts of events, and a storm must not fill the log or the memory. */
const most = 64;

export function createDoubts({ clock, log }: { clock: Clock; log: Log }): Doubts {
  const mayLog = createMinuteLimit(clock, most);
  return {
    note(runbook, because) {
      if (mayLog(`${runbook}\n${because}`))
        log.warn({ runbook, because }, 'the condition of a trigger could not be evaluated, so that it does not hold');
    },
  };
}
