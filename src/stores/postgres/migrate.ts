import { TocsinError } from '../../kernel/errors.ts';
import type { Migration } from '../sql/migration.ts';
import { migrations } from './migrations.ts';
import type { Session, Statement } from './session.ts';

/**
 * Advisory locks show which processes are connected; they end with their session. (lockSpace, 0) is held exclusively to migrate, and shared
 * for a moment by each process that enters. (lockSpace, n) is shared by the processes that know the migrations up to n.
 */
const lockSpace = 0x746f6373;

export const oldestServer = 140_000;

/** A migration that was applied to the database. */
interface Done {
  number: number;
  name: string;
  breaks: boolean;
}

/**
 * Applies the missing migrations. Of nodes that start together, one applies them and the others wait. Throws `store-too-old` for a server
 * before version 14, `store-too-new` when a newer Tocsin changed the database so that this one must not use it, and `store-in-use` when a
 * migration would break connected processes of an older Tocsin.
 */
export async function migrate(session: Session, known: readonly Migration[] = migrations): Promise<void> {
  await checkServer(session);
  await session.send([{ text: `select pg_advisory_lock(${lockSpace}, 0)` }]);
  try {
    const isNew = !(await hasTable(session));
    const done = isNew ? [] : await readDone(session);
    refuseNewer(done, known);
    const applied = new Set(done.map(({ number }) => number));
    for (const [index, migration] of known.entries())
      if (!applied.has(migration.number)) await apply(session, migration, isNew && index === 0 ? [makeTable] : []);
  } finally {
    await session.send([{ text: `select pg_advisory_unlock(${lockSpace}, 0)` }]);
  }
}

/** Registers this process. Throws `store-too-new` when a newer Tocsin changed the database meanwhile. For every connection that writes. */
export async function enter(session: Session, known: readonly Migration[] = migrations): Promise<void> {
  await session.send([
    { text: `select pg_advisory_lock_shared(${lockSpace}, 0)` },
    { text: `select pg_advisory_lock_shared(${lockSpace}, ${known.length})` },
  ]);
  try {
    refuseNewer(await readDone(session), known);
  } finally {
    await session.send([{ text: `select pg_advisory_unlock_shared(${lockSpace}, 0)` }]);
  }
}

/** Sent in the transaction of the first migration, so that a database that refuses it is left unchanged. */
const makeTable: Statement = {
  text: 'create table migration (number integer primary key, name text not null, breaks boolean not null, at bigint not null)',
};

async function hasTable(session: Session): Promise<boolean> {
  const [answer] = await session.send([{ text: `select to_regclass('migration') is not null as found` }]);
  return answer?.rows[0]?.found === true;
}

async function readDone(session: Session): Promise<Done[]> {
  const [answer] = await session.send([{ text: 'select number, name, breaks from migration order by number' }]);
  return answer?.rows ?? [];
}

function refuseNewer(done: readonly Done[], known: readonly Migration[]): void {
  const unknown = done.find(({ number, breaks }) => number > known.length && breaks);
  if (unknown === undefined) return;
  throw new TocsinError('store-too-new', {
    allowed: `migrations up to ${known.length}`,
    given: `migration ${unknown.number}, ${unknown.name}`,
  });
}

async function apply(session: Session, migration: Migration, first: readonly Statement[]): Promise<void> {
  if (migration.breaks) await refuseWhileOlder(session, migration);
  // Statements that are sent together without parameters are one transaction anyway; begin and commit make it explicit.
  await session.send([
    { text: 'begin' },
    ...first,
    { text: migration.up },
    {
      text: `insert into migration values ($1, $2, $3, (extract(epoch from clock_timestamp()) * 1000)::bigint)`,
      values: [migration.number, migration.name, migration.breaks],
    },
    { text: 'commit' },
  ]);
}

async function refuseWhileOlder(session: Session, migration: Migration): Promise<void> {
  const [answer] = await session.send([
    {
      text: `select count(distinct pid)::int as count from pg_locks where locktype = 'advisory' and objsubid = 2 and granted
        and database = (select oid from pg_database where datname = current_database())
        and classid = $1 and objid > 0 and objid < $2`,
      values: [lockSpace, migration.number],
    },
  ]);
  const older = answer?.rows[0]?.count ?? 0;
  if (older === 0) return;
  throw new TocsinError('store-in-use', {
    message: `Migration ${migration.number}, ${migration.name}, would break processes of an older Tocsin that are connected.`,
    allowed: 'no older process',
    given: `${older} of them`,
  });
}

async function checkServer(session: Session): Promise<void> {
  const [answer] = await session.send([
    {
      text: `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby`,
    },
  ]);
  const facts = answer?.rows[0];
  if (facts.number < oldestServer)
    throw new TocsinError('store-too-old', {
      message: 'The PostgreSQL server is too old.',
      allowed: 'PostgreSQL 14 or later',
      given: facts.version,
      remedy: 'Upgrade the server.',
    });
  if (facts.encoding !== 'UTF8')
    throw new TocsinError('store-refused', {
      message: 'The database cannot keep every text.',
      allowed: 'encoding UTF8',
      given: facts.encoding,
      remedy: "Make one with: create database tocsin encoding 'UTF8' template template0.",
    });
  if (facts.standby)
    throw new TocsinError('store-unreachable', {
      message: 'The server is a standby, which takes no writes.',
      remedy: 'Let DATABASE_URL name the primary; nothing is needed when this one is about to take over.',
    });
}
