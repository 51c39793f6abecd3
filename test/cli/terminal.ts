import { runCli } from '../../src/cli/index.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

/** Runs one command line in this process, with an environment and a folder of its own. */
export async function cli(
  argv: readonly string[],
  options: Partial<Pick<Terminal, 'env' | 'cwd' | 'signal'>> & { onErr?: (text: string) => void } = {},
): Promise<CliResult> {
  const { onErr, ...rest } = options;
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(
    argv,
    {
      out: text => void out.push(text),
      err(text) {
        err.push(text);
        onErr?.(text);
      },
      env: {},
      cwd: '/nonexistent',
      interactive: false,
      signal: new AbortController().signal,
      ...rest,
    },
    '1.2.3',
  );
  return { code, out: out.join('\n'), err: err.join('\n') };
}
