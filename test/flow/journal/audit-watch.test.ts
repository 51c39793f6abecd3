import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJournalWatch } from '../../../src/flow/journal/audit-watch.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { createHarness, type Harness } from '../../contracts/place.ts';
import { sampleEntry } from '../../contracts/samples.ts';
import { sqlitePlace } from '../../stores/place.ts';

let harness: Harness;
let store: Store;

beforeEach(async () => {
  harness = await createHarness(sqlitePlace);
  store = await harness.open();
  await append(3);
});
afterEach(() => harness.close());

async function append(count: number): Promise<void> {
  await store.commit({ entries: Array.from({ length: count }, (_, n) => sampleEntry(`${n}`, `alert/${n % 7}`)) });
}

test('what was verified is not read again, and what came since is', async () => {
  const read: number[] = [];
  const watch = createJournalWatch({
    head: () => store.head(),
    journalRows: async query => {
      const rows = await store.journalRows(query);
      read.push(...rows.map(row => row.seq));
      return rows;
    },
  });
  expect(await watch.state()).toEqual({ ok: true, head: 3, checked: 3, because: null });
  await append(2);
  expect(await watch.state()).toEqual({ ok: true, head: 5, checked: 5, because: null });
  expect(read).toEqual([1, 2, 3, 4, 5]);
});

test('one look verifies 5,000 entries at most, and looks at the same moment share it', async () => {
  await append(6000);
  const watch = createJournalWatch(store);
  const part = { ok: true, head: 6003, checked: 5000, because: null };
  expect(await Promise.all([watch.state(), watch.state()])).toEqual([part, part]);
  expect(await watch.state()).toMatchObject({ ok: true, checked: 6003 });
});

test.each([
  ["update journal set bytes = replace(bytes, 'alert/1', 'alert/2') where seq = 2", 1],
  ['update journal set prev = hash where seq = 2', 1],
  ['update journal set hash = prev where seq = 2', 1],
  ['delete from journal where seq = 2', 1],
  ['delete from journal where seq = 1', 0],
])('%s is found, and stays found', async (sql, checked) => {
  await store.close();
  const db = new DatabaseSync(join(harness.place.folder, 'tocsin.db'));
  db.exec(sql);
  db.close();
  store = await harness.open();
  const watch = createJournalWatch(store);
  const broken = {
    ok: false,
    head: 3,
    checked,
    because: expect.stringMatching(`does not follow from entry ${checked}$`),
  };
  expect(await watch.state()).toEqual(broken);
  expect(await watch.state()).toEqual(broken);
});

test('a database that does not answer says nothing about the journal', async () => {
  let down = true;
  const watch = createJournalWatch({
    head: () => store.head(),
    journalRows: query => (down ? Promise.reject(new TocsinError('store-failed')) : store.journalRows(query)),
  });
  await expect(watch.state()).rejects.toMatchObject({ code: 'store-failed' });
  down = false;
  expect(await watch.state()).toMatchObject({ ok: true, checked: 3 });
});
