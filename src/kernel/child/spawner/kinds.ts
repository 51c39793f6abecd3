import { fileURLToPath } from 'node:url';
import { findProgram } from '../argv.ts';

/** One way to run a spawn helper. */
export interface HelperKind {
  /** For people, such as `perl`. */
  name: string;
  argv: readonly string[];
  /** True when it ties each program to itself and sets the mark of the step; else that is for programs in front of it. */
  direct: boolean;
}

/** Numbers of the system calls prctl, prlimit64 and signalfd4 (asm/unistd.h of Linux), by the machine as Node names it. */
const calls: Readonly<Record<string, readonly number[]>> = {
  x64: [157, 302, 289],
  arm64: [167, 261, 74],
  riscv64: [167, 261, 74],
};

/** V8 with the least that runs: what a helper forks is what it has in memory. */
const small = ['--max-old-space-size=64', '--max-semi-space-size=1', '--v8-pool-size=0'];

/**
 * The kinds of helper that this machine may run, the best first. Perl starts a program in a quarter of the time, because its child can do
 * between fork and exec what Node needs two programs for (`npm run bench -- commands`).
 */
export async function helperKinds(parts: {
  path: string;
  deathSignal(): Promise<readonly string[]>;
}): Promise<HelperKind[]> {
  const kinds: HelperKind[] = [];
  const numbers = process.platform === 'linux' ? calls[process.arch] : undefined;
  const perl = numbers === undefined ? null : await findProgram('perl', parts.path, '/').catch(() => null);
  if (perl !== null && numbers !== undefined) {
    const argv = [perl, fileOf('./helper.pl'), process.pid, ...numbers].map(String);
    kinds.push({ name: 'perl', argv, direct: true });
  }
  const front = await parts.deathSignal();
  const argv = [...front, process.execPath, ...small, fileOf('./helper.ts'), String(process.pid)];
  kinds.push({ name: 'node', argv, direct: false });
  return kinds;
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
