import { streamOf } from '../model/journal.ts';
import type { Run } from '../model/run.ts';
import type { Store } from './store.ts';

type LogStore = Pick<Store, 'stream' | 'blob' | 'output'>;

/** The output of one step. */
export interface StepLog {
  step: string;
  text: string;
  /** True when its output is not stored any more. */
  gone: boolean;
}

/**
 * The output of a run's steps in order, without steps that printed nothing. For a running step it is the chunks so far. For a finished step
 * it is the stored log, which outlives the chunks and has the tail that chunks leave out beyond the bound. Rejects with `journal-broken`
 * when a stored log does not match its digest.
 */
export async function* readLogs(store: LogStore, run: Run, only: string | null): AsyncGenerator<StepLog> {
  const digests = await digestsOf(store, run.id);
  for (const { id: step } of run.steps) {
    if (only !== null && step !== only) continue;
    const live = await readChunks(store, run.id, step);
    const digest = digests.get(step);
    const bytes = digest === undefined ? null : await store.blob(digest);
    const kept = bytes === null ? null : new TextDecoder().decode(bytes);
    // Chunks also have the output of earlier looks of the attempt, so they are used when nothing was left out of them.
    const whole = kept === null || live.last.endsWith(kept);
    const text = live.earlier + (whole ? live.last : kept);
    const gone = text === '' && digest !== undefined;
    if (text !== '' || gone) yield { step, text, gone };
  }
}

/** The digests of stored logs by step, from the `step.finished` entries. */
async function digestsOf(store: LogStore, run: string): Promise<Map<string, string>> {
  const entries = await store.stream(streamOf.run(run));
  return new Map(
    entries.flatMap(({ fact }) =>
      fact.kind === 'step.finished' && fact.log !== null ? [[fact.step, fact.log] as const] : [],
    ),
  );
}

/** The chunks of the last attempt, and those of the attempts before it, as texts. */
async function readChunks(store: LogStore, run: string, step: string): Promise<{ earlier: string; last: string }> {
  const texts = new Map<number, string[]>();
  for (let after = 0; ; ) {
    const chunks = await store.output({ run, step, after, limit: 500 });
    const end = chunks.at(-1);
    if (end === undefined) break;
    for (const { attempt, text } of chunks) {
      const known = texts.get(attempt) ?? [];
      known.push(text);
      texts.set(attempt, known);
    }
    after = end.seq;
  }
  const attempts = [...texts].sort(([a], [b]) => a - b).map(([, parts]) => parts.join(''));
  return { earlier: attempts.slice(0, -1).join(''), last: attempts.at(-1) ?? '' };
}
