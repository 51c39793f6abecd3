import { expect, it } from 'vitest';
import { createRecentDocs } from '../../../src/flow/journal/recent-docs.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { sampleAlert, sampleApproval, sampleRun } from '../../contracts/samples.ts';

/** A store that has an older state, and tells what it is asked. */
function storeOf() {
  const asked: string[] = [];
  const read =
    <T>(make: (id: string) => T) =>
    async (id: string) => {
      asked.push(id);
      return make(id);
    };
  return {
    asked,
    alert: read(id => sampleAlert({ id, version: 1 })),
    run: read(id => sampleRun({ id, version: 1 })),
    approval: read(id => sampleApproval({ id, version: 1 })),
  };
}

const change = (...docs: Alert[]) => ({ rows: docs.map(doc => ({ table: 'alert' as const, doc })) });

it('gives what was committed last, and asks the store for the rest', async () => {
  const store = storeOf();
  const { docs, begin } = createRecentDocs(store);
  const [newer, newest] = [sampleAlert({ id: 'alt_1', version: 2 }), sampleAlert({ id: 'alt_1', version: 3 })];
  const ends = [begin(change(newer)), begin(change(newest, sampleAlert({ id: 'alt_2', version: 7 })))];
  // News of two commits may come in either order.
  for (const end of ends.reverse()) end(true);
  expect(await docs.alert('alt_1')).toBe(newest);
  expect(await docs.alert('alt_2')).toMatchObject({ version: 7 });
  expect(store.asked).toEqual([]);
  for (const [id, read] of [
    ['alt_3', docs.alert],
    ['run_1', docs.run],
    ['apv_1', docs.approval],
  ] as const)
    expect(await read(id)).toMatchObject({ id, version: 1 });
  expect(store.asked).toEqual(['alt_3', 'run_1', 'apv_1']);
});

it('asks the store while a commit is under way, which may be stored before it is told, and after one that failed', async () => {
  const store = storeOf();
  const { docs, begin } = createRecentDocs(store);
  const old = sampleAlert({ id: 'alt_1', version: 2 });
  begin(change(old))(true);
  const [end, other] = [begin(change({ ...old, version: 3 })), begin(change({ ...old, version: 4 }))];
  expect(await docs.alert('alt_1')).toMatchObject({ version: 1 });
  end(true);
  expect(await docs.alert('alt_1')).toMatchObject({ version: 1 });
  other(false);
  expect(store.asked).toEqual(['alt_1', 'alt_1']);
  expect(await docs.alert('alt_1')).toMatchObject({ version: 3 });
});

it('is bounded by bytes: the oldest are forgotten, and what is larger than the cache is not kept', async () => {
  const store = storeOf();
  const { docs, begin } = createRecentDocs(store);
  const text = 'x'.repeat(100_000);
  const put = (id: string, text: string) => begin(change(sampleAlert({ id, version: 2, annotations: { text } })))(true);
  for (let n = 0; n < 30; n++) put(`alt_${n}`, text);
  put('alt_large', text.repeat(30));
  const held = async (id: string) => (await docs.alert(id))?.version === 2;
  const ids = Array.from({ length: 30 }, (_, n) => `alt_${n}`);
  const kept: string[] = [];
  for (const id of [...ids, 'alt_large']) if (await held(id)) kept.push(id);
  expect(kept).toEqual(ids.slice(-kept.length));
  expect(kept.length * text.length).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(kept.length).toBeGreaterThan(15);
});
