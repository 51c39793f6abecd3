import { z } from 'zod';
import { runsProgram } from '../far/far.ts';
import { cutText, stripAnsi, visibleLine } from '../text.ts';

/** The result of a program, as the next steps read it. */
export const programOutput = z.object({
  exitCode: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  /** Bytes that were left out of stdout and stderr together. */
  cut: z.int(),
});
export type ProgramOutput = z.infer<typeof programOutput>;

export const okExit = z
  .array(z.int().min(0).max(255))
  .min(1)
  .default([0])
  .meta({ description: 'Exit codes that count as success; 0 when left out.' });

interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  cut: number;
}

/**
 * The result of a step that ran a program: done for an exit code in `ok`, else failed with the last line that it printed. With the argv it
 * also says what an exit code means that ssh gives without a word.
 */
export function judgeExit(ended: Ended, ok: readonly number[], argv: readonly string[] = []) {
  const { exitCode, stdout, stderr, cut } = ended;
  if (exitCode !== null && ok.includes(exitCode)) {
    return { state: 'done' as const, exitCode, output: { exitCode, stdout, stderr, cut } };
  }
  return {
    state: 'failed' as const,
    because: `${howItEnded(ended, argv)}${lastWords(stderr, stdout)}`,
    ...(exitCode === null ? {} : { exitCode }),
    output: { exitCode, stdout, stderr, cut },
  };
}

/** `exit code 3`, `ended by SIGTERM`. ssh(1) ends with 255 for its own errors, which it prints, and when the remote command was killed. */
export function howItEnded(ended: Pick<Ended, 'exitCode' | 'signal' | 'stderr'>, argv: readonly string[]): string {
  if (ended.exitCode === null) return `ended by ${ended.signal ?? 'a signal'}`;
  const isSilent = ended.exitCode === 255 && ended.stderr.trim() === '' && runsProgram(argv, 'ssh');
  const meaning = isSilent ? ' (ssh: the remote command was killed by a signal or the connection broke)' : '';
  return `exit code ${ended.exitCode}${meaning}`;
}

function lastWords(...texts: readonly string[]): string {
  for (const text of texts) {
    const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
    if (line !== '') return `: ${cutText(visibleLine(stripAnsi(line)), 200)}`;
  }
  return '';
}

/** The result of a dry run. */
export const nothingRan: ProgramOutput = { exitCode: 0, stdout: '', stderr: '', cut: 0 };

/** Environment variables with the values of the named secrets. Rejects as `secret` does. */
export async function secretVariables(
  names: Readonly<Record<string, string>>,
  secret: (name: string) => Promise<string>,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [variable, name] of Object.entries(names)) env[variable] = await secret(name);
  return env;
}
