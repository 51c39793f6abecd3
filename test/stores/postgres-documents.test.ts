import { afterEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { sampleAlert, sampleEntry } from '../contracts/samples.ts';
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
    const doc = sampleAlert({ id: 'alt_1', annotations: { description: long } });
    const blob = { digest: 'd'.repeat(64), bytes: long };
    const { entries } = await store.commit({
      rows: [{ table: 'alert', doc }],
      entries: [sampleEntry(long)],
      blobs: [blob],
    });
    const [has] = await ask(
      `select 'lz4' = any(enumvals) as lz4 from pg_settings where name = 'default_toast_compression'`,
    );
    const wanted = has?.['lz4'] === true ? 'lz4' : 'pglz';
    for (const [table, column] of [
      ['alert', 'doc'],
      ['journal', 'bytes'],
      ['blob', 'bytes'],
    ] as const) {
      const [row] = await ask(`select pg_column_compression(${column}) as how from ${table}`);
      expect([table, row?.['how']]).toEqual([table, wanted]);
    }
    expect(await store.alert('alt_1')).toEqual(doc);
    expect(await store.journal({ after: 0, limit: 9 })).toEqual(entries);
  });
});
