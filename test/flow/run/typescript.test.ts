import { afterEach, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/model/run.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { auto, typescriptRunbook } from '../files.ts';

let test: TestApp;
afterEach(() => test.stop());

async function runOf(body: string): Promise<Run> {
  test = await startTestApp({ 'policy.yaml': auto, 'runbooks/fix.ts': typescriptRunbook(body) });
  const begun = await test.call('POST', '/api/v1/runs', { body: { runbook: 'fix', params: {}, reason: null } });
  return await test.ended(begun.body.id);
}

const states = (run: Run) => run.steps.map(step => [step.id, step.state]);

describe('a runbook in TypeScript', () => {
  it('is over when all of its steps are, also those that a rejected Promise.all let go', async () => {
    const run = await runOf(`await Promise.all([
      step.exec('quick', ['false']),
      step.exec('slow', ['sleep', '0.7'], { undo: { type: 'exec', input: ['true'] } }),
    ]);`);
    expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('quick: exit code 1') });
    expect(states(run)).toEqual([
      ['quick', 'failed'],
      ['slow', 'undone'],
      ['slow.undo', 'done'],
    ]);
    const kinds = (await test.app.store.stream(`run/${run.id}`)).map(entry => entry.fact.kind);
    expect(kinds.at(-1)).toBe('run.finished');
  });

  it('does not take the process down when it forgets to await a step that fails', async () => {
    const run = await runOf(`void step.exec('forgotten', ['false']);
    await step.exec('awaited', ['true']);`);
    expect(run.state).toBe('succeeded');
    expect(new Set(states(run).map(String))).toEqual(new Set(['forgotten,failed', 'awaited,done']));
    expect((await test.call('GET', '/healthz')).status).toBe(200);
  });

  it('is over when its function is: what it still waits for is let go, and its question is closed', async () => {
    const run = await runOf(`await Promise.race([
      step.approve('ask', { ask: 'Go on at once?', by: 'sre' }).then(() => step.exec('late', ['true'])),
      step.wait('pause', '1s'),
    ]);
    await step.exec('last', ['true']);`);
    expect(run.state).toBe('succeeded');
    expect(states(run)).toEqual([
      ['ask', 'failed'],
      ['pause', 'done'],
      ['last', 'done'],
    ]);
    expect(await test.app.store.approvals({ run: run.id })).toMatchObject([{ state: 'void' }]);
  });

  it('still waits in what it undoes', async () => {
    const run = await runOf(`await step.exec('done', ['true'], { undo: { type: 'wait', input: '1s' } });
    void step.wait('forgotten', '10m');
    await step.exec('broken', ['false']);`);
    expect(run).toMatchObject({ state: 'failed', because: expect.stringContaining('broken: exit code 1') });
    expect(Object.fromEntries(states(run))).toEqual({
      done: 'undone',
      forgotten: 'failed',
      broken: 'failed',
      'done.undo': 'done',
    });
  });

  it('gives times as milliseconds, wherever a step takes one', async () => {
    const run = await runOf(`await step.wait('pause', 20);
    await step.verify('look', { exec: ['true'], every: 1000, within: 60_000 });
    void step.approve('ask', { ask: 'Go on?', by: 'sre', expires: 120_000 });`);
    expect(run).toMatchObject({ state: 'succeeded', steps: [{ state: 'done' }, { state: 'done' }, { id: 'ask' }] });
    const [asked] = await test.app.store.approvals({ run: run.id });
    expect((asked?.expiresAt ?? 0) - (asked?.createdAt ?? 0)).toBe(120_000);
  });
});
