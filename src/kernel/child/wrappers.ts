import { spawn } from 'node:child_process';
import { TocsinError } from '../errors.ts';
import type { Log } from '../log.ts';
import { findProgram } from './argv.ts';
import { canSetLimitMark, type LimitMark } from './limit-mark.ts';

/** Programs that are put in front of a step's argv. Each is looked up and tried once. */
export interface Wrappers {
  /**
   * `setpriv --pdeathsig KILL --`, so that a child dies when Tocsin is killed; empty where setpriv does not work. The signal is tied to the
   * thread that spawned, so spawning must stay on the main thread. Fork does not pass it on and a change of user (setuid) clears it, so
   * recovery also looks for the marker.
   */
  deathSignal(): Promise<readonly string[]>;
  /** True where the limits that mark a step's processes (limit-mark.ts) can be set. */
  canMark(): boolean;
  /** `prlimit` with these limits; empty where that is not possible. */
  limitMark(mark: LimitMark): Promise<readonly string[]>;
  /** `unshare` into a private PID namespace. Rejects with `isolation-unavailable`. */
  isolation(): Promise<readonly string[]>;
}

export function createWrappers(parts: { log: Log; path: string; platform?: NodeJS.Platform }): Wrappers {
  const tools = { ...parts, platform: parts.platform ?? process.platform };
  let death: Promise<readonly string[]> | null = null;
  let mayMark: boolean | null = null;
  const canMark = () => {
    mayMark ??= canSetLimitMark();
    return mayMark;
  };
  let limit: Promise<readonly string[] | null> | null = null;
  let space: Promise<readonly string[] | null> | null = null;
  return {
    deathSignal() {
      death ??= firstThatWorks(tools, 'setpriv', [['--pdeathsig', 'KILL', '--']]).then(found => found ?? []);
      return death;
    },
    canMark,
    async limitMark(mark) {
      limit ??= canMark() ? firstThatWorks(tools, 'prlimit', [[...limitArgs(mark), '--']]) : Promise.resolve(null);
      const found = await limit;
      return found === null ? [] : [found[0] ?? 'prlimit', ...limitArgs(mark), '--'];
    },
    async isolation() {
      // Root creates the namespace directly. Other users need a user namespace around it, which many machines forbid.
      const inside = ['--pid', '--fork', '--mount-proc', '--kill-child', '--'];
      space ??= firstThatWorks(tools, 'unshare', [inside, ['--user', '--map-current-user', ...inside]]);
      const found = await space;
      if (found === null) throw new TocsinError('isolation-unavailable');
      return found;
    },
  };
}

function limitArgs({ soft, hard }: LimitMark): string[] {
  return [`--rttime=${soft}:${hard}`];
}

async function firstThatWorks(
  parts: { log: Log; path: string; platform: NodeJS.Platform },
  tool: string,
  variants: readonly (readonly string[])[],
): Promise<readonly string[] | null> {
  if (parts.platform !== 'linux') return null;
  const file = await findProgram(tool, parts.path, '/').catch(() => null);
  const test = await findProgram('true', parts.path, '/').catch(() => null);
  if (file !== null && test !== null) {
    for (const variant of variants) {
      if ((await exitCodeOf([file, ...variant, test])) === 0) return [file, ...variant];
    }
  }
  parts.log.info({ tool }, `${tool} is not installed or not permitted`);
  return null;
}

/** Runs a helper program without input or output. Resolves to its exit code; null when it could not be started or a signal ended it. */
export function exitCodeOf(argv: readonly string[]): Promise<number | null> {
  const [file = '', ...args] = argv;
  return new Promise(resolve => {
    const child = spawn(file, args, { stdio: 'ignore', env: {}, cwd: '/' });
    child.on('error', () => resolve(null));
    child.on('exit', code => resolve(code));
  });
}
