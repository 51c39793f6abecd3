import type { OutputChunk, Store } from '../ports/store.ts';

interface Which {
  run: string;
  step?: string;
  after: number;
}

const batch = 200;

/** The chunks of a run's output in order, read in batches while somebody takes them. */
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

export async function* outputText(store: Store, which: Which): AsyncGenerator<string> {
  for await (const chunk of outputChunks(store, which)) yield chunk.text;
}

export async function* outputLines(store: Store, which: Which): AsyncGenerator<string> {
  for await (const { seq, step, attempt, at, text } of outputChunks(store, which)) {
    yield `${JSON.stringify({ seq, step, attempt, at: new Date(at).toISOString(), text })}\n`;
  }
}
