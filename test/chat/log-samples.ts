import { sha256 } from '../../src/kernel/canonical.ts';
import { newStep } from '../../src/model/fold.ts';
import type { Run, Step } from '../../src/model/run.ts';
import { sampleRun } from '../contracts/samples.ts';
import type { HostDouble } from '../doubles/chat-host.ts';

/** A run whose step `clean` prints, followed by one that has not begun. */
export function logRun(state: 'running' | 'done'): Run {
  const facts: Partial<Step> = { type: 'script', title: 'Clean up', state, attempts: 1, startedAt: 1 };
  const clean = { ...newStep('clean'), ...facts, finishedAt: state === 'done' ? 2 : null };
  const steps = [clean, { ...newStep('after'), type: 'script', title: 'Look again' }];
  return sampleRun({
    state: state === 'done' ? 'succeeded' : 'running',
    startedAt: 1,
    finishedAt: state === 'done' ? 3 : null,
    steps,
  });
}

/** Lines with the numbers from `from` to `to`, each a chunk of its own. */
export async function printLines(
  double: HostDouble,
  from: number,
  to: number,
  text: (number: number) => string = number => `line ${number}`,
): Promise<void> {
  const rows = Array.from({ length: to - from + 1 }, (_, index) => ({
    table: 'output' as const,
    doc: { run: 'run_1', step: 'clean', attempt: 1, seq: from + index, text: `${text(from + index)}\n`, at: 1 },
  }));
  for (let at = 0; at < rows.length; at += 500) await double.commit({ rows: rows.slice(at, at + 500) });
}

/** Ends the step with a log, which is stored or was deleted since. */
export async function finishStep(double: HostDouble, log: string, { stored = true } = {}): Promise<void> {
  await double.commit({
    entries: [
      {
        stream: 'run/run_1',
        actor: { kind: 'system', id: 'tocsin' },
        at: 2,
        fact: {
          kind: 'step.finished',
          run: 'run_1',
          step: 'clean',
          attempt: 1,
          state: 'done',
          output: null,
          exitCode: 0,
          because: null,
          ending: null,
          log: sha256(log),
        },
      },
    ],
    rows: [{ table: 'run', doc: logRun('done') }],
    blobs: stored ? [{ digest: sha256(log), bytes: log }] : [],
  });
}
