import { summaryOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** Says why something fails that is tried again and again: each cause once, until it went well. */
export interface OnceLogger {
  failed(error: unknown, more?: object): void;
  well(): void;
}

/** Whoever's failures differ each time is not to fill the memory. */
const most = 64;

/** `again` is logged with `facts`. What has no code is a fault of ours, so its stack comes with it. */
export function createOnceLogger(log: Log, facts: object, again: string): OnceLogger {
  const told = new Set<string>();
  return {
    failed(error, more = {}) {
      const isKnown = error instanceof TocsinError;
      // One outage has many texts of the system: a connection is reset, then refused, then the server starts. Our words for it are one.
      const cause = isKnown ? `${error.code}: ${error.message}` : summaryOf(error);
      if (told.has(cause)) return;
      if (told.size >= most) told.clear();
      told.add(cause);
      if (isKnown) log.warn({ ...facts, ...more, because: summaryOf(error), remedy: error.remedy }, again);
      else log.error({ ...facts, ...more, err: error }, again);
    },
    well() {
      told.clear();
    },
  };
}
