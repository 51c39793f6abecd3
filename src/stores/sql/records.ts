import { type RawBuilder, sql } from 'kysely';
import type { Store } from '../../ports/store.ts';
import type { Sql } from './query.ts';
import { limitOf } from './reads.ts';
import { fromColumn, toColumn } from './text.ts';

interface SumFilter extends Record<string, string | number> {
  source: string;
  rule: string;
  /** A JSON array. */
  keys: string;
  atLeast: number;
  values: number;
  quietSince: number;
  unseen: number;
  after: string;
  limit: number;
}

/** From this length on a sample takes no more records, characters. */
export const longestSample = 16_384;

export function createTallyReads(built: Sql): Pick<Store, 'tallySums' | 'tally' | 'tallyKeys' | 'sightings'> {
  const sums = prepareSums(built);
  const someSums = prepareSomeSums(built);
  const ofKey = prepareKey(built);
  const keys = prepareKeyCount(built);
  const seen = prepareSightings(built);
  return {
    async tallySums({ source, rule, keys: some, atLeast, of, quietSince, unseen, after, limit }) {
      const values = {
        source: toColumn(source),
        rule: toColumn(rule),
        keys: some === undefined ? undefined : JSON.stringify(some.map(toColumn)),
        atLeast,
        values: of === 'values' ? 1 : undefined,
        quietSince,
        unseen: unseen === true ? 1 : undefined,
        after: after === undefined ? undefined : toColumn(after),
        limit: limitOf(limit),
      };
      const rows = some === undefined ? await sums(values) : await someSums(values);
      return rows.map(row => ({ ...row, key: fromColumn(row.key) }));
    },
    async tally(key) {
      const { source, rule, key: of } = key;
      const rows = await ofKey.all({ source: toColumn(source), rule: toColumn(rule), key: toColumn(of) });
      return rows.map(row => ({ source, rule, key: of, ...row, value: fromColumn(row.value) }));
    },
    async tallyKeys({ source, rule, most }) {
      return (await keys.first({ source: toColumn(source), rule: toColumn(rule), most }))?.found ?? 0;
    },
    async sightings(most) {
      const rows = await seen.all({ most });
      return rows.map(({ source, rule, key, at, arrived }) => ({
        source: fromColumn(source),
        rule: fromColumn(rule),
        key: fromColumn(key),
        at,
        arrived: arrived ?? at,
      }));
    },
  };
}

/** Of all keys of a rule. */
function prepareSums({ tables, readFiltered }: Sql) {
  return readFiltered<SumFilter>()((v, has) => {
    const total = has('values') ? differentValues : allRecords;
    let query = tables
      .selectFrom('tally')
      .select(['key', total.as('total'), latest.as('arrived')])
      .where('source', '=', v.source)
      .where('rule', '=', v.rule)
      .groupBy('key')
      .orderBy('key');
    if (has('after')) query = query.where('key', '>', v.after);
    if (has('unseen'))
      query = query.where(e =>
        e.not(
          e.exists(
            tables
              .selectFrom('sighting as s')
              .select('s.at')
              .where('s.source', '=', sql.ref<string>('tally.source'))
              .where('s.rule', '=', sql.ref<string>('tally.rule'))
              .where('s.key', '=', sql.ref<string>('tally.key')),
          ),
        ),
      );
    if (has('atLeast')) query = query.having(total, '>=', v.atLeast);
    if (has('quietSince')) query = query.having(latest, '<=', v.quietSince);
    return query.limit(v.limit);
  });
}

const allRecords = sql<number>`cast(sum(n) as bigint)`;
const differentValues = sql<number>`cast(count(distinct value) as bigint)`;
const latest = sql<number>`max(arrived)`;

/** Of these keys. Each is looked up by itself: a database that has no statistics yet reads all of a rule for a list of them. */
function prepareSomeSums({ tables, readFiltered, words }: Sql) {
  return readFiltered<SumFilter>()((v, has) => {
    const of = (what: RawBuilder<number>) =>
      tables
        .selectFrom('tally')
        .select(what.as('it'))
        .where('source', '=', v.source)
        .where('rule', '=', v.rule)
        .where('key', '=', sql<string>`w.value`);
    const found = tables
      .selectFrom(sql<{ value: string }>`${words(v.keys)}`.as('w'))
      .select([
        'w.value as key',
        of(has('values') ? differentValues : allRecords).as('total'),
        of(latest).as('arrived'),
      ])
      .as('found');
    let query = tables
      .selectFrom(found)
      .selectAll()
      .where('arrived', 'is not', null)
      .$narrowType<{ total: number; arrived: number }>();
    if (has('atLeast')) query = query.where('total', '>=', v.atLeast);
    if (has('quietSince')) query = query.where('arrived', '<=', v.quietSince);
    return query.limit(v.limit);
  });
}

function prepareKey({ tables, read }: Sql) {
  return read<{ source: string; rule: string; key: string }>()(v =>
    tables
      .selectFrom('tally')
      .select(['bucket', 'value', 'n', 'arrived', 'until', 'sample'])
      .where('source', '=', v.source)
      .where('rule', '=', v.rule)
      .where('key', '=', v.key)
      .orderBy('bucket')
      .orderBy('value'),
  );
}

function prepareKeyCount({ tables, read }: Sql) {
  return read<{ source: string; rule: string; most: number }>()(v =>
    tables
      .selectFrom(
        tables
          .selectFrom('tally')
          .select('key')
          .distinct()
          .where('source', '=', v.source)
          .where('rule', '=', v.rule)
          .limit(v.most)
          .as('known'),
      )
      .select(sql<number>`count(*)`.as('found')),
  );
}

function prepareSightings({ tables, read }: Sql) {
  return read<{ most: number }>()(v =>
    tables
      .selectFrom('sighting as s')
      .select([
        's.source',
        's.rule',
        's.key',
        's.at',
        sql<
          number | null
        >`(select max(t.arrived) from tally t where t.source = s.source and t.rule = s.rule and t.key = s.key)`.as(
          'arrived',
        ),
      ])
      .orderBy('s.at')
      .limit(v.most),
  );
}
