import type { Row } from '../../ports/store.ts';
import { sightingColumns, tallyColumns, tallyKeyColumns } from '../sql/columns.ts';
import { type PreparedRow, plain } from './prepared.ts';

/** How many expired counts one sweep deletes at most. */
const sweepMost = 10_000;

/** Counts of raw records. */
export function tallyRow(row: Extract<Row, { table: 'tally' | 'sighting' }>): PreparedRow {
  if (row.table === 'sighting') {
    if ('over' in row)
      return statement(
        'end-sighting',
        'delete from sighting where source = $1 and rule = $2 and key = $3',
        Object.values(tallyKeyColumns(row.over)),
      );
    const columns = sightingColumns(row.doc);
    return plain(64, (_view, batch) =>
      batch.put('sighting', JSON.stringify(Object.values(tallyKeyColumns(row.doc))), columns, 'keep'),
    );
  }
  if ('forget' in row)
    return statement(
      'forget-tally',
      'delete from tally where source = $1 and rule = $2 and key = $3 and arrived <= $4',
      [...Object.values(tallyKeyColumns(row.forget)), row.forget.upTo],
    );
  if ('expired' in row)
    return statement(
      'prune-tallies',
      `delete from tally where ctid = any(array(select ctid from tally where until <= $1 order by until limit ${sweepMost}))`,
      [row.expired],
    );
  const columns = tallyColumns(row.doc);
  return plain(100 + columns.key.length + columns.sample.length, (_view, batch) => batch.tally(columns));
}

function statement(name: string, text: string, values: (string | number)[]): PreparedRow {
  return plain(64, (_view, batch) => batch.also({ name, text, values }));
}
