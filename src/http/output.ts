import type { Run } from '../model/run.ts';
import { readLogs } from '../ports/step-log.ts';
import type { OutputChunk, Store } from '../ports/store.ts';

interface Which {
  run: string;
  step?: string;
  after: number;
}

const batch = 200;

/** The chunks of a run's output in order, read in batches as they are consumed. */
export async function* outputChunks(store: Store, which: Which): AsyncGenerator<OutputChunk> {
  let after = which.after;
  for (;;) {
    const chunks = await store.output({ ...which, after, limit: batch });
    yield* chunks;
    const last = chunks.at(-1);
    if (last === undefined || chunks.length < batch) return;
    after = last.seq;
  }
}

/** With a first chunk, the chunks from there on; else the whole logs, which are kept longer. */
export async function* outputText(store: Store, run: Run, which: Which): AsyncGenerator<string> {
  if (which.after > 0) for await (const chunk of outputChunks(store, which)) yield chunk.text;
  else for await (const log of readLogs(store, run, which.step ?? null)) yield log.text;
}

export async function* outputLines(store: Store, which: Which): AsyncGenerator<string> {
  for await (const { seq, step, attempt, at, text } of outputChunks(store, which)) {
    yield `${JSON.stringify({ seq, step, attempt, at: new Date(at).toISOString(), text })}\n`;
  }
}
