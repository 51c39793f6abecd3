import { ringSize } from '../../model/delivery.ts';
import type { Row } from '../../ports/store.ts';
import { deliveryColumns, deliveryCountColumns } from '../sql/columns.ts';
import { writeDoc } from '../sql/docs.ts';
import { toColumn } from '../sql/text.ts';
import type { PreparedRow } from './prepared.ts';
import type { Statement } from './session.ts';

type DeliveryRow = Extract<Row, { table: 'delivery' | 'delivery_count' | 'recording' | 'recorded' | 'recording-gone' }>;

/** What is kept of deliveries, and of recordings of them. There are few, so each is a statement of its own. */
export function deliveryRow(row: DeliveryRow): PreparedRow {
  const { size, statements } = statementsOf(row);
  return { size, need() {}, check() {}, write: (_view, batch) => statements.forEach(batch.also) };
}

function statementsOf(row: DeliveryRow): { size: number; statements: readonly Statement[] } {
  switch (row.table) {
    case 'delivery': {
      const { source, ring, id, at, first, count } = deliveryColumns(row.doc);
      const doc = writeDoc('delivery', row.doc);
      const values = [source, ring, id, at, first, count, doc];
      return {
        size: doc.length,
        statements: [
          { name: 'add-delivery', text: addDelivery, values },
          { name: 'prune-deliveries', text: pruneDeliveries, values: [source, ring, ringSize[row.doc.ring]] },
        ],
      };
    }
    case 'delivery_count': {
      const { source, what, count, at } = deliveryCountColumns(row.doc);
      return {
        size: 64,
        statements: [{ name: 'count-delivery', text: countDelivery, values: [source, what, count, at] }],
      };
    }
    case 'recording': {
      const doc = writeDoc('recording', row.doc);
      const values = [toColumn(row.doc.id), row.doc.at, doc];
      return { size: doc.length, statements: [{ name: 'put-recording', text: putRecording, values }] };
    }
    case 'recorded': {
      const doc = writeDoc('recorded', row.doc);
      const values = [toColumn(row.recording), row.doc.number, doc, Buffer.from(row.body)];
      const size = doc.length + row.body.length;
      return { size, statements: [{ name: 'keep-recorded', text: keepRecorded, values }] };
    }
    case 'recording-gone': {
      const values = [toColumn(row.id)];
      return {
        size: 16,
        statements: [
          { name: 'drop-recording', text: 'delete from recording where id = $1', values },
          {
            name: 'drop-recorded',
            text: 'delete from recorded where recording = $1 or recording not in (select id from recording)',
            values,
          },
        ],
      };
    }
  }
}

const addDelivery = `insert into delivery (source, ring, id, at, first, count, doc) values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (source, ring, id) do update set at = excluded.at, doc = excluded.doc, count = delivery.count + excluded.count`;

const pruneDeliveries = `delete from delivery where source = $1 and ring = $2 and id in (
  select id from delivery where source = $1 and ring = $2 order by at desc, id desc limit 1000 offset $3)`;

const countDelivery = `insert into delivery_count (source, what, count, at) values ($1, $2, $3, $4)
  on conflict (source, what) do update set at = excluded.at, count = delivery_count.count + excluded.count`;

const putRecording = `insert into recording (id, at, doc) values ($1, $2, $3)
  on conflict (id) do update set at = excluded.at, doc = excluded.doc`;

const keepRecorded = `insert into recorded (recording, number, doc, body) values ($1, $2, $3, $4)
  on conflict (recording, number) do update set doc = excluded.doc, body = excluded.body`;
