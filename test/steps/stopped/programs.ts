import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../real/free-port.ts';

/** Programs of the system are often outside of a user's PATH. */
export const path = [process.env['PATH'] ?? '/usr/bin:/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter);

function find(program: string): string | null {
  for (const folder of path.split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // The next one.
    }
  }
  return null;
}

/** False when one is missing, which is printed. With CI=true that is a failure. */
export function has(...programs: readonly string[]): boolean {
  const missing = programs.filter(program => find(program) === null);
  if (missing.length === 0) return true;
  const reason = `tests of stopped steps did not run: ${missing.join(', ')} not installed; run scripts/setup-test.sh as root`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(reason);
  return false;
}

export const isRoot = process.getuid?.() === 0;

/** Pids of living processes whose arguments hold the text. */
export function pidsWith(text: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(pid => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').includes(text) && isAlive(Number(pid)))
    .map(Number);
}

/** A zombie counts as gone: it can do nothing any more. */
export function isAlive(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== '' && !/\) [ZX] /.test(stat);
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => read(`/proc/${name}/stat`).split(') ').at(-1)?.split(' ')[1] === String(pid))
    .map(Number);
}

export function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

const started: ChildProcess[] = [];

/** Ends what was started here, and nothing else. */
export async function endServers(): Promise<void> {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
}

function run(program: string, args: readonly string[], options: { uid?: number; gid?: number } = {}): string {
  return execFileSync(find(program) ?? program, args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
}

function startServer(program: string, args: readonly string[], options: { uid?: number; gid?: number } = {}) {
  const child = spawn(find(program) ?? program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  return child;
}

export interface Sshd {
  port: number;
  /** The arguments of ssh before the command. */
  ssh: readonly string[];
}

/** A server for the user that runs the tests, on loopback, with keys of its own. */
export async function startSshd(folder: string): Promise<Sshd> {
  mkdirSync(folder, { recursive: true });
  if (isRoot) mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) {
    const file = join(folder, name);
    if (!existsSync(file)) run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  }
  const port = await freePort();
  writeFileSync(join(folder, 'keys'), readFileSync(join(folder, 'user.pub')));
  writeFileSync(join(folder, 'sshd.conf'), sshdConfig(folder, port));
  writeFileSync(
    join(folder, 'ssh.conf'),
    `Host *\nPort ${port}\nUser ${userInfo().username}\nIdentityFile ${folder}/user\nIdentitiesOnly yes\nBatchMode yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n`,
  );
  const child = startServer('sshd', ['-D', '-e', '-f', join(folder, 'sshd.conf')]);
  await saysThat(child, /Server listening on 127\.0\.0\.1/);
  return { port, ssh: ['ssh', '-F', join(folder, 'ssh.conf'), '127.0.0.1'] };
}

export function sshdConfig(folder: string, port: number): string {
  return `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${folder}/host\nPidFile ${folder}/sshd.pid\nAuthorizedKeysFile ${folder}/keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n`;
}

async function saysThat(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', chunk => {
      text = (text + chunk).slice(-20_000);
      if (pattern.test(text)) resolve();
    });
    child.once('exit', code => reject(new Error(`${child.spawnfile} ended with ${code}: ${text}`)));
  });
}

export interface Mariadb {
  socket: string;
  /** Runs statements as root, and gives what they print, tab-separated. */
  ask(statements: string): string;
}

/** A server without a port, with data of its own. */
export async function startMariadb(folder: string): Promise<Mariadb> {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  // It refuses to run as root, and its user must get to the folder.
  const user = isRoot ? userOf('mysql') : {};
  if (isRoot) {
    chmodSync(folder, 0o755);
    chownSync(data, user.uid ?? 0, user.gid ?? 0);
  }
  const install = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'];
  run('mariadb-install-db', install, user);
  const socket = join(data, 'socket');
  const child = startServer(
    'mariadbd',
    ['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', `--pid-file=${data}/pid`],
    user,
  );
  await saysThat(child, /ready for connections/);
  return {
    socket,
    ask: statements => run('mariadb', ['--no-defaults', `--socket=${socket}`, '-u', 'root', '-N', '-e', statements]),
  };
}

function userOf(name: string): { uid?: number; gid?: number } {
  const [uid, gid] = ['-u', '-g'].map(flag => Number(execFileSync('id', [flag, name]).toString()));
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}
