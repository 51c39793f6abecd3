import { z } from 'zod';
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

/** The result of a step that ran a program: done for an exit code in `ok`, else failed with the last line that it printed. */
export function judgeExit(ended: Ended, ok: readonly number[]) {
  const { exitCode, stdout, stderr, cut } = ended;
  if (exitCode !== null && ok.includes(exitCode)) {
    return { state: 'done' as const, exitCode, output: { exitCode, stdout, stderr, cut } };
  }
  const how = exitCode === null ? `ended by ${ended.signal ?? 'a signal'}` : `exit code ${exitCode}`;
  return {
    state: 'failed' as const,
    because: `${how}${lastWords(stderr, stdout)}`,
    ...(exitCode === null ? {} : { exitCode }),
    output: { exitCode, stdout, stderr, cut },
  };
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
