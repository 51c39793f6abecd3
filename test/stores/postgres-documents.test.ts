import { afterEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { sampleEntry, samplePost, sampleRun } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { usePostgres } from './postgres-place.ts';

describe.skipIf(missingPostgres() !== null)('documents in the store postgres', () => {
  const server = usePostgres();
  let store: Store;
  afterEach(() => store.close());

  test('that are large are compressed with lz4 where the server has it, and come back as they were', async () => {
    const url = await server().database();
    const name = new URL(url).pathname.slice(1);
    const ask = (statement: string) => server().ask(statement, name);
    store = await postgres.open({ folder: '', url, now: Date.now });
    const long = 'a long description, said again and again. '.repeat(400);
    const doc = sampleRun({ params: { host: long } });
    await store.commit({ rows: [{ table: 'run', doc }] });
    const [has] = await ask(
      `select 'lz4' = any(enumvals) as lz4 from pg_settings where name = 'default_toast_compression'`,
    );
    const wanted = has?.['lz4'] === true ? 'lz4' : 'pglz';
    const [row] = await ask('select pg_column_compression(doc) as how from run');
    expect(row?.['how']).toBe(wanted);
    expect(await store.run('run_1')).toEqual(doc);
  });

  test('that repeat an entry refer to it, unless another server that took over has another one in its place', async () => {
    const url = await server().database();
    const ask = (statement: string) => server().ask(statement, new URL(url).pathname.slice(1));
    store = await postgres.open({ folder: '', url, now: Date.now });
    const long = Array.from({ length: 200 }, (_, n) => `line ${n}`).join('\n');
    const { card } = samplePost();
    const post = (key: string) =>
      samplePost({ key, order: 1, card: { ...card, blocks: [{ kind: 'text', text: long }] } });
    await store.commit({ entries: [sampleEntry(long)] });
    await store.commit({ rows: [{ table: 'post', doc: post('before') }] });
    await ask(`update journal set hash = repeat('f', 64)`);
    await store.commit({ rows: [{ table: 'post', doc: post('after') }] });
    await ask('delete from journal');
    await store.commit({ rows: [{ table: 'post', doc: post('lost') }] });
    expect(await ask('select key, codec, base from post order by id')).toEqual([
      { key: 'before', codec: 2, base: '1' },
      { key: 'after', codec: 0, base: null },
      { key: 'lost', codec: 0, base: null },
    ]);
    expect(await store.post('console', 'after')).toMatchObject({ card: post('after').card });
    await expect(store.post('console', 'before')).rejects.toMatchObject({
      code: 'row-broken',
      at: 'table post: before',
      given: 'no such entry',
    });
  });
});
