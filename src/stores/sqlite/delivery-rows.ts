import type { DatabaseSync } from 'node:sqlite';
import { type DeliveryCount, type DeliveryRecord, ringSize } from '../../model/delivery.ts';
import type { Recording } from '../../model/recording.ts';
import type { Row } from '../../ports/store.ts';
import { deliveryColumns, deliveryCountColumns } from '../sql/columns.ts';
import { writeDoc } from '../sql/docs.ts';
import type { Tables } from '../sql/schema.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, tables } from './query.ts';
import type { Write } from './writer.ts';

/** What is kept of deliveries, and of recordings of them. */
export function createDeliveryRows(db: DatabaseSync) {
  const add = prepare<Tables['delivery']>(db)(v => {
    const { source, ring, id, at, first, count, doc } = v;
    return tables
      .insertInto('delivery')
      .values({ source, ring, id, at, first, count, doc })
      .onConflict(c =>
        c.columns(['source', 'ring', 'id']).doUpdateSet(e => ({
          at: e.ref('excluded.at'),
          doc: e.ref('excluded.doc'),
          count: e('delivery.count', '+', e.ref('excluded.count')),
        })),
      );
  });
  const prune = prepare<{ source: string; ring: string; size: number }>(db)(v => {
    const { source, ring, size } = v;
    const old = tables
      .selectFrom('delivery')
      .select('id')
      .where('source', '=', source)
      .where('ring', '=', ring)
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(1000)
      .offset(size);
    return tables.deleteFrom('delivery').where('source', '=', source).where('ring', '=', ring).where('id', 'in', old);
  });
  const addCount = prepare<Tables['delivery_count']>(db)(({ source, what, count, at }) =>
    tables
      .insertInto('delivery_count')
      .values({ source, what, count, at })
      .onConflict(c =>
        c.columns(['source', 'what']).doUpdateSet(e => ({
          at: e.ref('excluded.at'),
          count: e('delivery_count.count', '+', e.ref('excluded.count')),
        })),
      ),
  );
  return {
    delivery(record: DeliveryRecord): Write {
      const row = { ...deliveryColumns(record), doc: writeDoc('delivery', record) };
      const ring = { source: row.source, ring: row.ring, size: ringSize[record.ring] };
      const write = () => {
        add.run(row);
        prune.run(ring);
      };
      return { size: row.doc.length, write };
    },
    count(count: DeliveryCount): Write {
      const row = deliveryCountColumns(count);
      return { size: 64, write: () => addCount.run(row) };
    },
    ...createRecordingRows(db),
  };
}

function createRecordingRows(db: DatabaseSync) {
  const put = prepare<Tables['recording']>(db)(({ id, at, doc }) =>
    tables.replaceInto('recording').values({ id, at, doc }),
  );
  const keep = prepare<Tables['recorded']>(db)(({ recording, number, doc, body }) =>
    tables.replaceInto('recorded').values({ recording, number, doc, body }),
  );
  const drop = prepare<{ id: string }>(db)(v => tables.deleteFrom('recording').where('id', '=', v.id));
  // A delivery may have been kept in the moment in which another node ended its recording.
  const dropKept = prepare<{ id: string }>(db)(v =>
    tables
      .deleteFrom('recorded')
      .where(e =>
        e.or([e('recording', '=', v.id), e('recording', 'not in', tables.selectFrom('recording').select('id'))]),
      ),
  );
  return {
    recording(doc: Recording): Write {
      const row = { id: toColumn(doc.id), at: doc.at, doc: writeDoc('recording', doc) };
      return { size: row.doc.length, write: () => put.run(row) };
    },
    recorded({ recording, doc, body }: Extract<Row, { table: 'recorded' }>): Write {
      const row = { recording: toColumn(recording), number: doc.number, doc: writeDoc('recorded', doc), body };
      return { size: row.doc.length + body.length, write: () => keep.run(row) };
    },
    gone(id: string): Write {
      const row = { id: toColumn(id) };
      const write = () => {
        drop.run(row);
        dropKept.run(row);
      };
      return { size: 16, write };
    },
  };
}
