import { expect, it } from 'vitest';
import { createRecentDocs } from '../../src/flow/recent-docs.ts';
import { sampleAlert, sampleApproval, sampleRun } from '../contracts/samples.ts';

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

it('gives what was committed last, and asks the store for the rest', async () => {
  const store = storeOf();
  const { docs, keep } = createRecentDocs(store);
  const [newer, newest] = [sampleRun({ id: 'run_1', version: 2 }), sampleRun({ id: 'run_1', version: 3 })];
  // News of two commits may come in either order.
  keep({ rows: [{ table: 'run', doc: newest }] });
  keep({
    rows: [
      { table: 'run', doc: newer },
      { table: 'approval', doc: sampleApproval({ id: 'apv_1', version: 4 }) },
      { table: 'cursor', name: 'x', value: 1 },
    ],
  });
  expect(await docs.run('run_1')).toBe(newest);
  expect(await docs.approval('apv_1')).toMatchObject({ version: 4 });
  expect(store.asked).toEqual([]);
  expect(await docs.alert('alt_1')).toMatchObject({ version: 1 });
  expect(store.asked).toEqual(['alt_1']);
});

it('forgets what was written longest ago', async () => {
  const store = storeOf();
  const { docs, keep } = createRecentDocs(store);
  const put = (n: number) => keep({ rows: [{ table: 'alert', doc: sampleAlert({ id: `alt_${n}`, version: 2 }) }] });
  for (let n = 0; n < 2048; n++) put(n);
  put(0);
  put(2048);
  expect(await docs.alert('alt_0')).toMatchObject({ version: 2 });
  expect(await docs.alert('alt_2048')).toMatchObject({ version: 2 });
  expect(await docs.alert('alt_1')).toMatchObject({ version: 1 });
  expect(store.asked).toEqual(['alt_1']);
});
