import type { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Row } from '../../ports/store.ts';
import { sightingColumns, tallyColumns, tallyKeyColumns } from '../sql/columns.ts';
import { longestSample } from '../sql/records.ts';
import type { Tables } from '../sql/schema.ts';
import { prepare, tables } from './query.ts';

type Key = { source: string; rule: string; key: string };
type TallyRow = Extract<Row, { table: 'tally' | 'sighting' }>;

/** How many expired counts one sweep deletes at most. */
const sweepMost = 10_000;

/** Counts of raw records, as statements. */
export function createTallyRows(db: DatabaseSync): (row: TallyRow) => { size: number; write(): void } {
  const add = prepare<Tables['tally']>(db)(v => {
    const { source, rule, key, bucket, value, n, arrived, until, sample } = v;
    return tables
      .insertInto('tally')
      .values({ source, rule, key, bucket, value, n, arrived, until, sample })
      .onConflict(c =>
        c.columns(['source', 'rule', 'key', 'bucket', 'value']).doUpdateSet({
          n: sql`tally.n + excluded.n`,
          arrived: sql`max(tally.arrived, excluded.arrived)`,
          until: sql`max(tally.until, excluded.until)`,
          sample: sql`case when length(tally.sample) < ${sql.lit(longestSample)} then tally.sample || excluded.sample else tally.sample end`,
        }),
      );
  });
  const forget = prepare<Key & { upTo: number }>(db)(v =>
    tables
      .deleteFrom('tally')
      .where('source', '=', v.source)
      .where('rule', '=', v.rule)
      .where('key', '=', v.key)
      .where('arrived', '<=', v.upTo),
  );
  const prune = prepare<{ now: number; most: number }>(db)(v =>
    tables
      .deleteFrom('tally')
      .where(e =>
        e(
          e.refTuple('source', 'rule', 'key', 'bucket', 'value'),
          'in',
          tables
            .selectFrom('tally')
            .select(['source', 'rule', 'key', 'bucket', 'value'])
            .where('until', '<=', v.now)
            .orderBy('until')
            .limit(v.most)
            .$asTuple('source', 'rule', 'key', 'bucket', 'value'),
        ),
      ),
  );
  const see = prepare<Tables['sighting']>(db)(({ source, rule, key, at }) =>
    tables
      .insertInto('sighting')
      .values({ source, rule, key, at })
      .onConflict(c => c.doNothing()),
  );
  const end = prepare<Key>(db)(v =>
    tables.deleteFrom('sighting').where('source', '=', v.source).where('rule', '=', v.rule).where('key', '=', v.key),
  );
  return row => {
    if (row.table === 'sighting') {
      if ('over' in row) return small(() => end.run(tallyKeyColumns(row.over)));
      return small(() => see.run(sightingColumns(row.doc)));
    }
    if ('forget' in row) return small(() => forget.run({ ...tallyKeyColumns(row.forget), upTo: row.forget.upTo }));
    if ('expired' in row) return small(() => prune.run({ now: row.expired, most: sweepMost }));
    const columns = tallyColumns(row.doc);
    return { size: 100 + columns.key.length + columns.sample.length, write: () => void add.run(columns) };
  };
}

function small(write: () => unknown): { size: number; write(): void } {
  return { size: 64, write: () => void write() };
}
