import { describe, expect, it } from 'vitest';
import type { Approval } from '../../src/model/approval.ts';
import type { Run, Waiting } from '../../src/model/run.ts';
import type { StepAsk } from '../../src/ports/step.ts';
import approve from '../../src/steps/approve.ts';
import notify from '../../src/steps/notify.ts';
import runbook from '../../src/steps/runbook.ts';
import wait from '../../src/steps/wait.ts';
import { createClock } from '../doubles/clock.ts';
import { makeStepContext, sampleRun } from '../doubles/step-context.ts';

const start = Date.UTC(2026, 0, 1);

describe('wait', () => {
  const since = (after: number): Waiting => ({ for: 'timer', wakeAt: null, on: null, since: start - after });
  it.each([
    [null, { state: 'waiting', for: 'timer', wakeAt: start + 60_000 }],
    [since(59_999), { state: 'waiting', for: 'timer', wakeAt: start + 1 }],
    [since(60_000), { state: 'done', output: null }],
    [since(3_600_000), { state: 'done', output: null }],
  ])('%j', async (waiting, expected) => {
    const { context } = await makeStepContext({ clock: createClock(start), waiting });
    expect(await wait.run(wait.input.parse('1m'), context)).toEqual(expected);
  });
});

describe('approve', () => {
  const ask = approve.input.parse({ ask: 'Go on?', by: 'sre', expires: '10m', reason: true });
  const answered = async (facts: Partial<Approval>) => {
    const asked: StepAsk[] = [];
    const { context } = await makeStepContext();
    const known = await context.approval({ question: '', by: [], quorum: 1, expires: 0, reasonRequired: false });
    const approval = async (one: StepAsk) => {
      asked.push(one);
      return { ...known, ...facts };
    };
    return { result: await approve.run(ask, { ...context, approval }), asked };
  };

  it('asks once what the runbook says', async () => {
    expect((await answered({})).asked).toEqual([
      { question: 'Go on?', by: ['sre'], quorum: 1, expires: 600_000, reasonRequired: true },
    ]);
  });
  it('waits for votes until it expires', async () => {
    const { result } = await answered({ state: 'open', id: 'apv_9', expiresAt: 77 });
    expect(result).toEqual({ state: 'waiting', for: 'approval', on: 'apv_9', wakeAt: 77 });
  });
  it('goes on with who approved', async () => {
    const vote = {
      person: 'person:bob',
      account: null,
      via: 'console',
      vote: 'approve' as const,
      reason: 'fine',
      at: 1,
    };
    const { result } = await answered({ state: 'approved', votes: [vote] });
    expect(result).toEqual({ state: 'done', output: { by: ['person:bob'], reason: 'fine' } });
  });
  it.each(['denied', 'expired', 'void'] as const)('%s fails with the reason, and never goes on', async state => {
    expect((await answered({ state, because: 'bob said no' })).result).toEqual({
      state: 'failed',
      because: 'bob said no',
    });
    expect((await answered({ state, because: null })).result).toEqual({ state: 'failed', because: state });
  });
});

describe('runbook', () => {
  const call = runbook.input.parse({ name: 'other', params: { host: 'a\u202eb' } });
  const ended = async (facts: Partial<Run>) => {
    const calls: unknown[] = [];
    const { context } = await makeStepContext({
      child: async (...given) => {
        calls.push(given);
        return sampleRun({ id: 'run_9', ...facts });
      },
    });
    return { result: await runbook.run(call, context), calls };
  };

  it('waits for a run that is not ended', async () => {
    for (const state of ['waiting', 'queued', 'running', 'asking'] as const) {
      const { result, calls } = await ended({ state });
      expect(result).toMatchObject({ state: 'waiting', for: 'run', on: 'run_9' });
      expect(calls).toEqual([['other', { host: 'a\u202eb' }]]);
    }
  });
  it.each([
    ['succeeded', 'done', undefined],
    ['failed', 'failed', 'failed'],
    ['cancelled', 'failed', 'failed'],
    ['ineffective', 'failed', 'ineffective'],
    ['unconfirmed', 'failed', 'unconfirmed'],
  ] as const)('a run that ended %s is %s', async (state, becomes, ending) => {
    const { result } = await ended({ state, because: 'x' });
    expect(result.state).toBe(becomes);
    if (result.state === 'failed') expect(result.ending).toBe(ending);
  });
  it('shows what is passed, with nothing hidden', () => expect(runbook.show(call)).toBe('run other host="a\\u202eb"'));
});

describe('notify', () => {
  it('posts data, and calls whom it names', async () => {
    const posts: unknown[] = [];
    const { context } = await makeStepContext({ post: async message => void posts.push(message) });
    const text = '<!channel> @everyone *bold*';
    await notify.run(notify.input.parse({ text, mention: 'sre' }), context);
    expect(posts).toEqual([{ text, mention: ['sre'], tone: 'info' }]);
  });
});
