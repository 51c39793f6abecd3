/**
 * Writes test/fixtures/builds/<name>: the contents of both stores after a small history of this checkout, which later builds must read
 * (test/stores/earlier-builds.test.ts). `node scripts/make-fixtures.ts <name>`, where name is the commit; needs PostgreSQL.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { cli } from '../test/cli/terminal.ts';
import { type Postgres, startPostgres } from '../test/real/postgres.ts';
import { files } from './make-fixtures/files.ts';
import { live } from './make-fixtures/history.ts';

const run = promisify(execFile);
const name = process.argv[2] ?? '';
if (!/^[0-9a-z.-]+$/.test(name)) throw new Error('usage: node scripts/make-fixtures.ts <name of the build>');
const target = join(import.meta.dirname, '../test/fixtures/builds', name);
// An existing fixture is never made again, because it must be what the earlier build wrote.
await mkdir(target);
const scratch = await mkdtemp(join(tmpdir(), 'tocsin-fixtures-'));
const server = await startPostgres();
try {
  for (const [path, text] of Object.entries(files)) await write(`files/${path}`, text);
  await makeSqlite(join(scratch, 'sqlite'));
  await makePostgres(join(scratch, 'postgres'), server);
  await write('README.md', await about(server));
} finally {
  await server.destroy();
  await rm(scratch, { recursive: true });
}

async function write(path: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(target, path)), { recursive: true });
  await writeFile(join(target, path), bytes);
}

async function makeSqlite(folder: string): Promise<void> {
  await live(folder, {});
  const data = join(folder, 'data');
  await audit(data, 'export', '--out', join(target, 'journal.ndjson'));
  await write('checkpoint', `${await audit(data, 'verify')}\n`);
  await write('sqlite/tocsin.db.gz', gzipSync(await readFile(join(data, 'tocsin.db')), { level: 9 }));
  await write('sqlite/seal.key', await readFile(join(data, 'seal.key')));
}

async function audit(data: string, ...words: string[]): Promise<string> {
  // Nothing answers on port 1, so that the folder is read.
  const { code, out, err } = await cli(['audit', ...words], {
    env: { TOCSIN_DATA: data, TOCSIN_LISTEN: '127.0.0.1:1' },
    cwd: scratch,
  });
  if (code !== 0) throw new Error(err);
  return out;
}

async function makePostgres(folder: string, { database, programs }: Postgres): Promise<void> {
  const url = await database();
  await live(folder, { DATABASE_URL: url });
  const words = ['--no-owner', '--no-privileges', url];
  const { stdout } = await run(join(programs, 'pg_dump'), words, { maxBuffer: 64 * 1024 * 1024 });
  // \restrict is known only to the psql of the newest minor releases, and makes every dump different.
  await write('postgres.sql', stdout.replaceAll(/^\\(un)?restrict .*\n/gm, ''));
}

async function about({ ask }: Postgres): Promise<string> {
  const [row] = await ask("select current_setting('server_version') as version");
  const { node, sqlite } = process.versions;
  return `Build ${name} wrote these files with Node ${node}, SQLite ${sqlite} and PostgreSQL ${row?.['version']} by \`node scripts/make-fixtures.ts ${name}\`.
\`files/\` is the configuration, \`sqlite/\` the data folder after a stop in order, \`postgres.sql\` a pg_dump of the same kind of history; \`journal.ndjson\` and \`checkpoint\` are what \`tocsin audit\` said of the data folder.
They are never made again: test/stores/earlier-builds.test.ts holds every later build to reading them.
`;
}
