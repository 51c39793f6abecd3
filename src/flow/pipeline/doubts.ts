import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';

/** Logs the triggers whose conditions cannot be evaluated: each runbook and reason at most once a minute. */
export interface Doubts {
  note(runbook: string, because: string): void;
}

/** Milliseconds. */
const quiet = 60_000;

/** The most lines of a minute: reasons may hold texts of events, and a storm must not fill the log or the memory. */
const most = 64;

export function createDoubts({ clock, log }: { clock: Clock; log: Log }): Doubts {
  const said = new Map<string, number>();
  return {
    note(runbook, because) {
      const now = clock.now();
      for (const [key, at] of said) if (now - at >= quiet) said.delete(key);
      const key = `${runbook}\n${because}`;
      if (said.has(key) || said.size >= most) return;
      said.set(key, now);
      log.warn({ runbook, because }, 'the condition of a trigger could not be evaluated, so that it does not hold');
    },
  };
}
