import { z } from 'zod';
import { checkClock } from '../../app/overview/clock.ts';
import { summaryOf, TocsinError } from '../../kernel/errors.ts';
import type { Finding } from '../../ports/check.ts';
import { type Address, parseAddress } from '../../stores/postgres/address.ts';
import { oldestServer } from '../../stores/postgres/migrate.ts';
import { migrations } from '../../stores/postgres/migrations.ts';
import { toOpenFailure } from '../../stores/postgres/opening.ts';
import { createConnect, loadLibrary, type Session } from '../../stores/postgres/session.ts';

const what = 'PostgreSQL at DATABASE_URL';

/** Checks whether a start would accept this database, without changing it. Reports the errors of a start, never the password. */
export async function lookAtPostgres(
  url: string,
  now: () => number,
  known: number = migrations.length,
): Promise<Finding[]> {
  try {
    const address = parseAddress(url);
    return await look(address, now, known).catch(error => {
      throw toOpenFailure(error, address);
    });
  } catch (error) {
    return [findingOf(what, error)];
  }
}

/** An error as a line of the report. */
export function findingOf(subject: string, error: unknown): Finding {
  const because = summaryOf(error, subject);
  if (!(error instanceof TocsinError)) return { what: subject, state: 'bad', because };
  // A start retries; this check does not.
  const remedy = error.code === 'store-unreachable' ? unreachable : error.remedy;
  return { what: subject, state: 'bad', because, remedy };
}

const unreachable = 'See whether the server is up and reachable from here, and that DATABASE_URL names it.';

async function look(address: Address, now: () => number, known: number): Promise<Finding[]> {
  const session = await createConnect(await loadLibrary(), address)();
  try {
    const before = now();
    const found = await readFacts(session);
    const skew = { host: 'the clock of PostgreSQL', ms: Math.round((before + now()) / 2 - found.now) };
    const clock = checkClock([skew]).findings.filter(({ state }) => state !== 'ok');
    const fault = faultOf(found);
    if (fault !== null) return [fault, ...clock];
    return [found.ours ? await lookAtTables(session, found.tables, known) : lookAtOthers(found.tables), ...clock];
  } finally {
    await session.close();
  }
}

const facts = z.object({
  version: z.string(),
  number: z.int(),
  encoding: z.string(),
  standby: z.boolean(),
  may: z.boolean(),
  ours: z.boolean(),
  tables: z.int(),
  /** Milliseconds since the epoch. */
  now: z.number(),
});

async function readFacts(session: Session): Promise<z.infer<typeof facts>> {
  const [answer] = await session.send([
    {
      text: `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_setting('server_encoding') as encoding, pg_is_in_recovery() as standby,
        coalesce(has_schema_privilege(current_schema(), 'create'), false) as may, to_regclass('migration') is not null as ours,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
        (select count(*)::int from pg_tables where schemaname = current_schema()) as tables`,
    },
  ]);
  return facts.parse(answer?.rows[0]);
}

function faultOf({ version, number, encoding, standby, may }: z.infer<typeof facts>): Finding | null {
  const bad = (because: string, remedy: string): Finding => ({ what, state: 'bad', because, remedy });
  if (number < oldestServer) return bad(`it is version ${version}`, 'Upgrade the server to PostgreSQL 14 or later.');
  if (encoding !== 'UTF8')
    return bad(
      `its encoding is ${encoding}, which cannot keep every text`,
      "Make a database with: create database tocsin encoding 'UTF8' template template0.",
    );
  if (standby) return bad('it is a standby', 'Name the primary in DATABASE_URL.');
  if (!may)
    return bad('its user may not make tables', 'Grant create on the schema to the user, or let it own the database.');
  return null;
}

/** Reports on a database of Tocsin: of this version, of an older one, or of a newer one that this version must not use. */
async function lookAtTables(session: Session, tables: number, known: number): Promise<Finding> {
  const [answer] = await session.send([{ text: 'select number, name, breaks from migration order by number' }]);
  const done = z.array(z.object({ number: z.int(), name: z.string(), breaks: z.boolean() })).parse(answer?.rows);
  const newer = done.find(({ number, breaks }) => number > known && breaks);
  if (newer !== undefined)
    throw new TocsinError('store-too-new', { given: `migration ${newer.number}, ${newer.name}` });
  // A start that found the tables of another program stopped at this point.
  if (done.length === 0) return lookAtOthers(tables - 1);
  const waiting = done.length < known;
  return { what: waiting ? `${what}, which the next start brings up to date` : what, state: 'ok' };
}

function lookAtOthers(tables: number): Finding {
  if (tables === 0) return { what: `${what}, which the first start fills`, state: 'ok' };
  return {
    what,
    state: 'warning',
    because: `it has tables of something else (${tables}), and none of Tocsin`,
    remedy: 'Give Tocsin a database of its own, or correct the name in DATABASE_URL.',
  };
}
