/**
 * A real Tocsin process that kills itself at the n-th journal append, before or after it is durable: `crash-process.ts FOLDER before|after|never N`.
 * It delivers one alert, votes as two people, answers `skip` when it is asked, prints what it saw as JSON and ends when the run has ended.
 */

import { isEnded } from '../../src/model/run.ts';
import type { Store } from '../../src/ports/store.ts';
import { startTestApp, type TestApp } from './app.ts';

const [folder = '', mode = 'never', at = '0'] = process.argv.slice(2);

function crashing(store: Store): Store {
  let appends = 0;
  const die = () => process.kill(process.pid, 'SIGKILL');
  return new Proxy(store, {
    get(target, name) {
      const member = target[name as keyof Store];
      if (name !== 'commit') return typeof member === 'function' ? member.bind(target) : member;
      return async (change: Parameters<Store['commit']>[0]) => {
        if ((change.entries?.length ?? 0) === 0) return await target.commit(change);
        appends++;
        if (mode === 'before' && appends === Number(at)) die();
        const committed = await target.commit(change);
        if (mode === 'after' && appends === Number(at)) die();
        return committed;
      };
    },
  });
}

const test = await startTestApp({}, { folder, keep: true, wrapStore: crashing });
const asked: string[] = [];
if ((await test.app.store.alerts({})).length === 0) await test.alert({ alertname: 'Crash' });
const ended = await test.until(() => drive(test));
await test.stop();
console.log(
  JSON.stringify({
    state: ended.state,
    steps: ended.steps.map(step => ({ id: step.id, state: step.state, attempts: step.attempts })),
    asked,
  }),
);
process.exit(0);

async function drive(running: TestApp) {
  const run = (await running.runs())[0];
  if (run === undefined) return null;
  for (const approval of await running.app.store.approvals({ state: 'open' })) {
    for (const as of ['ALICE', 'BOB'] as const)
      await running.call('POST', `/api/v1/approvals/${approval.id}/votes`, { as, body: { vote: 'approve' } });
  }
  const unknown = run.steps.find(step => step.state === 'unknown');
  if (run.state === 'asking' && unknown !== undefined) {
    asked.push(unknown.id);
    await running.app.host.act(
      { kind: 'person', id: 'alice', via: 'test', account: null },
      { kind: 'answer', run: run.id, step: unknown.id, choice: 'skip', reason: null },
    );
  }
  return isEnded(run.state) ? run : null;
}
