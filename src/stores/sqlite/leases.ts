import type { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Store } from '../../ports/store.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, tables } from './query.ts';
import type { Writer } from './writer.ts';

const size = 64;

/** Leases by this process's clock. A name keeps its row for ever, so that its tokens only rise. */
export function createLeases(
  db: DatabaseSync,
  writer: Writer,
  now: () => number,
): Pick<Store, 'acquire' | 'renew' | 'release' | 'holders'> {
  const held = prepare<{ names: string; now: number }>(db)(v =>
    tables
      .selectFrom('lease')
      .select(['name', 'holder'])
      .where('name', 'in', sql<string>`(select value from json_each(${v.names}))`)
      .where('until', '>', v.now),
  );
  const find = prepare<{ name: string }>(db)(v => tables.selectFrom('lease').selectAll().where('name', '=', v.name));
  const take = prepare<{ name: string; holder: string; token: number; until: number }>(db)(v =>
    tables.replaceInto('lease').values({ name: v.name, holder: v.holder, token: v.token, until: v.until }),
  );
  const prolong = prepare<{ name: string; holder: string; token: number; until: number }>(db)(v =>
    tables
      .updateTable('lease')
      .set({ until: v.until })
      .where('name', '=', v.name)
      .where('holder', '=', v.holder)
      .where('token', '=', v.token),
  );
  const free = prepare<{ name: string; holder: string; token: number }>(db)(v =>
    tables
      .updateTable('lease')
      .set({ holder: null })
      .where('name', '=', v.name)
      .where('holder', '=', v.holder)
      .where('token', '=', v.token),
  );

  return {
    acquire: lease =>
      writer.write(() => {
        const [name, holder] = [toColumn(lease.name), toColumn(lease.holder)];
        const held = find.first({ name });
        const at = now();
        if (held !== undefined && held.holder !== null && held.holder !== holder && held.until > at) return null;
        const token = (held?.token ?? 0) + 1;
        take.run({ name, holder, token, until: at + lease.ttl });
        return token;
      }, size),
    renew: lease =>
      writer.write(() => prolong.run({ ...columns(lease), token: lease.token, until: now() + lease.ttl }) === 1, size),
    release: lease =>
      writer.write(() => {
        free.run({ ...columns(lease), token: lease.token });
      }, size),
    async holders(names) {
      const rows = held.all({ names: JSON.stringify(names.map(toColumn)), now: now() });
      return rows.flatMap(({ name, holder }) => (holder === null ? [] : [{ name, holder }]));
    },
  };
}

/** Nobody else can hold a lease of a database that one process owns: whoever held one before is gone. Tokens go on rising. */
export function freeAllLeases(db: DatabaseSync): void {
  prepare(db)(() => tables.updateTable('lease').set({ holder: null }).where('holder', 'is not', null)).run({});
}

function columns(lease: { name: string; holder: string }) {
  return { name: toColumn(lease.name), holder: toColumn(lease.holder) };
}
