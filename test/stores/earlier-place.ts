import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { Store } from '../../src/ports/store.ts';
import postgres from '../../src/stores/postgres/index.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import type { Files } from '../doubles/app.ts';
import type { Postgres } from '../real/postgres.ts';

const run = promisify(execFile);

/** A copy of what an earlier build left in one store. */
export interface EarlierPlace {
  /** Holds the data folder; the configuration is put beside it. */
  folder: string;
  /** What finds the store, for the app and the command line. */
  env: Record<string, string>;
  open(): Promise<Store>;
  /** Changes one byte in the stored bytes of an entry. */
  damage(seq: number): Promise<void>;
  remove(): Promise<void>;
}

const builds = join(import.meta.dirname, '../fixtures/builds');
export const buildNames = readdirSync(builds);
export const pathOf = (build: string, file: string) => join(builds, build, file);

/** The configuration that the build ran with. */
export function filesOf(build: string): Files {
  const paths = readdirSync(pathOf(build, 'files'), { recursive: true, encoding: 'utf8' });
  const texts = paths.filter(path => /\.\w+$/.test(path));
  return Object.fromEntries(texts.map(path => [path, readFileSync(pathOf(build, `files/${path}`), 'utf8')]));
}

/** Every entry says its version once. */
const oneByte = `update journal set bytes = replace(bytes, '"v":1,', '"v":7,') where seq = `;

export async function earlierSqlite(build: string): Promise<EarlierPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-earlier-'));
  const data = join(folder, 'data');
  await mkdir(data);
  await cp(pathOf(build, 'sqlite/seal.key'), join(data, 'seal.key'));
  await writeFile(join(data, 'tocsin.db'), gunzipSync(await readFile(pathOf(build, 'sqlite/tocsin.db.gz'))));
  return {
    folder,
    env: {},
    open: () => sqlite.open({ folder: data, url: null, now: Date.now }),
    async damage(seq) {
      const db = new DatabaseSync(join(data, 'tocsin.db'));
      db.exec(oneByte + seq);
      db.close();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function earlierPostgres(build: string, server: Postgres): Promise<EarlierPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-earlier-'));
  const url = await server.database();
  const words = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${pathOf(build, 'postgres.sql')}`, url];
  await run(join(server.programs, 'psql'), words);
  return {
    folder,
    env: { DATABASE_URL: url },
    open: () => postgres.open({ folder: '', url, now: Date.now }),
    damage: async seq => void (await server.ask(oneByte + seq, new URL(url).pathname.slice(1))),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
