import { sha256 } from '../../kernel/canonical.ts';
import type { ChildIo } from '../../kernel/child/child.ts';
import { createOutput, spawnInto } from '../../kernel/output/output.ts';
import type { Secrets } from '../../kernel/redact/redact.ts';
import type { SpawnCommand, SpawnResult } from '../../ports/step.ts';
import type { EngineParts } from './engine-parts.ts';

/** The output of one attempt: live chunks are rows in the store as they come, the whole is a blob at the end. */
export interface StepOutput {
  spawn(command: SpawnCommand, io: Pick<ChildIo, 'marker' | 'signal' | 'onStopped'>): Promise<SpawnResult>;
  say(text: string): void;
  end(): Promise<{ digest: string; bytes: string } | null>;
}

export interface StepOutputParts {
  run: string;
  step: string;
  attempt: number;
  nextSeq(): number;
  /** Guards every chunk: a process that lost the run writes no more of its output. */
  lease: { name: string; token: number };
  hidden: Secrets;
  maxBytes: number;
  parts: EngineParts;
}

/** Milliseconds between TERM and KILL for what a step started. */
const grace = 5000;
/** Bytes of each stream that the next steps read, and that the journal keeps with the result. */
const maxStream = 64 * 1024;

export function createStepOutput(made: StepOutputParts): StepOutput {
  const { parts, run, step, attempt } = made;
  const output = createOutput({
    clock: parts.clock,
    log: parts.log,
    secrets: made.hidden,
    maxBytes: made.maxBytes,
    maxStream,
    async onChunk(text) {
      await parts.store.commit({
        guards: [{ kind: 'lease', ...made.lease }],
        rows: [{ table: 'output', doc: { run, step, attempt, seq: made.nextSeq(), text, at: parts.clock.now() } }],
      });
      parts.outputs.wake(run);
    },
  });
  return {
    spawn: (command, io) => spawnInto(parts.children, output, command, { ...io, grace }),
    say: text => output.say(text),
    async end() {
      const { text } = await output.end();
      return text === '' ? null : { digest: sha256(text), bytes: text };
    },
  };
}
