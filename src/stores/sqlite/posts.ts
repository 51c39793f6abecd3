import type { DatabaseSync } from 'node:sqlite';
import type { PostQuery, Store } from '../../ports/store.ts';
import { readDoc } from '../sql/docs.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, prepareFiltered, tables } from './query.ts';
import { limitOf, optional } from './reads.ts';

interface Filter extends Record<string, string | number> {
  platform: string;
  channel: string;
  thread: string;
  roots: number;
  undelivered: number;
  changedAfter: number;
  upTo: number;
  newest: number;
  limit: number;
}

export function createPostReads(db: DatabaseSync): Pick<Store, 'post' | 'posts'> {
  const byKey = prepare<{ platform: string; key: string }>(db)(v =>
    tables.selectFrom('post').select(['doc', 'changed']).where('platform', '=', v.platform).where('key', '=', v.key),
  );
  const list = preparePostList(db);
  // The stamp is the store's own column; the document was written before it was known.
  const parse = (row: { doc: string; changed: number }) => ({ ...readDoc('post', row), changed: row.changed });
  return {
    async post(platform, key) {
      const row = byKey.first({ platform: toColumn(platform), key: toColumn(key) });
      return row === undefined ? null : parse(row);
    },
    async posts(query) {
      return list(toFilter(query)).map(parse);
    },
  };
}

function toFilter(query: PostQuery) {
  return {
    platform: toColumn(query.platform),
    channel: optional(query.channel),
    thread: query.thread === null ? undefined : optional(query.thread),
    roots: query.thread === null ? 1 : undefined,
    undelivered: query.undelivered ? 1 : undefined,
    changedAfter: query.changedAfter,
    upTo: query.upTo,
    newest: query.order === 'newest' ? 1 : undefined,
    limit: limitOf(query.limit),
  };
}

function preparePostList(db: DatabaseSync) {
  return prepareFiltered<Filter>(db)((v, has) => {
    const direction = has('newest') ? 'desc' : 'asc';
    const column = has('changedAfter') ? 'changed' : 'ord';
    let query = tables
      .selectFrom('post')
      .select(['doc', 'changed'])
      .where('platform', '=', v.platform)
      .orderBy(column, direction)
      .orderBy('id', direction);
    if (has('channel')) query = query.where('channel', '=', v.channel);
    if (has('thread')) query = query.where('thread', '=', v.thread);
    if (has('roots')) query = query.where('thread', 'is', null);
    if (has('undelivered')) query = query.whereRef('wanted', '>', 'delivered');
    if (has('changedAfter')) query = query.where('changed', '>', v.changedAfter);
    if (has('upTo')) query = query.where('ord', '<=', v.upTo);
    return query.limit(v.limit);
  });
}
