import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Program, startProgram } from '../e2e/programs.ts';
import { freePort } from './free-port.ts';
import { programPath } from './programs.ts';

/** A MariaDB with throw-away data on a free port of 127.0.0.1, with a user `tocsin` who needs no password and may do everything. */
export interface RealMariadb {
  port: number;
  program: Program;
  /** What a client needs to reach it: for the front of `mariadb` and the like. */
  args: string[];
  /** The same as a file for `--defaults-file`, so that a command runs as a page shows it. */
  defaults: string;
  /** What a statement answers: rows of columns. Throws what the client printed when it fails. */
  ask(statement: string, database?: string): string[][];
  stop(): Promise<void>;
}

/** It refuses to run as root, so root lends it the user that Debian's package made, else nobody. */
function lentUser(): { name: string; uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['mysql', 'nobody']) {
    const [uid = Number.NaN, gid = Number.NaN] = ['-u', '-g'].map(flag => {
      const text = spawnSync('id', [flag, name]).stdout.toString().trim();
      return text === '' ? Number.NaN : Number(text);
    });
    if (uid > 0 && gid > 0) return { name, uid, gid };
  }
  throw new Error('neither mysql nor nobody is a user here');
}

/** `settings` are options of the server without their dashes: `{ 'max-statement-time': '5' }`. */
export async function startMariadb(settings: Readonly<Record<string, string>> = {}): Promise<RealMariadb> {
  const user = lentUser();
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-mariadb-'));
  if (user !== null) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const as = user === null ? [] : [`--user=${user.name}`];
  const made = spawnSync(
    programPath('mariadb-install-db'),
    ['--no-defaults', ...as, `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { cwd: folder, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`mariadb-install-db: ${made.stdout}${made.stderr}`);
  const port = await freePort();
  const all = {
    datadir: data,
    port: `${port}`,
    'bind-address': '127.0.0.1',
    socket: join(folder, 'socket'),
    'pid-file': join(folder, 'pid'),
    'innodb-buffer-pool-size': '16M',
    'innodb-log-file-size': '8M',
    'innodb-flush-log-at-trx-commit': '0',
    ...settings,
  };
  const program = startProgram(
    programPath('mariadbd'),
    ['--no-defaults', ...as, ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)],
    { env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' }, cwd: folder },
  );
  await Promise.race([
    eventually('MariaDB takes connections', () => canConnect(port)),
    program.ended.then(code => Promise.reject(new Error(`mariadbd ended with ${code}:\n${program.output()}`))),
  ]);
  const client = ['--no-defaults', '--host=127.0.0.1', `--port=${port}`, '--protocol=tcp'];
  const run = (args: readonly string[], statement: string) => {
    const ran = spawnSync(programPath('mariadb'), [...args, '--batch', '--skip-column-names', '-e', statement], {
      encoding: 'utf8',
    });
    if (ran.status !== 0) throw new Error(`${statement}: ${ran.stderr}`);
    const lines = ran.stdout.replace(/\n$/, '');
    return lines === '' ? [] : lines.split('\n').map(line => line.split('\t'));
  };
  run(
    ['--no-defaults', `--socket=${all.socket}`, '--user=root'],
    "create user tocsin@'127.0.0.1'; grant all on *.* to tocsin@'127.0.0.1' with grant option; create database t1",
  );
  const args = [...client, '--user=tocsin'];
  return {
    port,
    program,
    args,
    defaults: await writeDefaults(folder, port),
    ask: (statement, database = 't1') => run([...args, `--database=${database}`], statement),
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function canConnect(port: number): Promise<true | null> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'data');
    return true;
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}

async function writeDefaults(folder: string, port: number): Promise<string> {
  const path = join(folder, 'client.cnf');
  await writeFile(path, `[client]\nhost=127.0.0.1\nport=${port}\nprotocol=tcp\nuser=tocsin\n`);
  return path;
}
