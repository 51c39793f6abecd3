import { summaryOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** Logs why something that is retried fails: each cause once, until it succeeds. */
export interface OnceLogger {
  failed(error: unknown, more?: object): void;
  well(): void;
}

/** The most causes that are remembered, so that failures that always differ do not fill the memory. */
const most = 64;

/** `again` is the message, logged with `facts`. An error without a code is a fault in Tocsin, so it is logged with its stack. */
export function createOnceLogger(log: Log, facts: object, again: string): OnceLogger {
  const logged = new Set<string>();
  return {
    failed(error, more = {}) {
      const isKnown = error instanceof TocsinError;
      // One outage gives many system messages: a connection is reset, then refused, then the server starts. Our own message is the same.
      const cause = isKnown ? `${error.code}: ${error.message}` : summaryOf(error);
      if (logged.has(cause)) return;
      if (logged.size >= most) logged.clear();
      logged.add(cause);
      if (isKnown) log.warn({ ...facts, ...more, because: summaryOf(error), remedy: error.remedy }, again);
      else log.error({ ...facts, ...more, err: error }, again);
    },
    well() {
      logged.clear();
    },
  };
}
