import { afterEach, describe, expect, it } from 'vitest';
import { beginRun } from '../../../src/flow/pipeline/begin.ts';
import { recoverAll, type Sweeper, startSweeper, voidEdited } from '../../../src/flow/run/recover.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { system } from '../../../src/model/actor.ts';
import type { Approval } from '../../../src/model/approval.ts';
import type { Ask } from '../../../src/model/decision.ts';
import { newStep } from '../../../src/model/fold.ts';
import type { Run, Step, Waiting } from '../../../src/model/run.ts';
import type { Change, Store } from '../../../src/ports/store.ts';
import { sampleApproval, sampleRun } from '../../contracts/samples.ts';
import { askOf, createPlace, type FlowNode, type FlowPlace, person, putRun, runbookOf, until } from '../place.ts';

let place: FlowPlace;
const sweepers: Sweeper[] = [];
afterEach(async () => {
  for (const one of sweepers.splice(0)) await one.stop();
  await place.close();
});

const mend = runbookOf('mend');
const open = async () => {
  place = await createPlace({ runbooks: [mend] });
};
/** What a process does first when it begins. */
const recover = (node: FlowNode = place.node) => recoverAll(node);

const put = (id: string, facts: Partial<Run> = {}) => putRun(place.store, sampleRun({ id, ...facts }));
const step = (id: string, waiting: Partial<Waiting> | null, facts: Partial<Step> = {}) =>
  newStep(id, {
    state: waiting === null ? 'pending' : 'waiting',
    waiting: waiting === null ? null : { for: 'timer', wakeAt: null, on: null, since: 1, ...waiting },
    ...facts,
  });

async function putApproval(facts: Partial<Approval>): Promise<Approval> {
  const doc = sampleApproval({ state: 'open', expiresAt: place.clock.now() + 1_000_000, ...facts });
  await place.store.commit({
    entries: [
      { stream: `approval/${doc.id}`, actor: system, at: 1, fact: { kind: 'approval.requested', approval: doc } },
    ],
    rows: [{ table: 'approval', doc }],
  });
  return doc;
}

/** A run that waits for people. */
async function ask(given: Partial<Ask> = {}, host = 'web-1'): Promise<Approval> {
  const decision = { verdict: 'approve', rule: 'r', because: 'b', ask: { ...askOf('sre'), ...given } } as const;
  const request = { runbook: mend, params: { host }, reason: null, event: null, alert: null, reopened: false } as const;
  const begun = beginRun({ ...request, trigger: 'manual', who: person('rita') }, decision, place.node);
  await place.store.commit(begun.change);
  return begun.approval as Approval;
}
const vote = (id: string, node: FlowNode = place.node, choice: 'approve' | 'deny' = 'approve') =>
  node.act(person('alice'), { kind: 'vote', approval: id, vote: choice, reason: null, seal: null });

const woken = (node: FlowNode = place.node) => node.woken.map(one => one.run);
const kinds = async () => (await place.store.journal({ after: 0, limit: 1000 })).map(({ fact }) => fact.kind);

describe('a process that begins', () => {
  it('sets the timers of runs that wait, and wakes what a worker could go on with, the oldest first', async () => {
    await open();
    const now = place.clock.now();
    const waits = { state: 'waiting', startedAt: 1 } as const;
    await put('run_timer', { ...waits, createdAt: 1, wakeAt: now + 50, steps: [step('s', { wakeAt: now + 50 })] });
    await put('run_due', { ...waits, createdAt: 3, wakeAt: now, steps: [step('s', { wakeAt: now })] });
    await put('run_late', { ...waits, createdAt: 2, wakeAt: now + 1, steps: [step('s', { wakeAt: now + 1 })] });
    await put('run_queued', { createdAt: 4, state: 'queued' });
    await put('run_new', { createdAt: 5, state: 'queued' });
    await put('run_dead', { createdAt: 6, state: 'running', startedAt: 1 });
    await put('run_asking', { createdAt: 7, state: 'asking', startedAt: 1 });
    await put('run_over', { createdAt: 8, state: 'succeeded', startedAt: 1, finishedAt: 2 });
    await recover();
    const timers = place.node.woken.filter(one => one.at !== undefined);
    expect(timers.map(one => [one.run, one.at]).sort()).toEqual([
      ['run_due', now],
      ['run_late', now + 1],
      ['run_timer', now + 50],
    ]);
    // The timers are set before anything is woken.
    expect(place.node.woken.slice(0, 3)).toEqual(timers);
    expect(woken().slice(3)).toEqual(['run_due', 'run_queued', 'run_new', 'run_dead']);
    expect(await kinds()).toEqual(Array(8).fill('run.created'));
  });

  it('changes nothing more when it does so twice', async () => {
    await open();
    const [first, second] = [await ask(), await ask()];
    await place.clock.advance(1_800_000);
    await put('run_queued', { state: 'queued' });
    for (let n = 0; n < 3; n++) await recover();
    expect((await kinds()).filter(kind => kind !== 'run.created' && kind !== 'approval.requested')).toEqual([
      ...['approval.closed', 'run.finished'],
      ...['approval.closed', 'run.finished'],
    ]);
    for (const { id, run } of [first, second]) {
      expect(await place.store.approval(id)).toMatchObject({ state: 'expired', because: 'nobody decided in time' });
      expect(await place.store.run(run ?? '')).toMatchObject({ state: 'expired', because: 'nobody decided in time' });
    }
    expect(woken()).toEqual(['run_queued', 'run_queued', 'run_queued']);
  });
});

describe('a process that ended', () => {
  /** A store whose process ends at its commit of this number: just before it is taken, or just after. */
  function dying(at: number, when: 'before' | 'after'): Store {
    let count = 0;
    return {
      ...place.store,
      async commit(change: Change) {
        count++;
        if (count > at || (count === at && when === 'before')) throw new TocsinError('store-failed');
        const committed = await place.store.commit(change);
        if (count === at) throw new TocsinError('store-failed');
        return committed;
      },
    };
  }
  const stages = [1, 2, 3].flatMap(at => (['before', 'after'] as const).map(when => [when, at] as const));

  it.each(stages)(
    '%s commit %i of a vote: the approval and its run agree afterwards, and the run is woken',
    async (when, at) => {
      await open();
      const { id, run } = await ask();
      await vote(id, place.another(dying(at, when)));
      const next = place.another();
      await recover(next);
      const taken = at > 1 || when === 'after';
      expect((await place.store.approval(id))?.state).toBe(taken ? 'approved' : 'open');
      expect((await place.store.run(run ?? ''))?.state).toBe(taken ? 'queued' : 'waiting');
      expect(new Set(woken(next))).toEqual(new Set(taken ? [run] : []));
      // Whoever goes on finds that nothing is left to do.
      await recover(place.another());
      if (!taken) await vote(id, next);
      expect((await kinds()).filter(kind => !['run.created', 'approval.requested'].includes(kind))).toEqual([
        'approval.voted',
        'approval.closed',
        'run.released',
      ]);
    },
  );

  it.each(stages)('%s commit %i of a denial, the same', async (when, at) => {
    await open();
    const { id, run } = await ask();
    await vote(id, place.another(dying(at, when)), 'deny');
    const next = place.another();
    await recover(next);
    const taken = at > 1 || when === 'after';
    expect((await place.store.run(run ?? ''))?.state).toBe(taken ? 'denied' : 'waiting');
    expect(woken(next)).toEqual([]);
  });

  it.each(stages)('%s commit %i of an expiry: it expires once, and the run ends', async (when, at) => {
    await open();
    const [first, second] = [await ask(), await ask()];
    await place.clock.advance(1_800_000);
    await recover(place.another(dying(at, when))).catch(() => {});
    for (let n = 0; n < 2; n++) await recover(place.another());
    for (const { run } of [first, second]) expect((await place.store.run(run ?? ''))?.state).toBe('expired');
    const more = (await kinds()).filter(kind => !['run.created', 'approval.requested'].includes(kind));
    expect(more.sort()).toEqual(['approval.closed', 'approval.closed', 'run.finished', 'run.finished']);
  });

  it.each(stages)('%s commit %i of an edit, the same: it is void', async (when, at) => {
    await open();
    const { id, run } = await ask();
    place.set.runbooks.set('mend', runbookOf('mend', { files: new Map() }));
    await voidEdited(place.another(dying(at, when))).catch(() => {});
    await voidEdited(place.node);
    await recover();
    expect((await place.store.approval(id))?.state).toBe('void');
    expect((await place.store.run(run ?? ''))?.state).toBe('cancelled');
  });
});

describe('an approval that nobody answers', () => {
  it('is left alone until its very time', async () => {
    await open();
    const { id } = await ask({ expires: 1000 });
    await place.clock.advance(999);
    await recover();
    expect((await place.store.approval(id))?.state).toBe('open');
    await place.clock.advance(1);
    await recover();
    expect((await place.store.approval(id))?.state).toBe('expired');
  });

  it('goes to the next group once, for the same time, and then expires; it never approves', async () => {
    await open();
    const { id, run } = await ask({ expires: 1000, escalate: 'leads' });
    await place.clock.advance(1000);
    for (let n = 0; n < 3; n++) await recover();
    const escalated = await place.store.approval(id);
    expect(escalated).toMatchObject({ state: 'open', escalated: true, ask: { by: ['leads'], escalate: null } });
    expect(escalated?.expiresAt).toBe(place.clock.now() + 1000);
    expect(await place.facts('approval.escalated')).toEqual([
      { kind: 'approval.escalated', approval: id, run, to: 'leads', expiresAt: place.clock.now() + 1000 },
    ]);
    await place.clock.advance(999);
    await recover();
    expect((await place.store.approval(id))?.state).toBe('open');
    await place.clock.advance(1);
    await recover();
    expect([(await place.store.approval(id))?.state, (await place.store.run(run ?? ''))?.state]).toEqual([
      'expired',
      'expired',
    ]);
    expect(woken()).toEqual([]);
  });

  it('is escalated once, and expires once, when several nodes find it in the same moment', async () => {
    await open();
    const { id } = await ask({ expires: 1000, escalate: 'leads' });
    const nodes = [place.another(), place.another(), place.another()];
    await place.clock.advance(1000);
    await Promise.all(nodes.map(recover));
    expect(await place.facts('approval.escalated')).toHaveLength(1);
    await place.clock.advance(1000);
    await Promise.all(nodes.map(recover));
    expect(await place.facts('approval.closed')).toHaveLength(1);
    expect(await place.facts('run.finished')).toHaveLength(1);
    expect((await place.store.approval(id))?.state).toBe('expired');
  });

  it('that was decided in the very moment stays decided, and is not escalated', async () => {
    await open();
    const all = [await ask({ expires: 1000 }), await ask({ expires: 1000, escalate: 'leads' })];
    await place.clock.advance(1000);
    const { clock } = place;
    for (const { id } of all) {
      // As if the vote had come a moment earlier, and the list of what is overdue before it.
      const stale: Store = {
        ...place.store,
        approvals: async query => {
          const found = await place.store.approvals(query);
          clock.jump(clock.now() - 1);
          await vote(id);
          clock.jump(clock.now() + 1);
          return found.filter(one => one.id === id);
        },
      };
      await recover(place.another(stale));
      expect(await place.store.approval(id)).toMatchObject({ state: 'approved', escalated: false });
    }
    expect(await place.facts('approval.escalated')).toEqual([]);
  });

  it('closes before anything is woken, however many there are', async () => {
    await open();
    for (let n = 0; n < 5; n++) await ask({ expires: 1000 }, `web-${n}`);
    await put('run_queued', { state: 'queued' });
    await place.clock.advance(1000);
    let closed = 0;
    const node = place.another();
    node.dispatcher.wake = async () => {
      closed = Math.max(closed, (await place.facts('approval.closed')).length);
    };
    await recover(node);
    expect(closed).toBe(5);
  });
});

describe('a wake-up that got lost', () => {
  const begun = { state: 'waiting', startedAt: 1 } as const;

  it('is sent again to a run whose step waits for what has happened, and to no other', async () => {
    await open();
    await putApproval({ id: 'apv_open', run: 'run_a', step: 's' });
    await putApproval({ id: 'apv_shut', run: 'run_b', step: 's', state: 'approved' });
    await put('run_child', { state: 'succeeded', startedAt: 1, finishedAt: 2 });
    await put('run_works', { state: 'waiting', startedAt: 1, steps: [step('s', { for: 'run', on: 'run_none' })] });
    const cases: [string, Step[]][] = [
      ['run_1_open', [step('s', { for: 'approval', on: 'apv_open' })]],
      ['run_2_shut', [step('s', { for: 'approval', on: 'apv_shut' })]],
      ['run_3_gone', [step('s', { for: 'approval', on: 'apv_none' })]],
      ['run_4_child', [step('s', { for: 'run', on: 'run_child' })]],
      ['run_5_works', [step('s', { for: 'run', on: 'run_works' })]],
      ['run_6_timer', [step('s', { for: 'timer', on: null, wakeAt: null })]],
      ['run_7_unknown', [step('s', { for: 'timer' }), step('t', null, { state: 'unknown' })]],
      ['run_8_later', [step('s', { for: 'approval', on: 'apv_open' }), step('t', { for: 'run', on: 'run_child' })]],
      ['run_9_done', [step('s', { for: 'run', on: 'run_child' }, { state: 'done' }), step('t', { for: 'timer' })]],
      ['run_10_resolve', [step('s', { for: 'resolve', on: 'run_child' })]],
    ];
    for (const [id, steps] of cases) await put(id, { ...begun, steps });
    await recover();
    expect(woken().sort()).toEqual(['run_2_shut', 'run_3_gone', 'run_4_child', 'run_7_unknown', 'run_8_later']);
  });

  it('of a closed approval releases its run; one without an approval stays as it is', async () => {
    await open();
    const { id, run } = await ask();
    const lost = place.another();
    lost.streams.run = async () => {
      throw new TocsinError('store-failed');
    };
    await vote(id, lost);
    await put('run_alone', { state: 'waiting', approval: null });
    await put('run_lost', { state: 'waiting', approval: 'apv_none' });
    expect((await place.store.run(run ?? ''))?.state).toBe('waiting');
    await recover();
    expect((await place.store.run(run ?? ''))?.state).toBe('queued');
    expect(place.node.woken).toEqual([{ run, first: true }]);
    for (const other of ['run_alone', 'run_lost'])
      expect(await place.store.run(other)).toMatchObject({ state: 'waiting', version: 1 });
  });
});

describe('the sweeper', () => {
  const start = (node: FlowNode = place.node) => {
    const sweeper = startSweeper(node);
    sweepers.push(sweeper);
    return sweeper;
  };

  it('does a round every four seconds, and one when it is asked to', async () => {
    await open();
    await put('run_queued', { state: 'queued' });
    const sweeper = start();
    await until(async () => place.clock.sleepers() === 1);
    for (let round = 1; round <= 3; round++) {
      await place.clock.advance(3999);
      expect(woken()).toHaveLength(round - 1);
      await place.clock.advance(1);
      await until(async () => woken().length === round && place.clock.sleepers() === 1);
    }
    await sweeper.sweep();
    expect(woken()).toHaveLength(4);
    await sweeper.stop();
    expect(place.clock.sleepers()).toBe(0);
    expect(place.node.logged).toEqual([]);
  });

  it('goes on after a round that failed, and says once why', async () => {
    await open();
    await put('run_queued', { state: 'queued' });
    let failures = 3;
    const node = place.another({
      ...place.store,
      approvals: async query => {
        if (failures-- > 0) throw new TocsinError('store-failed');
        return await place.store.approvals(query);
      },
    });
    const sweeper = start(node);
    await until(async () => {
      await place.clock.advance(4000);
      return woken(node).length > 0;
    });
    expect(node.logged.map(one => one.message)).toEqual(['the sweeper failed and will try again']);
    await expect(sweeper.sweep()).resolves.toBeUndefined();
  });

  it('looks at a thousand of those that wait in a round, goes on after them in the next, and then begins anew', async () => {
    await open();
    await putApproval({ id: 'apv_shut', run: 'x', step: 's', state: 'denied' });
    const ids: string[] = [];
    const change: Required<Pick<Change, 'entries' | 'rows'>> = { entries: [], rows: [] };
    const wait = (id: string, createdAt: number, on: string) => {
      ids.push(id);
      const run = sampleRun({
        id,
        createdAt,
        ...{ state: 'waiting' as const, startedAt: 1 },
        steps: [step('s', { for: 'approval', on })],
      });
      change.entries = [
        ...change.entries,
        { stream: `run/${id}`, actor: system, at: 1, fact: { kind: 'run.created', run } },
      ];
      change.rows = [...change.rows, { table: 'run', doc: run }];
    };
    // Newest first: the oldest is beyond the first thousand.
    wait('run_oldest', 1, 'apv_shut');
    await putApproval({ id: 'apv_open', run: 'x', step: 's' });
    for (let n = 0; n < 1000; n++) wait(`run_${n}`, 2 + n, 'apv_open');
    wait('run_newest', 5000, 'apv_shut');
    await place.store.commit(change);
    const sweeper = start();
    const round = async () => {
      place.node.woken.length = 0;
      await sweeper.sweep();
      return woken();
    };
    expect(await round()).toEqual(['run_newest']);
    expect(await round()).toEqual(['run_oldest']);
    expect(await round()).toEqual(['run_newest']);
  });
});
