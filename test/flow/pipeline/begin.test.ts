import { afterEach, describe, expect, it } from 'vitest';
import { defaultAsk } from '../../../src/flow/people/default-ask.ts';
import { askPolicy, beginRun, claimPlan, gatherFacts, type Request } from '../../../src/flow/pipeline/begin.ts';
import { makePlan } from '../../../src/flow/pipeline/plan.ts';
import type { Limit, Rule } from '../../../src/ports/catalogue.ts';
import type { Runbook } from '../../../src/ports/runbook.ts';
import { sampleAlert, sampleEvent, sampleIncoming, sampleRun } from '../../contracts/samples.ts';
import { askOf, createPlace, deliveryOf, type FlowPlace, person, putRun, ruleOf, runbookOf } from '../place.ts';

const hour = 3_600_000;
let place: FlowPlace;
afterEach(() => place.close());

const limited = (limit: Partial<Limit>): Rule => ruleOf({ limit: { perHour: null, perTarget: null, ...limit } });

async function open(rules: readonly Rule[], runbooks: readonly Runbook[] = [runbookOf('mend')]) {
  place = await createPlace({ rules, runbooks });
  const caughtUp = await place.node.pipeline();
  let count = 0;
  return {
    /** Another alert comes; resolves to what was decided on it. */
    async fire(host = 'web-1') {
      const body = sampleIncoming({ fingerprint: `f${++count}`, labels: { host }, startsAt: place.clock.now() });
      const [taken] = await place.node.intake.receive('am', deliveryOf([body], place.clock.now()));
      await caughtUp();
      const run = (await place.store.runs({})).find(one => one.alert === taken?.alert);
      return run?.decision ?? null;
    },
    caughtUp,
  };
}

const verdicts = async (fire: (host?: string) => Promise<{ verdict: string } | null>, hosts: string[]) => {
  const all: (string | undefined)[] = [];
  for (const host of hosts) all.push((await fire(host))?.verdict);
  return all;
};

describe('the brakes of a rule', () => {
  it('perHour, when it stands alone, counts the runs that began by themselves, of all targets: the next one asks', async () => {
    const { fire } = await open([limited({ perHour: 3 })]);
    expect(await verdicts(fire, ['web-1', 'web-2', 'web-3', 'web-4'])).toEqual(['auto', 'auto', 'auto', 'approve']);
    const asked = await fire('web-5');
    expect(asked?.because).toContain('mend ran 3 times by itself in the last hour, the limit is 3');
    // What asked does not count, and after the hour nothing does.
    await place.clock.advance(hour);
    expect(await verdicts(fire, ['web-1', 'web-2', 'web-3', 'web-4'])).toEqual(['auto', 'auto', 'auto', 'approve']);
  });

  it('perHour counts each runbook for itself', async () => {
    const trigger = runbookOf('x').triggers;
    const other = runbookOf('other', { triggers: trigger.map(one => ({ ...one, source: 'elsewhere' })) });
    const { fire } = await open([limited({ perHour: 1 })], [runbookOf('mend'), other]);
    await putRun(place.store, sampleRun({ id: 'run_other', runbook: 'other', createdAt: place.clock.now() }));
    expect(await verdicts(fire, ['web-1', 'web-1'])).toEqual(['auto', 'approve']);
  });

  it('perTarget counts the runs on the target, and looks back further than an hour', async () => {
    const { fire } = await open([limited({ perTarget: { count: 2, within: 3 * hour } })]);
    expect(await verdicts(fire, ['web-1', 'web-2'])).toEqual(['auto', 'auto']);
    await place.clock.advance(hour);
    expect(await verdicts(fire, ['web-1'])).toEqual(['auto']);
    await place.clock.advance(hour);
    expect(await verdicts(fire, ['web-1', 'web-2', 'web-2'])).toEqual(['approve', 'auto', 'approve']);
    await place.clock.advance(hour);
    expect(await verdicts(fire, ['web-1', 'web-1'])).toEqual(['auto', 'approve']);
  });

  it('hold also for many at once; what people asked for counts for nothing', async () => {
    const { caughtUp } = await open([limited({ perHour: 3 })]);
    for (let n = 0; n < 3; n++) {
      const act = { kind: 'run', runbook: 'mend', params: { host: `db-${n}` }, alert: null, reason: null } as const;
      expect(await place.node.act(person('alice'), act)).toMatchObject({ ok: true });
    }
    const events = Array.from({ length: 6 }, (_, n) =>
      sampleIncoming({ fingerprint: `g${n}`, labels: { host: `web-${n}` } }),
    );
    await place.node.intake.receive('am', deliveryOf(events, place.clock.now()));
    await caughtUp();
    const runs = (await place.store.runs({})).filter(run => run.trigger === 'event');
    expect(runs.map(run => run.decision.verdict).sort()).toEqual([
      ...Array(3).fill('approve'),
      ...Array(3).fill('auto'),
    ]);
  });
});

const request = (facts: Partial<Request> = {}): Request => ({
  runbook: runbookOf('mend'),
  params: { host: 'web-1' },
  trigger: 'event',
  who: { kind: 'source', id: 'am' },
  reason: null,
  event: null,
  alert: null,
  reopened: false,
  ...facts,
});

describe('what policy may look at', () => {
  const seen = async (facts: Partial<Request> = {}) => {
    const all: unknown[] = [];
    place.set.policy = { rules: [ruleOf({ text: 'history.runsLastHour > 0', when: one => all.push(one) > 0 })] };
    const decision = await askPolicy(request(facts), place.node);
    return { variables: all[0] as Parameters<Rule['when']>[0], decision };
  };

  it('is the request, the time, and the automatic runs and failures of the last hour, to the millisecond', async () => {
    place = await createPlace();
    const now = place.clock.now();
    const put = (id: string, at: number, facts: Parameters<typeof sampleRun>[0] = {}) =>
      putRun(place.store, sampleRun({ id, runbook: 'mend', createdAt: at, finishedAt: at, ...facts }));
    await put('run_1', now - hour);
    await put('run_2', now - hour + 1, { state: 'failed' });
    await put('run_3', now - 5, { state: 'ineffective' });
    await put('run_4', now - 5, { state: 'succeeded' });
    await put('run_5', now - 5, { state: 'failed', runbook: 'other' });
    await put('run_6', now - hour, { state: 'failed' });
    await put('run_7', now - 5, { state: 'failed', trigger: 'manual' });
    const event = sampleEvent();
    const alert = sampleAlert();
    const { variables } = await seen({ event, alert });
    expect(variables).toEqual({
      event,
      alert,
      runbook: { id: 'mend', title: 'mend', risk: 'low' },
      params: { host: 'web-1' },
      targets: ['web-1'],
      actor: { kind: 'source', id: 'am' },
      trigger: 'event',
      now,
      history: { runsLastHour: 3, failuresLastHour: 3 },
    });
  });

  it('an event without a proof, a reopening and a halt are not left out', async () => {
    place = await createPlace();
    expect((await seen()).decision.verdict).toBe('auto');
    expect((await seen({ event: sampleEvent({}, { trusted: true }) })).decision.verdict).toBe('auto');
    expect((await seen({ event: sampleEvent({}, { trusted: false }) })).decision.verdict).toBe('approve');
    expect((await seen({ reopened: true })).decision.verdict).toBe('approve');
    await place.node.act(person('carl'), { kind: 'halt', reason: 'incident' });
    expect((await askPolicy(request(), place.node)).because).toBe('carl halted everything: incident');
  });

  it('is no history where no rule looks at it: none is read', async () => {
    place = await createPlace({ rules: [ruleOf()] });
    await putRun(place.store, sampleRun({ id: 'run_1', runbook: 'mend', createdAt: place.clock.now() }));
    const { variables, facts } = await gatherFacts(request(), place.node);
    expect(variables.history).toEqual({ runsLastHour: 0, failuresLastHour: 0 });
    expect([facts.autoRuns, facts.autoRunsOf('web-1'), facts.autoRunsOf('web-2')]).toEqual([[], [], []]);
    place.set.policy = { rules: [ruleOf({ limit: { perHour: 1, perTarget: null } })] };
    const looked = (await gatherFacts(request(), place.node)).facts;
    const at = place.clock.now();
    expect([looked.autoRuns, looked.autoRunsOf('web-1'), looked.autoRunsOf('web-2')]).toEqual([[at], [at], []]);
  });

  it('asks the operators where policy names nobody, else everybody', () => {
    const people = { alice: { accounts: {} }, bob: { accounts: {} } };
    const config = (operators: string[]) => ({ config: { operators, people } as never });
    const rest = { quorum: 1, expires: 1_800_000, escalate: null, reasonRequired: false };
    expect(defaultAsk(config(['sre']))).toEqual({ by: ['sre'], ...rest });
    expect(defaultAsk(config([]))).toEqual({ by: ['alice', 'bob'], ...rest });
  });
});

describe('a run that begins', () => {
  const outline = () => [
    { id: 'one', type: 'exec', title: 'First', shows: 'true' },
    { id: 'two', type: 'wait', title: 'Then', shows: '1s' },
  ];
  const mend = runbookOf('mend', { outline, secrets: ['b', 'a'] });

  it('that asks waits for an approval of exactly its plan, on which its requester may not vote', async () => {
    place = await createPlace();
    const asked = request({ runbook: mend, who: person('rita'), reason: 'to see', after: 'run_0' });
    const decision = { verdict: 'approve' as const, rule: 'people', because: 'it held', ask: askOf('sre') };
    const { run, approval, change } = beginRun(asked, decision, place.node);
    const at = place.clock.now();
    const planned = makePlan(mend, { host: 'web-1' });
    expect(planned.plan.secrets).toEqual(['a', 'b']);
    expect(run).toMatchObject({
      id: expect.stringMatching(/^run_/),
      runbook: 'mend',
      params: { host: 'web-1' },
      targets: ['web-1'],
      planHash: planned.hash,
      state: 'waiting',
      requestedBy: 'person:rita',
      reason: 'to see',
      after: 'run_0',
      approval: approval?.id,
      steps: [
        { id: 'one', type: 'exec', title: 'First', state: 'pending' },
        { id: 'two', type: 'wait', title: 'Then', state: 'pending' },
      ],
      createdAt: at,
    });
    expect(approval).toEqual({
      id: expect.stringMatching(/^apv_/),
      run: run.id,
      step: null,
      gate: null,
      claim: null,
      alert: null,
      runbook: 'mend',
      planHash: planned.hash,
      title: 'mend',
      question: 'Run mend?',
      risk: 'low',
      rule: 'people',
      ask: askOf('sre'),
      barred: ['person:rita'],
      state: 'open',
      votes: [],
      because: null,
      createdAt: at,
      expiresAt: at + 1_800_000,
      closedAt: null,
      warned: [],
      escalated: false,
      version: 1,
    });
    expect(change.entries).toMatchObject([
      { stream: `run/${run.id}`, actor: person('rita'), fact: { kind: 'run.created', run } },
      { stream: `approval/${approval?.id}`, actor: { kind: 'system' }, fact: { kind: 'approval.requested', approval } },
    ]);
    expect(change.rows).toEqual([
      { table: 'run', doc: run },
      { table: 'approval', doc: approval },
    ]);
    expect(change.blobs?.map(one => one.digest)).toEqual([planned.hash, planned.plan.files['mend.yaml']]);
  });

  it('by itself is queued and asks nobody, whoever would be asked', async () => {
    place = await createPlace();
    const alert = sampleAlert({ episode: 3 });
    const decision = { verdict: 'auto' as const, rule: 'free', because: 'it held', ask: askOf('sre') };
    const begun = beginRun(request({ alert, event: sampleEvent() }), decision, place.node, { run: 'run_0', step: 's' });
    expect(begun.approval).toBeNull();
    expect(begun.run).toMatchObject({
      state: 'queued',
      approval: null,
      alert: alert.id,
      episode: 3,
      event: 'evt_1',
      requestedBy: 'source:am',
      after: null,
      parent: { run: 'run_0', step: 's' },
    });
    expect(begun.change.rows).toEqual([{ table: 'run', doc: begun.run }]);
    expect(begun.change.entries).toHaveLength(1);
    // Nobody to ask: it waits, and has no approval that anybody could give.
    const nobody = beginRun(request({ alert }), { ...decision, verdict: 'approve', ask: null }, place.node);
    expect([nobody.approval, nobody.run.state]).toEqual([null, 'waiting']);
  });
});

describe('one plan is open once for an alert', () => {
  const decision = { verdict: 'approve' as const, rule: 'people', because: 'it held', ask: askOf('sre') };
  const alert = sampleAlert({ id: 'alt_9' });

  it('whoever asks: the guard of a second one on another node does not hold', async () => {
    place = await createPlace();
    const begin = () => beginRun(request({ alert }), decision, place.node);
    const [first, second] = [begin(), begin()];
    const [mine, theirs] = [await claimPlan(first, place.node), await claimPlan(second, place.another())];
    expect(mine).toEqual([
      {
        kind: 'claim',
        space: 'open-plan',
        key: `alt_9/${first.run.planHash}/0`,
        at: place.clock.now(),
        keep: null,
      },
    ]);
    await place.store.commit({ ...first.change, guards: mine ?? [] });
    await expect(place.store.commit({ ...second.change, guards: theirs ?? [] })).rejects.toMatchObject({
      code: 'guard-failed',
    });
    expect(await claimPlan(second, place.node)).toBeNull();
    // Another plan, another alert, no alert, and nobody to ask: none of them is in its way.
    const other = beginRun(request({ alert, params: { host: 'web-2' } }), decision, place.node);
    expect(await claimPlan(other, place.node)).toHaveLength(1);
    const elsewhere = beginRun(request({ alert: sampleAlert({ id: 'alt_8' }) }), decision, place.node);
    expect(await claimPlan(elsewhere, place.node)).toHaveLength(1);
    expect(await claimPlan(beginRun(request(), decision, place.node), place.node)).toEqual([]);
    const free = beginRun(request({ alert }), { ...decision, verdict: 'auto' }, place.node);
    expect(await claimPlan(free, place.node)).toEqual([]);
  });

  it('and again once it was decided, or has begun', async () => {
    place = await createPlace();
    // One of the same plan that ran by itself is not counted.
    await place.store.commit(beginRun(request({ alert }), { ...decision, verdict: 'auto' }, place.node).change);
    const first = beginRun(request({ alert }), decision, place.node);
    expect(await claimPlan(first, place.node)).toMatchObject([{ key: `alt_9/${first.run.planHash}/0` }]);
    const claim = (await claimPlan(first, place.node)) ?? [];
    await place.store.commit({ ...first.change, guards: claim });
    const later = { ...first.run, version: 2 };
    await place.store.commit({ rows: [{ table: 'run', doc: { ...later, startedAt: 5 } }] });
    const again = await claimPlan(beginRun(request({ alert }), decision, place.node), place.node);
    expect(again).toMatchObject([{ key: `alt_9/${first.run.planHash}/1` }]);
    await place.store.commit({ rows: [{ table: 'run', doc: { ...later, version: 3, state: 'denied' } }] });
    expect(await claimPlan(beginRun(request({ alert }), decision, place.node), place.node)).toHaveLength(1);
  });
});
