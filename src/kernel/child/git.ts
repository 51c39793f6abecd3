import { execFile } from 'node:child_process';

/** The time-out of one question to git, milliseconds. */
const timeout = 10_000;

const objectId = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** What a clone says; `unknown` with what git said, on one line. */
export type GitAnswer = { is: 'yes' } | { is: 'no' } | { is: 'unknown'; because: string };

export interface GitParts {
  /** Where git is looked for: the value of PATH. */
  path: string;
}

/** Whether the clone has this commit. Nothing is fetched, and the clone is not changed. */
export async function hasCommit(clone: string, sha: string, parts: GitParts): Promise<GitAnswer> {
  if (!objectId.test(sha)) return { is: 'unknown', because: 'this is no full id of a commit' };
  return await ask(clone, ['cat-file', '-e', `${sha}^{commit}`], parts, [1, 128]);
}

/** Whether `sha` is `ancestor`, or comes after it. Both are full ids of commits that the clone has. */
export async function isAncestor(clone: string, ancestor: string, sha: string, parts: GitParts): Promise<GitAnswer> {
  if (!objectId.test(ancestor) || !objectId.test(sha))
    return { is: 'unknown', because: 'this is no full id of a commit' };
  return await ask(clone, ['merge-base', '--is-ancestor', ancestor, sha], parts, [1]);
}

/** Whether the clone has all of its history: of a shallow one, nothing can be said about what came before. */
export async function isWhole(clone: string, parts: GitParts): Promise<GitAnswer> {
  const answer = await run(clone, ['rev-parse', '--is-shallow-repository'], parts);
  if (answer.code !== 0) return { is: 'unknown', because: answer.said };
  return answer.printed === 'false' ? { is: 'yes' } : { is: 'unknown', because: 'it is a shallow clone' };
}

async function ask(clone: string, args: string[], parts: GitParts, no: readonly number[]): Promise<GitAnswer> {
  const { code, said } = await run(clone, args, parts);
  if (code === 0) return { is: 'yes' };
  // 128 is also what git says when the folder is no clone, so its words decide.
  if (no.includes(code) && !/^fatal: (?!not a valid object name)/i.test(said)) return { is: 'no' };
  return { is: 'unknown', because: said };
}

interface Ran {
  /** -1 when it did not run, or did not end in time. */
  code: number;
  printed: string;
  /** The first line of its error output. */
  said: string;
}

function run(clone: string, args: string[], { path }: GitParts): Promise<Ran> {
  // A clone may be anybody's: git reads no settings but the clone's own, asks nobody, fetches nothing and takes no locks.
  const env = {
    PATH: path,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_CEILING_DIRECTORIES: clone,
  };
  const options = { env, timeout, killSignal: 'SIGKILL', maxBuffer: 64 * 1024, windowsHide: true } as const;
  return new Promise(resolve => {
    // Whoever wrote known-bad.yaml named the folder, so it may belong to another user.
    execFile('git', ['-c', 'safe.directory=*', '-C', clone, ...args], options, (error, stdout, stderr) => {
      const printed = stdout.trim();
      if (error === null) return resolve({ code: 0, printed, said: '' });
      const late = error.killed === true;
      const said = late ? `git did not answer within ${timeout / 1000} s` : lineOf(stderr) || 'git cannot be run';
      const code = !late && typeof error.code === 'number' ? error.code : -1;
      resolve({ code, printed, said: code > 0 ? lineOf(stderr) : said });
    });
  });
}

function lineOf(text: string): string {
  return (text.split('\n').find(line => line.trim() !== '') ?? '').replace(/\p{C}/gu, ' ').trim().slice(0, 200);
}
