import type { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Store } from '../../ports/store.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, tables } from './query.ts';
import type { Writer } from './writer.ts';

const size = 64;

export type LeaseRows = ReturnType<typeof prepareLeases>;

/** The rows of leases, for those who change them inside a transaction. */
export function prepareLeases(db: DatabaseSync, now: () => number) {
  const find = prepare<{ name: string }>(db)(v => tables.selectFrom('lease').selectAll().where('name', '=', v.name));
  const put = prepare<{ name: string; holder: string; token: number; until: number }>(db)(v =>
    tables.replaceInto('lease').values({ name: v.name, holder: v.holder, token: v.token, until: v.until }),
  );
  const free = prepare<{ name: string; token: number }>(db)(v =>
    tables.updateTable('lease').set({ holder: null }).where('name', '=', v.name).where('token', '=', v.token),
  );
  const read = (name: string) => find.first({ name: toColumn(name) });

  return {
    find: read,
    /** The token that the holder would get; null while another has it. */
    next(lease: { name: string; holder: string }): number | null {
      const held = read(lease.name);
      const taken =
        held != null && held.holder !== null && held.holder !== toColumn(lease.holder) && held.until > now();
      return taken ? null : (held?.token ?? 0) + 1;
    },
    take(lease: { name: string; holder: string; token: number; ttl: number }): void {
      put.run({ ...columns(lease), token: lease.token, until: now() + lease.ttl });
    },
    /** Frees what this token holds. */
    free(lease: { name: string; token: number }): void {
      free.run({ name: toColumn(lease.name), token: lease.token });
    },
  };
}

/** Leases, timed by this process's clock. The row of a name is never deleted, so its fencing tokens only rise. */
export function createLeases(
  db: DatabaseSync,
  writer: Writer,
  rows: LeaseRows,
  now: () => number,
): Pick<Store, 'acquire' | 'renew' | 'release' | 'holders'> {
  const held = prepare<{ names: string; now: number }>(db)(v =>
    tables
      .selectFrom('lease')
      .select(['name', 'holder'])
      .where('name', 'in', sql<string>`(select value from json_each(${v.names}))`)
      .where('until', '>', v.now),
  );
  const prolong = prepare<{ name: string; holder: string; token: number; until: number }>(db)(v =>
    tables
      .updateTable('lease')
      .set({ until: v.until })
      .where('name', '=', v.name)
      .where('holder', '=', v.holder)
      .where('token', '=', v.token),
  );
  return {
    acquire: lease =>
      writer.write(() => {
        const token = rows.next(lease);
        if (token !== null) rows.take({ ...lease, token });
        return token;
      }, size),
    renew: lease =>
      writer.write(() => prolong.run({ ...columns(lease), token: lease.token, until: now() + lease.ttl }) === 1, size),
    release: lease =>
      writer.write(() => {
        if (rows.find(lease.name)?.holder === toColumn(lease.holder)) rows.free(lease);
      }, size),
    async holders(names) {
      const rows = held.all({ names: JSON.stringify(names.map(toColumn)), now: now() });
      return rows.flatMap(({ name, holder }) => (holder === null ? [] : [{ name, holder }]));
    },
  };
}

/** Frees all leases. One process owns the database, so earlier holders are dead. Fencing tokens go on rising. */
export function freeAllLeases(db: DatabaseSync): void {
  prepare(db)(() => tables.updateTable('lease').set({ holder: null }).where('holder', 'is not', null)).run({});
}

function columns(lease: { name: string; holder: string }) {
  return { name: toColumn(lease.name), holder: toColumn(lease.holder) };
}
