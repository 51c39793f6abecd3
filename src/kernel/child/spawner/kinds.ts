import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moduleUrl, packageRoot } from '../../here.ts';
import { findProgram } from '../argv.ts';

/** One way to run a spawn helper. */
export interface HelperKind {
  /** For people: `native`, `perl` or `node`. */
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
 * The kinds of helper that this machine may run, the best first. The compiled one copies no memory to start a program. Perl copies its own,
 * but can do between fork and exec what Node needs two programs for (`npm run bench -- commands`).
 */
export async function helperKinds(parts: {
  path: string;
  deathSignal(): Promise<readonly string[]>;
}): Promise<HelperKind[]> {
  const kinds: HelperKind[] = [];
  const native = await findNative();
  if (native !== null) kinds.push({ name: 'native', argv: [native, String(process.pid)], direct: true });
  const numbers = process.platform === 'linux' ? calls[process.arch] : undefined;
  const perl = numbers === undefined ? null : await findProgram('perl', parts.path, '/').catch(() => null);
  if (perl !== null && numbers !== undefined) {
    const argv = [perl, fileOf('./helper.pl'), process.pid, ...numbers].map(String);
    kinds.push({ name: 'perl', argv, direct: true });
  }
  const front = await parts.deathSignal();
  const argv = [
    ...front,
    process.execPath,
    ...small,
    fileURLToPath(moduleUrl('./helper.ts', import.meta.url)),
    String(process.pid),
  ];
  kinds.push({ name: 'node', argv, direct: false });
  return kinds;
}

/** What scripts/spawner.sh made of helper.c as it is now; null where there was no compiler. */
async function findNative(): Promise<string | null> {
  const source = await readFile(fileOf('./helper.c'));
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const program = join(packageRoot, 'node_modules/.cache/tocsin', `tocsin-spawn-${hash}`);
  return await access(program, constants.X_OK).then(
    () => program,
    () => null,
  );
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
