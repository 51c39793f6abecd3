import type { Terminal } from './terminal.ts';

/** How far long work is, in one line that is written over; nothing where no person reads it. */
export interface Progress {
  at(done: number): void;
  /** Clears the line, so that what is told next stands alone. */
  done(): void;
}

/** Milliseconds between two lines. */
const pause = 250;

const count = (number: number) => number.toLocaleString('en-GB');

/** `total` is how many there are; null when that is not known. `unit` is what is counted, or `bytes`, of which only the share is told. */
export function createProgress(
  { interactive, status }: Pick<Terminal, 'interactive' | 'status'>,
  what: string,
  { total, unit }: { total: number | null; unit: string },
  now: () => number = Date.now,
): Progress {
  if (!interactive || status === undefined) return { at() {}, done() {} };
  let told = now();
  let shown = false;
  return {
    at(done) {
      if (now() - told < pause) return;
      told = now();
      shown = true;
      const share = total === null || total === 0 ? '' : `${Math.min(100, Math.floor((100 * done) / total))} %`;
      const counted = unit === 'bytes' ? '' : `${count(done)}${total === null ? '' : ` of ${count(total)}`} ${unit}`;
      status(`${what}: ${[counted, share].filter(text => text !== '').join(', ')}`);
    },
    done() {
      if (shown) status('');
      shown = false;
    },
  };
}

/** The same lines, counted as they go by. */
export async function* counted<T extends { seq: number }>(
  lines: AsyncIterable<T>,
  terminal: Pick<Terminal, 'interactive' | 'status'>,
  what: string,
): AsyncGenerator<T> {
  const progress = createProgress(terminal, what, { total: null, unit: 'entries' });
  try {
    for await (const line of lines) {
      progress.at(line.seq);
      yield line;
    }
  } finally {
    progress.done();
  }
}
