import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Approval, approval } from '../../src/model/approval.ts';
import { foldApproval, foldRun } from '../../src/model/fold.ts';
import { content, entryBytes, type Fact } from '../../src/model/journal.ts';
import { endings, isEnded, type Run, run } from '../../src/model/run.ts';
import { noon, sampleApproval, sampleRun } from '../contracts/samples.ts';

const id = 'run_1';
const stepId = fc.constantFrom('a', 'b', 'group/c', 'd');
const time = fc.integer({ min: noon, max: noon + 1_000_000 });
const attempt = fc.integer({ min: 1, max: 4 });

/** Facts of a run in no order that makes sense: the fold must hold whatever was written. */
const runFact: fc.Arbitrary<Fact> = fc.oneof(
  fc.constant<Fact>({ kind: 'run.released', run: id, because: 'approved' }),
  fc.integer({ min: 1, max: 9 }).map<Fact>(token => ({ kind: 'run.started', run: id, token })),
  stepId.map<Fact>(step => ({ kind: 'run.asking', run: id, step, because: 'unknown' })),
  fc.constant<Fact>({ kind: 'run.cancelling', run: id, reason: null }),
  fc.constant<Fact>({ kind: 'run.amended', run: id, because: 'resolved later' }),
  fc.record({ step: stepId, attempt, idempotent: fc.boolean() }).map<Fact>(facts => ({
    kind: 'step.started',
    run: id,
    type: 'exec',
    title: 'x',
    inputDigest: 'd',
    token: 1,
    ...facts,
  })),
  fc.tuple(stepId, fc.option(time)).map<Fact>(([step, wakeAt]) => ({
    kind: 'step.waiting',
    run: id,
    step,
    waiting: { for: 'timer', wakeAt, on: null, since: noon },
  })),
  fc
    .record({ step: stepId, attempt, wakeAt: time })
    .map<Fact>(facts => ({ kind: 'step.retrying', run: id, because: 'exit 1', ...facts })),
  fc.record({ step: stepId, attempt, state: fc.constantFrom('done', 'failed', 'skipped') }).map<Fact>(facts => ({
    kind: 'step.finished',
    run: id,
    output: { a: 1 },
    exitCode: 0,
    because: null,
    log: null,
    ending: null,
    ...facts,
  })),
  fc
    .record({ step: stepId, attempt })
    .map<Fact>(facts => ({ kind: 'step.interrupted', run: id, because: 'killed', ...facts })),
  fc.record({ step: stepId, choice: fc.constantFrom('retry', 'skip', 'abort') }).map<Fact>(facts => ({
    kind: 'step.answered',
    run: id,
    reason: null,
    ...facts,
  })),
  stepId.map<Fact>(step => ({ kind: 'step.undone', run: id, step })),
);
const finish = fc
  .constantFrom(...endings)
  .map<Fact>(state => ({ kind: 'run.finished', run: id, state, because: null }));
const runFacts = fc.array(fc.oneof({ weight: 12, arbitrary: runFact }, { weight: 1, arbitrary: finish }), {
  maxLength: 40,
});

/** All states that a run passes through; every input is frozen, so a fold that changed it would throw. */
function foldAll(facts: readonly Fact[]): Run[] {
  const states = [foldRun(null, { kind: 'run.created', run: sampleRun({ version: 77 }) }, noon)];
  for (const [index, fact] of facts.entries()) {
    const known = deepFreeze(states.at(-1) ?? sampleRun());
    states.push(foldRun(known, deepFreeze(fact), noon + index + 1));
  }
  return states;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}

describe('foldRun, whatever was written', () => {
  test('counts entries and stays a run', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        const states = foldAll(facts);
        expect(states.map(state => state.version)).toEqual(states.map((_, index) => index + 1));
        for (const state of states) expect(run.parse(state)).toEqual(state);
      }),
    );
  });

  test('comes out the same from what was stored', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        const read = facts.map(
          fact =>
            content.parse(JSON.parse(entryBytes({ stream: id, actor: { kind: 'system', id: 't' }, at: noon, fact })))
              .fact,
        );
        expect(read).toEqual(facts);
        expect(foldAll(read).at(-1)).toEqual(foldAll(facts).at(-1));
      }),
    );
  });

  test('counts its questions while it goes on; a run that was stored before they were counted has none', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        for (const [index, state] of foldAll(facts).entries()) {
          if (isEnded(state.state)) break;
          const asked = facts.slice(0, index).filter(fact => fact.kind === 'run.asking');
          const last = asked.at(-1);
          expect(state.question).toEqual(last === undefined ? null : { number: asked.length, step: last.step });
        }
      }),
    );
    const { question, ...older } = sampleRun();
    expect(run.parse(older)).toEqual({ ...older, question });
  });

  test('never leaves an ending, and keeps its time', () => {
    fc.assert(
      fc.property(runFacts, finish, runFacts, (before, end, after) => {
        const states = foldAll([...before, end, ...after]).slice(before.length + 1);
        const [first] = states;
        expect(first !== undefined && isEnded(first.state)).toBe(true);
        for (const state of states) {
          expect([state.state, state.finishedAt, state.steps]).toEqual([first?.state, first?.finishedAt, first?.steps]);
          expect(state.wakeAt).toBeNull();
        }
      }),
    );
  });

  test('leaves no step at work or waiting when it is over: unknown is what has no result, failed is what only waited', () => {
    fc.assert(
      fc.property(runFacts, finish, (before, end) => {
        const states = foldAll([...before, end]);
        const [earlier, last] = states.slice(-2);
        if (earlier === undefined || isEnded(earlier.state)) return;
        const after = { running: 'unknown', waiting: 'failed' } as Partial<Record<string, string>>;
        expect(last?.steps.map(step => [step.id, step.state])).toEqual(
          earlier.steps.map(step => [step.id, after[step.state] ?? step.state]),
        );
        for (const [index, step] of (last?.steps ?? []).entries())
          if (earlier.steps[index]?.state !== step.state)
            expect(step.because).toContain(`the run ended ${last?.state}`);
      }),
    );
  });

  test('is due when its first waiting step is', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        for (const state of foldAll(facts)) {
          const times = state.steps.flatMap(step =>
            step.state === 'waiting' && step.waiting?.wakeAt != null ? [step.waiting.wakeAt] : [],
          );
          expect(state.wakeAt).toBe(isEnded(state.state) || times.length === 0 ? null : Math.min(...times));
        }
      }),
    );
  });

  test('has each step once, in the order in which they were first met', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        let order: string[] = [];
        for (const state of foldAll(facts)) {
          const ids = state.steps.map(step => step.id);
          expect(ids).toEqual([...new Set(ids)]);
          expect(ids.slice(0, order.length)).toEqual(order);
          order = ids;
        }
      }),
    );
  });

  test('a step that waits says for what, and no other does', () => {
    fc.assert(
      fc.property(runFacts, facts => {
        for (const step of foldAll(facts).at(-1)?.steps ?? [])
          if (step.state === 'waiting') expect(step.waiting).not.toBeNull();
      }),
    );
  });

  test('counts the times that a worker took it and nothing came of it', () => {
    const started: Fact = { kind: 'run.started', run: id, token: 1 };
    const done: Fact = {
      kind: 'step.finished',
      run: id,
      step: 'a',
      attempt: 1,
      state: 'done',
      output: null,
      exitCode: 0,
      because: null,
      log: null,
      ending: null,
    };
    expect(foldAll([started, started, started]).map(state => state.crashes)).toEqual([0, 1, 2, 3]);
    expect(foldAll([started, started, done, started]).at(-1)?.crashes).toBe(1);
  });

  test('needs run.created first', () => {
    expect(() => foldRun(null, { kind: 'run.released', run: id, because: 'x' }, noon)).toThrow(
      /first entry is run.created/,
    );
  });
});

describe('foldApproval, whatever was written', () => {
  const vote = fc
    .record({ person: fc.constantFrom('alice', 'bob'), vote: fc.constantFrom('approve', 'deny') })
    .map<Fact>(facts => ({
      kind: 'approval.voted',
      approval: 'apv_1',
      run: id,
      vote: { account: null, via: 'api', reason: null, at: noon, ...facts },
    }));
  const escalate = time.map<Fact>(expiresAt => ({
    kind: 'approval.escalated',
    approval: 'apv_1',
    run: id,
    to: 'leads',
    expiresAt,
  }));
  const close = fc.constantFrom('approved', 'denied', 'expired', 'void').map<Fact>(state => ({
    kind: 'approval.closed',
    approval: 'apv_1',
    run: id,
    state,
    because: 'so',
  }));
  const facts = fc.array(fc.oneof(vote, escalate, close), { maxLength: 20 });

  function fold(all: readonly Fact[]): Approval[] {
    const states = [foldApproval(null, { kind: 'approval.requested', approval: sampleApproval({ version: 5 }) }, noon)];
    for (const [index, fact] of all.entries()) {
      states.push(foldApproval(deepFreeze(states.at(-1) ?? sampleApproval()), deepFreeze(fact), noon + index + 1));
    }
    return states;
  }

  test('counts entries and stays an approval', () => {
    fc.assert(
      fc.property(facts, all => {
        const states = fold(all);
        expect(states.map(state => state.version)).toEqual(states.map((_, index) => index + 1));
        for (const state of states) expect(approval.parse(state)).toEqual(state);
      }),
    );
  });

  test('is closed once: no vote and no second closing changes it', () => {
    fc.assert(
      fc.property(facts, close, facts, (before, end, after) => {
        const states = fold([...before, end, ...after]).slice(before.length + 1);
        expect(states[0]?.state).not.toBe('open');
        for (const state of states) expect({ ...state, version: 0 }).toEqual({ ...states[0], version: 0 });
      }),
    );
  });

  test('keeps every vote in its order while it is open', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(vote, escalate), { maxLength: 20 }), all => {
        const votes = all.flatMap(fact => (fact.kind === 'approval.voted' ? [fact.vote] : []));
        expect(fold(all).at(-1)?.votes).toEqual(votes);
      }),
    );
  });

  test('goes to the next group once, with its time', () => {
    const ask = { by: ['sre'], quorum: 2, expires: 60_000, escalate: 'leads', reasonRequired: true };
    const open = foldApproval(null, { kind: 'approval.requested', approval: sampleApproval({ ask }) }, noon);
    const next = foldApproval(
      open,
      { kind: 'approval.escalated', approval: 'apv_1', run: id, to: 'leads', expiresAt: noon + 9 },
      noon,
    );
    expect(next).toMatchObject({
      escalated: true,
      expiresAt: noon + 9,
      ask: { ...ask, by: ['leads'], escalate: null },
    });
  });

  test('needs approval.requested first', () => {
    expect(() =>
      foldApproval(null, { kind: 'approval.closed', approval: 'a', run: id, state: 'void', because: 'x' }, noon),
    ).toThrow(/first entry/);
  });
});
