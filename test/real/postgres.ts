import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.ts';

/** A PostgreSQL with throw-away data on a free port of 127.0.0.1. */
export interface Postgres {
  port: number;
  /** The folder of its programs: psql, pg_dump ... */
  programs: string;
  /** The process id of the postmaster. */
  pid(): number;
  /** Makes an empty database and gives its address. */
  database(): Promise<string>;
  /** The address of a database by its name. */
  address(name: string): string;
  /** Runs one statement in a database; the last column of each row comes first. */
  ask(statement: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Stops it as `pg_ctl -m` would: fast ends the sessions in order, immediate is a crash. */
  halt(mode: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again with the same data and port. */
  resume(): Promise<void>;
  /** Ends it and removes its data. */
  destroy(): Promise<void>;
}

/** Debian keeps the programs of each version in a folder of its own; the newest is taken. */
export function findPostgres(): string | null {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const folders = versions.sort((a, b) => Number(b) - Number(a)).map(version => `/usr/lib/postgresql/${version}/bin`);
  const path = (process.env['PATH'] ?? '').split(':');
  return (
    [...folders, ...path].find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl'))) ??
    null
  );
}

/** Null when there is one, else why the suites did not run, which is printed. With CI=true it is a failure. */
export function missingPostgres(): string | null {
  if (findPostgres() !== null) return null;
  const reason = 'the suites of PostgreSQL did not run: it is not installed; run scripts/setup-test.sh as root';
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(reason);
  return reason;
}

/** It refuses to run as root, so root lends it the user that Debian's package made, else nobody. */
function lentUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map(flag => Number(spawnSync('id', [flag, name]).stdout.toString() || Number.NaN));
    if (uid !== undefined && gid !== undefined && uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error('neither postgres nor nobody is a user here');
}

/** `primary` makes it a standby of the server on that port. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  { primary }: { primary?: number } = {},
): Promise<Postgres> {
  const programs = findPostgres();
  if (programs === null) throw new Error('PostgreSQL is not installed');
  const user = lentUser();
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-postgres-'));
  if (user !== null) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const run = async (program: string, args: readonly string[]) => {
    const child = spawn(join(programs, program), args, {
      ...(user ?? {}),
      cwd: folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
      // A server that kept our pipes open would keep us waiting for ever.
      stdio: ['ignore', 'ignore', program === 'pg_ctl' ? 'ignore' : 'inherit'],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${program} ended with ${code}`);
  };
  const options = { listen_addresses: '127.0.0.1', port: `${port}`, unix_socket_directories: folder, ...settings };
  const words = Object.entries(options).map(([name, value]) => `-c ${name}='${value}'`);
  const start = () => run('pg_ctl', ['start', '-w', '-D', data, '-l', join(folder, 'log'), '-o', words.join(' ')]);
  const halt = (mode: string) => run('pg_ctl', ['stop', '-w', '-D', data, '-m', mode]);
  if (primary === undefined) {
    await run('initdb', [
      '-D',
      data,
      '-U',
      'tocsin',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
      '--no-instructions',
    ]);
  } else {
    const copied = ['-h', '127.0.0.1', '-p', `${primary}`, '-U', 'tocsin', '-D', data];
    await run('pg_basebackup', [...copied, '--write-recovery-conf', '--checkpoint=fast', '--no-sync']);
  }
  await start();

  const address = (name: string) => `postgres://tocsin@127.0.0.1:${port}/${name}`;
  let running = true;
  let made = 0;
  const ask = async (statement: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: address(database) });
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    port,
    programs,
    pid: () => Number(spawnSync('head', ['-1', join(data, 'postmaster.pid')]).stdout.toString()),
    address,
    ask,
    async database() {
      made += 1;
      const name = `t${made}`;
      await ask(`create database ${name}`);
      return address(name);
    },
    async halt(mode) {
      await halt(mode);
      running = false;
    },
    async resume() {
      await start();
      running = true;
    },
    async destroy() {
      if (running) await halt('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
