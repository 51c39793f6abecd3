import type { DeliveryCount, DeliveryRecord } from '../../model/delivery.ts';
import type { Store } from '../../ports/store.ts';
import { readDoc } from './docs.ts';
import type { Sql } from './query.ts';
import { optional } from './reads.ts';
import { fromColumn, toColumn } from './text.ts';

type DeliveryReads = Pick<Store, 'deliveries' | 'deliveryCounts' | 'recordings' | 'recorded'>;

/** What is kept of deliveries, and of recordings of them. Both are small. */
export function createDeliveryReads({ tables, read, readFiltered }: Sql): DeliveryReads {
  const list = read<{ source: string }>()(v =>
    tables
      .selectFrom('delivery')
      .select(['doc', 'first', 'count'])
      .where('source', '=', v.source)
      .orderBy('at', 'desc')
      .orderBy('id', 'desc'),
  );
  const counts = readFiltered<{ source: string }>()((v, has) => {
    const all = tables.selectFrom('delivery_count').select(['source', 'what', 'count', 'at']);
    return (has('source') ? all.where('source', '=', v.source) : all).orderBy('source').orderBy('what');
  });
  const open = read()(() => tables.selectFrom('recording').select('doc').orderBy('at').orderBy('id'));
  const kept = read<{ recording: string }>()(v =>
    tables.selectFrom('recorded').select(['doc', 'body']).where('recording', '=', v.recording).orderBy('number'),
  );
  return {
    async deliveries(source) {
      const rows = await list.all({ source: toColumn(source) });
      return rows.map((row): DeliveryRecord => {
        return { ...readDoc('delivery', row), first: Number(row.first), count: Number(row.count) };
      });
    },
    async deliveryCounts(source) {
      const rows = await counts({ source: optional(source) });
      return rows.map(
        ({ source: of, what, count, at }): DeliveryCount => ({
          source: fromColumn(of),
          what: fromColumn(what),
          count: Number(count),
          at: Number(at),
        }),
      );
    },
    async recordings() {
      return (await open.all({})).map(row => readDoc('recording', row));
    },
    async recorded(recording) {
      const rows = await kept.all({ recording: toColumn(recording) });
      return rows.map(({ doc, body }) => ({ ...readDoc('recorded', { doc }), body }));
    },
  };
}
