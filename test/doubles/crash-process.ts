/**
 * A real Tocsin process that kills itself at the n-th journal append, before or after it is durable: `crash-process.ts FOLDER before|after|never N`.
 * It delivers one alert, votes as two people, answers `skip` when it is asked, prints what it saw as JSON and ends when the run has ended.
 * With a fourth word `gate` it asks a gate that lets through and one that asks people, votes, and prints each verdict at once, one a line.
 */

import { writeSync } from 'node:fs';
import { isEnded } from '../../src/model/run.ts';
import type { Store } from '../../src/ports/store.ts';
import { startTestApp, type TestApp } from './app.ts';

const [folder = '', mode = 'never', at = '0', what = 'run'] = process.argv.slice(2);

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
if (what === 'gate') {
  await driveGate(test);
  await test.stop();
  process.exit(0);
}
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

async function driveGate({ call, app, until }: TestApp): Promise<void> {
  const subject = { service: 'checkout', sha: 'a'.repeat(40) };
  // Written at once: what is said before a kill was heard by the caller.
  const say = (of: string, body: { id: string; verdict: string }) => writeSync(1, `${of} ${body.id} ${body.verdict}\n`);
  const ask = async (environment: string) => {
    const body = { gate: 'deploy', subject: { ...subject, environment } };
    const answer = (await call('POST', '/gates', { as: 'CI', body })).body;
    say('asked', answer);
    return answer;
  };
  await ask('staging');
  const { id } = await ask('production');
  for (const approval of await app.store.approvals({ state: 'open' }))
    await call('POST', `/api/v1/approvals/${approval.id}/votes`, { body: { vote: 'approve' } });
  await until(async () => {
    const { body } = await call('GET', `/gates/${id}`, { as: 'CI' });
    if (body.verdict === 'pending') return null;
    say('settled', body);
    return body;
  });
}
