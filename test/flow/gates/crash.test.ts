import { afterEach, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import type { Store } from '../../../src/ports/store.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';

/*
 * The store fails at each commit in the middle of a gate and its vote, before or after it is durable; the process starts again on the same
 * data. No answer says allow without a decision that is stored, and the gate settles.
 */

const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.stop();
});
const files = {
  'gates.yaml': 'gates: { deploy: { ask: [ci] } }\n',
  'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 10m }]\n',
};
const body = { gate: 'deploy', subject: { service: 'checkout', environment: 'production' } };

function failingAt(at: number, mode: 'before' | 'after') {
  let commits = 0;
  return (store: Store): Store => ({
    ...store,
    async commit(change) {
      const isOfGate = change.entries?.some(({ fact }) => /^(gate|approval|vote)\./.test(fact.kind)) === true;
      if (isOfGate) commits++;
      if (isOfGate && commits >= at && mode === 'before') throw new TocsinError('store-failed');
      const committed = await store.commit(change);
      if (isOfGate && commits >= at) throw new TocsinError('store-failed');
      return committed;
    },
  });
}

const moments = [1, 2, 3].flatMap(at => (['before', 'after'] as const).map(mode => [at, mode] as const));

it.each(moments)('commit %i fails %s it is durable', async (at, mode) => {
  const first = await startTestApp(files, { keep: true, wrapStore: failingAt(at, mode) });
  apps.push(first);
  const said: string[] = [];
  const call = async (app: TestApp, method: string, path: string, as: 'CI' | 'ALICE', sent?: object) => {
    const answer = await app.call(method, path, { as, ...(sent && { body: sent }) });
    if (answer.body?.verdict !== undefined) said.push(answer.body.verdict);
    return answer;
  };
  const vote = async (app: TestApp) => {
    for (const approval of await app.app.store.approvals({ state: 'open' }))
      await call(app, 'POST', `/api/v1/approvals/${approval.id}/votes`, 'ALICE', { vote: 'approve' });
  };
  await call(first, 'POST', '/gates', 'CI', body);
  await vote(first);
  for (const gate of await first.app.store.documents('gate', {})) {
    const answer = await call(first, 'GET', `/gates/${gate.id}`, 'CI');
    const stored = await first.app.store.stream(`gate/${gate.id}`);
    if (answer.body?.verdict === 'allow') expect(stored.map(entry => entry.fact.kind)).toContain('gate.closed');
  }
  if (mode === 'before' && at <= 2) expect(said).not.toContain('allow');
  apps.splice(0);
  await first.app.stop('the store failed');
  const again = await startTestApp(files, { folder: first.folder });
  apps.push(again);
  const { body: gate } = await call(again, 'POST', '/gates', 'CI', body);
  await vote(again);
  const settled = await again.until(async () => {
    const known = await again.app.store.document('gate', gate.id);
    return known !== null && known.state !== 'pending' ? known : null;
  });
  expect(settled.state).toBe('allowed');
  expect(await again.app.store.documents('gate', {})).toHaveLength(1);
  expect(await again.app.store.documents('permit', { state: 'open' })).toHaveLength(1);
});
