import type { PostQuery, Store } from '../../ports/store.ts';
import type { Bases } from './bases.ts';
import { readDoc } from './docs.ts';
import { joinedEntry, type LikeRow, readLike } from './packed.ts';
import type { Sql } from './query.ts';
import { limitOf, optional, parseAll } from './reads.ts';
import { fromColumn, toColumn } from './text.ts';

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

export function createPostReads(sql: Sql, bases: Bases): Pick<Store, 'post' | 'posts'> {
  const byKey = sql.read<{ platform: string; key: string }>()(v =>
    selectPosts(sql).where('platform', '=', v.platform).where('key', '=', v.key),
  );
  const list = preparePostList(sql);
  // The stamp is the store's own column; the document was written before it was known.
  const parse = (row: LikeRow & { key: string; changed: number }) => ({
    ...readDoc('post', { doc: readLike(row, bases, `table post: ${fromColumn(row.key)}`) }),
    changed: row.changed,
  });
  return {
    async post(platform, key) {
      const row = await byKey.first({ platform: toColumn(platform), key: toColumn(key) });
      return row === undefined ? null : parse(row);
    },
    async posts(query) {
      return await parseAll(await list(toFilter(query)), parse);
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

function selectPosts({ tables }: Sql) {
  return tables
    .selectFrom('post')
    .leftJoin('journal as entry', 'entry.seq', 'post.base')
    .select(['key', 'changed', 'doc as text', 'post.codec', 'post.size', 'post.packed', 'base', ...joinedEntry]);
}

function preparePostList(sql: Sql) {
  return sql.readFiltered<Filter>()((v, has) => {
    const direction = has('newest') ? 'desc' : 'asc';
    const column = has('changedAfter') ? 'changed' : 'ord';
    let query = selectPosts(sql).where('platform', '=', v.platform).orderBy(column, direction).orderBy('id', direction);
    if (has('channel')) query = query.where('channel', '=', v.channel);
    if (has('thread')) query = query.where('thread', '=', v.thread);
    if (has('roots')) query = query.where('thread', 'is', null);
    if (has('undelivered')) query = query.whereRef('wanted', '>', 'delivered');
    if (has('changedAfter')) query = query.where('changed', '>', v.changedAfter);
    if (has('upTo')) query = query.where('ord', '<=', v.upTo);
    return query.limit(v.limit);
  });
}
