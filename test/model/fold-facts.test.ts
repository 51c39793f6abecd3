import { describe, expect, it } from 'vitest';
import { foldApproval, foldRun, newStep, postponeStep } from '../../src/model/fold.ts';
import type { Fact, FactOf } from '../../src/model/journal.ts';
import { endings, type Run, type Step } from '../../src/model/run.ts';
import { noon, sampleApproval, sampleRun } from '../contracts/samples.ts';

const run = 'run_1';
const at = noon + 5000;

/** A run with one step, of which everything is filled in. */
function withStep(step: Partial<Step>, over: Partial<Run> = {}): Run {
  return sampleRun({
    state: 'running',
    startedAt: noon,
    crashes: 2,
    steps: [newStep('a', { type: 'exec', title: 'A', attempts: 1, startedAt: noon, inputDigest: 'x', ...step })],
    ...over,
  });
}

const timer = { for: 'timer', wakeAt: noon + 60_000, on: null, since: noon } as const;
const waiting: Fact = { kind: 'step.waiting', run, step: 'a', waiting: timer };
const retrying: Fact = { kind: 'step.retrying', run, step: 'a', attempt: 2, because: 'exit 1', wakeAt: noon + 9000 };
const interrupted: Fact = { kind: 'step.interrupted', run, step: 'a', attempt: 1, because: 'killed' };
const begun: Fact = { kind: 'run.started', run, token: 3 };
const undone: Fact = { kind: 'step.undone', run, step: 'a' };
const asking: Fact = { kind: 'run.asking', run, step: 'a', because: 'nobody knows' };
const cancelling: Fact = { kind: 'run.cancelling', run, reason: 'enough' };
const released: Fact = { kind: 'run.released', run, because: 'approved' };
const started: FactOf<'step.started'> = {
  kind: 'step.started',
  run,
  step: 'a',
  type: 'http',
  title: 'Ask it',
  attempt: 2,
  idempotent: true,
  inputDigest: 'y',
  token: 3,
};
const finished: FactOf<'step.finished'> = {
  kind: 'step.finished',
  run,
  step: 'a',
  attempt: 1,
  state: 'done',
  output: { n: 1 },
  exitCode: 0,
  because: 'fine',
  log: null,
  ending: null,
};
const ended: FactOf<'run.finished'> = { kind: 'run.finished', run, state: 'failed', because: 'a: exit 1' };
const answered = (choice: FactOf<'step.answered'>['choice'], reason: string | null = null): Fact => ({
  kind: 'step.answered',
  run,
  step: 'a',
  choice,
  reason,
});

describe('how often a worker took a run and nothing came of it', () => {
  it.each<[string, Fact]>([
    ['a wait that begins', waiting],
    ['a retry that is put off', retrying],
    ['a result', finished],
    ['a failure', { ...finished, state: 'failed' }],
  ])('begins anew with %s: the worker that wrote it was alive', (_, fact) => {
    const before = withStep({ state: 'running' });
    expect(foldRun(before, fact, at).crashes).toBe(0);
    expect(foldRun(foldRun(before, fact, at), begun, at).crashes).toBe(1);
  });

  it.each<[string, Fact]>([
    ['an attempt that begins', started],
    ['an attempt that was interrupted', interrupted],
    ['a question', asking],
    ['a cancel', cancelling],
    ['a release', released],
    ['an answer', answered('retry')],
    ['an undo', undone],
  ])('stays as it is with %s', (_, fact) => {
    expect(foldRun(withStep({ state: 'running' }), fact, at).crashes).toBe(2);
  });

  it('is counted at each start, and the first start stays the start of the run', () => {
    const queued = sampleRun();
    const first = foldRun(queued, begun, noon + 1);
    const second = foldRun(first, begun, noon + 2);
    expect([first.crashes, second.crashes]).toEqual([1, 2]);
    expect([first.startedAt, second.startedAt, second.state]).toEqual([noon + 1, noon + 1, 'running']);
  });
});

describe('what a fact makes of a step', () => {
  const made = (fact: Fact, step: Partial<Step> = {}) => foldRun(withStep({ state: 'running', ...step }), fact, at);

  it('step.started: as it was asked for, and what it waited for or failed by is gone', () => {
    const one = made(started, { state: 'waiting', waiting: timer, because: 'exit 1', startedAt: null });
    expect(one.steps[0]).toEqual(
      newStep('a', {
        type: 'http',
        title: 'Ask it',
        state: 'running',
        attempts: 2,
        idempotent: true,
        inputDigest: 'y',
        startedAt: at,
      }),
    );
    expect(made(started).steps[0]?.startedAt).toBe(noon);
  });

  it('step.waiting: it says for what, and the run is due then and holds no worker', () => {
    expect(made(waiting)).toMatchObject({
      state: 'waiting',
      wakeAt: timer.wakeAt,
      steps: [{ state: 'waiting', waiting: timer }],
    });
  });

  it('step.retrying: it waits for the next try, and says why', () => {
    expect(made(retrying)).toMatchObject({
      state: 'waiting',
      wakeAt: noon + 9000,
      steps: [
        {
          state: 'waiting',
          because: 'exit 1',
          waiting: { for: 'retry', wakeAt: noon + 9000, on: null, since: at },
        },
      ],
    });
  });

  it('step.finished: all of the result, and nothing that it waited for', () => {
    expect(made({ ...finished, window: 60_000 }, { state: 'waiting', waiting: timer }).steps[0]).toMatchObject({
      state: 'done',
      attempts: 1,
      output: { n: 1 },
      exitCode: 0,
      because: 'fine',
      ending: null,
      window: 60_000,
      waiting: null,
      finishedAt: at,
    });
    expect(made({ ...finished, ending: 'ineffective' }).steps[0]).toMatchObject({
      ending: 'ineffective',
      window: null,
    });
    // The entry of a group or of a skipped step counts no attempt; it takes none away either.
    expect(made({ ...finished, attempt: 0 }, { attempts: 3 }).steps[0]?.attempts).toBe(3);
    expect(made({ ...finished, attempt: 5 }, { attempts: 3 }).steps[0]?.attempts).toBe(5);
  });

  it('step.interrupted and step.undone', () => {
    expect(made(interrupted).steps[0]).toMatchObject({ state: 'unknown', because: 'killed' });
    expect(made(undone, { state: 'done' }).steps[0]).toMatchObject({ state: 'undone', because: null });
  });

  it('of another step changes no other', () => {
    const before = withStep({ state: 'running' });
    const two = foldRun(before, { ...started, step: 'b', attempt: 1 }, at);
    expect(two.steps.map(step => [step.id, step.state])).toEqual([
      ['a', 'running'],
      ['b', 'running'],
    ]);
    expect(two.steps[0]).toBe(before.steps[0]);
    expect(foldRun(two, { ...finished, step: 'b' }, at).steps.map(step => step.state)).toEqual(['running', 'done']);
    expect(foldRun(two, { ...started, step: 'c' }, at).steps[2]).toMatchObject({ id: 'c', finishedAt: null });
  });

  it('a step that nobody has seen begins pending', () => {
    expect(newStep('n')).toEqual({
      id: 'n',
      type: 'unknown',
      title: 'n',
      state: 'pending',
      attempts: 0,
      idempotent: false,
      inputDigest: null,
      waiting: null,
      exitCode: null,
      output: null,
      because: null,
      ending: null,
      window: null,
      startedAt: null,
      finishedAt: null,
    });
  });
});

describe('what a fact makes of the run', () => {
  it('run.asking: the question and its number, and what it is about', () => {
    const first = foldRun(withStep({ state: 'unknown' }), asking, at);
    expect(first).toMatchObject({ state: 'asking', because: 'nobody knows', question: { number: 1, step: 'a' } });
    expect(foldRun(first, asking, at).question).toEqual({ number: 2, step: 'a' });
  });

  it('run.cancelling: asked for, with the reason, while the run goes on', () => {
    expect(foldRun(withStep({ state: 'running' }), cancelling, at)).toMatchObject({
      state: 'running',
      cancel: { by: '', reason: 'enough' },
      finishedAt: null,
    });
  });

  it('what is said in its thread, and what has no fold: an entry more', () => {
    const said: Fact = { kind: 'step.said', run, step: 'a', text: 'look', mention: [], tone: 'info' };
    const before = withStep({ state: 'running' });
    expect(foldRun(before, said, at)).toEqual({ ...before, version: before.version + 1 });
  });

  it('run.released: for a worker', () => {
    expect(foldRun(sampleRun({ state: 'waiting' }), released, at).state).toBe('queued');
  });

  it('run.amended: only its explanation, and its ending where that changes too', () => {
    const over = foldRun(withStep({ state: 'done' }), { ...ended, state: 'succeeded', because: null }, at);
    const told = foldRun(over, { kind: 'run.amended', run, because: 'it fired again' }, at + 1);
    expect(told).toMatchObject({ state: 'succeeded', because: 'it fired again', finishedAt: at, wakeAt: null });
    const other = foldRun(told, { kind: 'run.amended', run, because: 'not', state: 'ineffective' }, at + 2);
    expect(other).toMatchObject({ state: 'ineffective', because: 'not', finishedAt: at });
  });

  it.each<[Parameters<typeof answered>[0], string | null, Partial<Step>]>([
    ['retry', null, { state: 'pending', because: null }],
    ['retry', 'it is up again', { state: 'pending', because: null }],
    ['skip', null, { state: 'skipped', because: 'a person skipped it' }],
    ['skip', 'done by hand', { state: 'skipped', because: 'done by hand' }],
    ['abort', null, { state: 'failed', because: 'a person aborted the run here' }],
    ['abort', 'too risky', { state: 'failed', because: 'too risky' }],
  ])('an answer %s, reason %s: for a worker again, without the question', (choice, reason, step) => {
    const before = withStep({ state: 'unknown', because: 'killed' }, { state: 'asking', because: 'nobody knows' });
    expect(foldRun(before, answered(choice, reason), at)).toMatchObject({
      state: 'queued',
      because: null,
      steps: [step],
    });
  });

  it('a run of steps that only wait holds no worker; one that works or has nothing to wait for does', () => {
    const state = (states: Step['state'][], over: Partial<Run> = {}) =>
      foldRun(
        withStep({}, { steps: states.map((one, n) => newStep(`s${n}`, { state: one, waiting: timer })), ...over }),
        { ...undone, step: 's0' },
        at,
      ).state;
    expect(state(['done', 'waiting'])).toBe('waiting');
    expect(state(['done', 'waiting', 'running'])).toBe('running');
    expect(state(['done', 'running'])).toBe('running');
    expect(state(['done'])).toBe('running');
    expect(state(['done', 'waiting'], { state: 'asking' })).toBe('asking');
    expect(state(['done', 'waiting'], { state: 'queued' })).toBe('queued');
    expect(state(['done'], { state: 'waiting' })).toBe('running');
    // An approval is waited for before the first worker has it.
    expect(state(['done'], { state: 'waiting', startedAt: null })).toBe('waiting');
  });

  it('is due when the first of its waiting steps is, and never by one that does not wait any more', () => {
    const due = (steps: Partial<Step>[]) =>
      foldRun(withStep({}, { steps: steps.map((one, n) => newStep(`s${n}`, one)) }), { ...undone, step: 'none' }, at)
        .wakeAt;
    const until = (wakeAt: number | null) => ({ ...timer, wakeAt });
    expect(
      due([
        { state: 'waiting', waiting: until(3) },
        { state: 'waiting', waiting: until(2) },
      ]),
    ).toBe(2);
    expect(
      due([
        { state: 'waiting', waiting: until(3) },
        { state: 'done', waiting: until(2) },
      ]),
    ).toBe(3);
    expect(due([{ state: 'waiting', waiting: until(null) }])).toBeNull();
    expect(
      due([
        { state: 'waiting', waiting: null },
        { state: 'waiting', waiting: until(4) },
      ]),
    ).toBe(4);
    expect(due([{ state: 'done', waiting: until(2) }])).toBeNull();
  });
});

describe('an ending', () => {
  it('closes what was under way: unknown without a result, failed where it waited, and why', () => {
    const steps = [
      newStep('run', { state: 'running', because: null }),
      newStep('retry', { state: 'waiting', because: 'exit 1', waiting: timer }),
      newStep('timer', { state: 'waiting', waiting: timer }),
      newStep('fine', { state: 'done', because: 'well' }),
    ];
    const over = foldRun(withStep({}, { steps }), ended, at);
    expect(over).toMatchObject({ state: 'failed', because: 'a: exit 1', finishedAt: at, wakeAt: null });
    expect(over.steps.map(step => [step.state, step.because, step.waiting, step.finishedAt])).toEqual([
      ['unknown', 'the run ended failed before a result was recorded', null, null],
      ['failed', 'exit 1; the run ended failed while it waited', null, at],
      ['failed', 'the run ended failed while it waited', null, at],
      ['done', 'well', null, null],
    ]);
  });

  it.each(endings)('%s stays, whatever a late writer appends, and counts the entry', state => {
    const over = foldRun(withStep({ state: 'done' }), { ...ended, state }, at);
    for (const fact of [finished, started, begun, waiting, released, asking, answered('retry'), ended])
      expect(foldRun(over, fact, at + 9)).toEqual({ ...over, version: over.version + 1 });
  });
});

describe('a wake-up that moves', () => {
  const before = withStep(
    {},
    {
      state: 'waiting',
      steps: [
        newStep('a', { state: 'waiting', waiting: { ...timer, wakeAt: 10 } }),
        newStep('b', { state: 'waiting', waiting: { ...timer, wakeAt: 20 } }),
        newStep('c', { state: 'done' }),
      ],
    },
  );

  it('is that of its step alone, and the run is due when the first is', () => {
    const made = postponeStep(before, 'a', 30);
    expect(made.steps.map(step => step.waiting)).toEqual([{ ...timer, wakeAt: 30 }, { ...timer, wakeAt: 20 }, null]);
    expect(made.wakeAt).toBe(20);
    expect(postponeStep(before, 'a', null).wakeAt).toBe(20);
    expect(postponeStep(before, 'b', 5).wakeAt).toBe(5);
  });

  it('is none where the step waits for nothing, or the run is over', () => {
    expect(postponeStep(before, 'c', 5)).toEqual({ ...before, wakeAt: 10 });
    expect(postponeStep({ ...before, state: 'failed' }, 'a', 5).wakeAt).toBeNull();
  });
});

describe('what a fact makes of an approval', () => {
  const approval = 'apv_1';
  const open = sampleApproval({ state: 'open', votes: [], warned: [], escalated: false, closedAt: null, version: 4 });
  const vote = { person: 'alice', account: null, via: 'api', vote: 'approve', reason: null, at: noon } as const;
  const voted: Fact = { kind: 'approval.voted', approval, run, vote };
  const warned = (person: string): Fact => ({ kind: 'approval.warned', approval, run, person });
  const closed: Fact = { kind: 'approval.closed', approval, run, state: 'approved', because: 'two of two' };

  it('counts from 1, whatever number the request has', () => {
    expect(foldApproval(null, { kind: 'approval.requested', approval: open }, at)).toEqual({ ...open, version: 1 });
  });

  it('a vote, and its place in the order', () => {
    const one = foldApproval(open, voted, at);
    expect(one).toEqual({ ...open, version: 5, votes: [vote] });
    expect(foldApproval(one, { ...voted, vote: { ...vote, person: 'bob' } }, at).votes.map(v => v.person)).toEqual([
      'alice',
      'bob',
    ]);
  });

  it('a warning: the newest of each person', () => {
    const one = foldApproval(open, warned('alice'), at);
    expect(one).toEqual({ ...open, version: 5, warned: [{ person: 'alice', at }] });
    const two = foldApproval(foldApproval(one, warned('bob'), at + 1), warned('alice'), at + 2);
    expect(two.warned).toEqual([
      { person: 'bob', at: at + 1 },
      { person: 'alice', at: at + 2 },
    ]);
  });

  it('an escalation: the next group alone, once, until its own time', () => {
    const next: Fact = { kind: 'approval.escalated', approval, run, to: 'leads', expiresAt: at + 60_000 };
    expect(foldApproval(open, next, at)).toEqual({
      ...open,
      version: 5,
      escalated: true,
      expiresAt: at + 60_000,
      ask: { ...open.ask, by: ['leads'], escalate: null },
    });
  });

  it('a closing, after which nothing but the count of entries changes', () => {
    const over = foldApproval(open, closed, at);
    expect(over).toEqual({ ...open, version: 5, state: 'approved', because: 'two of two', closedAt: at });
    for (const fact of [voted, warned('alice'), { ...closed, state: 'denied' as const }])
      expect(foldApproval(over, fact, at + 1)).toEqual({ ...over, version: 6 });
  });

  it('any other fact counts as an entry', () => {
    expect(foldApproval(open, released, at)).toEqual({ ...open, version: 5 });
  });
});
