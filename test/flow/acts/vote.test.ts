import { afterEach, describe, expect, it } from 'vitest';
import { createSeals } from '../../../src/flow/people/seal.ts';
import { beginRun } from '../../../src/flow/pipeline/begin.ts';
import { afterVote, closePlanApproval } from '../../../src/flow/pipeline/close.ts';
import { voidEdited } from '../../../src/flow/run/recover.ts';
import { type Actor, system } from '../../../src/model/actor.ts';
import type { Approval, Standing } from '../../../src/model/approval.ts';
import type { Ask } from '../../../src/model/decision.ts';
import type { IncomingAlert } from '../../../src/model/event.ts';
import type { Store } from '../../../src/ports/store.ts';
import { sampleIncoming } from '../../contracts/samples.ts';
import { askOf, createPlace, deliveryOf, type FlowPlace, person, ruleOf, runbookOf, service } from '../place.ts';

let place: FlowPlace;
afterEach(() => place.close());

const mend = runbookOf('mend');
const edited = runbookOf('mend', { files: new Map([['mend.yaml', Buffer.from('another text')]]) });

interface Asked {
  ask?: Partial<Ask>;
  /** The alert that asks; a person asks when it is left out. */
  alert?: Partial<IncomingAlert>;
  trigger?: 'event' | 'manual';
  /** Asks about a step of a run that has begun. */
  step?: string;
}

const open = (config: object = {}) =>
  createPlace({ rules: [ruleOf({ decide: 'approve', ask: askOf('sre') })], runbooks: [mend], config });

async function deliver(alert: Partial<IncomingAlert>): Promise<string> {
  const at = place.clock.now();
  const body = sampleIncoming({ startsAt: 1000, occurredAt: at, labels: { host: 'web-1' }, ...alert });
  const [taken] = await place.node.intake.receive('am', deliveryOf([body], at));
  return taken?.alert ?? '';
}

/** A run that waits for people, as the pipeline leaves it. */
async function ask({ ask: given = {}, alert, trigger = 'event', step }: Asked = {}): Promise<Approval> {
  const { node, store } = place;
  const known = alert === undefined ? null : await store.alert(await deliver(alert));
  const decision = { verdict: 'approve', rule: 'r', because: 'it held', ask: { ...askOf('sre'), ...given } } as const;
  const request = {
    runbook: mend,
    params: { host: 'web-1' },
    reason: null,
    event: null,
    alert: known,
    reopened: false,
  };
  const who: Actor = known === null ? person('rita') : { kind: 'source', id: 'am' };
  const begun = beginRun({ ...request, trigger: known === null ? 'manual' : trigger, who }, decision, node);
  const { approval, run } = begun;
  if (approval === null) throw new Error('it asks nobody');
  if (step === undefined) {
    await store.commit(begun.change);
    return approval;
  }
  // In a run that has begun a step asks, and the run has no approval of its own.
  const doc = { ...approval, step };
  await store.commit({
    entries: [
      { stream: `run/${run.id}`, actor: who, at: 0, fact: { kind: 'run.created', run: { ...run, approval: null } } },
      { stream: `run/${run.id}`, actor: system, at: 0, fact: { kind: 'run.started', run: run.id, token: 1 } },
      { stream: `approval/${doc.id}`, actor: system, at: 0, fact: { kind: 'approval.requested', approval: doc } },
    ],
    rows: [
      { table: 'run', doc: { ...run, approval: null, state: 'waiting', startedAt: 1, version: 2 } },
      { table: 'approval', doc },
    ],
  });
  return doc;
}

const vote = (
  id: string,
  who: Actor = person('alice'),
  more: { seal?: string; reason?: string; deny?: true } = {},
  node = place.node,
) =>
  node.act(who, {
    kind: 'vote',
    approval: id,
    vote: more.deny === true ? 'deny' : 'approve',
    reason: more.reason ?? null,
    seal: more.seal ?? null,
  });

const votes = async () => (await place.facts('approval.voted')).map(({ vote: one }) => one.person);
const state = async (id: string) => (await place.store.approval(id))?.state;

describe('the seal of a button', () => {
  it('lets the vote count when it is of this approval, plan and key, and the API needs none', async () => {
    place = await open();
    for (const seal of [true, false]) {
      const { id, planHash } = await ask();
      expect(await vote(id, person('alice'), seal ? { seal: place.node.seals.seal(id, planHash) } : {})).toMatchObject({
        ok: true,
        text: 'Approved. It starts now.',
        approval: id,
      });
    }
    expect(await votes()).toEqual(['alice', 'alice']);
  });

  it('while everything is halted, counts, and the answer does not say that it starts', async () => {
    place = await open();
    const { id } = await ask();
    expect(await place.node.act(person('carl'), { kind: 'halt', reason: '' })).toMatchObject({ ok: true });
    expect(await vote(id)).toMatchObject({
      ok: true,
      text: 'Approved. It starts when somebody resumes: carl halted everything.',
    });
    expect(await place.node.act(person('carl'), { kind: 'halt', reason: '' })).toMatchObject({
      ok: true,
      text: 'Halted already by carl.',
    });
  });

  it('of anything else counts nothing, is refused before all else, and is journalled', async () => {
    place = await open();
    const [mine, other] = [await ask(), await ask()];
    const { seals } = place.node;
    const right = seals.seal(mine.id, mine.planHash);
    const wrong = [
      seals.seal(other.id, other.planHash),
      seals.seal(mine.id, 'b'.repeat(64)),
      seals.seal(mine.run ?? '', mine.planHash),
      createSeals('another key').seal(mine.id, mine.planHash),
      '',
      right.slice(1),
      `${right}0`,
      right.toUpperCase(),
      `é${right.slice(1)}`,
      `é${right.slice(2)}`,
    ];
    // Also where the plan is no longer current: a button that is not ours changes nothing.
    for (const edit of [false, true]) {
      if (edit) place.set.runbooks.set('mend', edited);
      for (const seal of wrong)
        expect(await vote(mine.id, person('alice'), { seal }), seal).toMatchObject({
          ok: false,
          status: 403,
          code: 'forbidden',
          text: 'This button was not made for this plan.',
        });
    }
    expect([await votes(), await state(mine.id)]).toEqual([[], 'open']);
    expect(await place.facts('act.refused')).toHaveLength(wrong.length * 2);
  });
});

describe('a vote', () => {
  it('on what does not exist is told so', async () => {
    place = await open();
    expect(await vote('apv_none')).toMatchObject({
      ok: false,
      status: 404,
      code: 'not-found',
      text: expect.stringContaining('There is no approval "apv_none".'),
    });
  });

  it('is written down with who, how, why and by which right, and releases the run once enough have voted', async () => {
    place = await open();
    const { id, run } = await ask({ ask: { quorum: 2 } });
    const at = place.clock.now();
    const account = { kind: 'person', id: 'alice', via: 'slack', account: 'slack:U1' } as const;
    expect(await vote(id, account, { reason: '  looked at it ' })).toEqual({
      ok: true,
      text: 'Your vote counts. 1 more is needed.',
      run,
      approval: id,
    });
    expect(place.node.woken).toEqual([]);
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'waiting' });
    expect((await place.facts('approval.voted'))[0]?.vote).toEqual({
      person: 'alice',
      account: 'slack:U1',
      via: 'slack',
      vote: 'approve',
      reason: 'looked at it',
      at,
      standing: { group: 'sre', how: 'file', from: 'tocsin.yaml', at },
    });
    expect(await vote(id)).toMatchObject({ status: 409, text: 'You have voted already; a person votes once.' });
    expect(await vote(id, person('bob'), { reason: '  ' })).toMatchObject({ text: 'Approved. It starts now.' });
    expect((await place.facts('approval.voted'))[1]?.vote).toMatchObject({ account: null, via: 'api', reason: null });
    expect(await place.facts('approval.closed')).toEqual([
      { kind: 'approval.closed', approval: id, run, state: 'approved', because: 'approved by alice and bob' },
    ]);
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'queued' });
    expect(place.node.woken).toEqual([{ run, first: true }]);
    expect(await vote(id)).toMatchObject({ status: 409, text: expect.stringContaining('It is approved already') });
  });

  it('says how many more are needed', async () => {
    place = await open();
    expect((await vote((await ask({ ask: { quorum: 3 } })).id)).text).toBe('Your vote counts. 2 more are needed.');
  });

  it('that denies ends the run, whoever approved before', async () => {
    place = await open();
    const { id, run } = await ask({ ask: { quorum: 2 } });
    await vote(id);
    expect(await vote(id, person('bob'), { deny: true, reason: 'no' })).toMatchObject({ ok: true, text: 'Denied.' });
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'denied', because: 'bob denied it: no' });
    expect(place.node.woken).toEqual([]);
  });

  it('of somebody else is refused with the reason and its status', async () => {
    place = await open();
    const { id } = await ask({ ask: { reasonRequired: true } });
    const refusal = async (who: Actor, more = {}) => {
      const answer = await vote(id, who, more);
      return answer.ok ? null : [answer.status, answer.code, answer.text];
    };
    expect(await refusal(service('ci'))).toEqual([
      403,
      'forbidden',
      'Only people vote, and service ci is not a person.',
    ]);
    expect(await refusal(person('rita'))).toEqual([
      403,
      'forbidden',
      'Nobody votes on a run that they asked for themselves.',
    ]);
    expect(await refusal(person('carl'))).toEqual([403, 'forbidden', 'Only sre may vote here.']);
    expect(await refusal(person('alice'))).toEqual([400, 'bad-request', 'The policy wants a reason with each vote.']);
    expect(await refusal(person('alice'), { reason: 'looked at it' })).toBeNull();
  });

  it('that comes too late is refused to the millisecond', async () => {
    place = await open();
    const { id } = await ask({ ask: { expires: 1000, quorum: 2 } });
    await place.clock.advance(999);
    expect((await vote(id)).ok).toBe(true);
    await place.clock.advance(1);
    expect(await vote(id, person('bob'))).toMatchObject({ status: 409, text: 'It has expired.' });
  });

  it('counts once, however often it is pressed at once on two nodes', async () => {
    place = await open();
    const other = place.another();
    const { id } = await ask({ ask: { quorum: 2 } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => vote(id, person('alice'), {}, n % 2 === 0 ? place.node : other)),
    );
    expect(answers.filter(answer => answer.ok)).toHaveLength(1);
    expect([await votes(), await state(id)]).toEqual([['alice'], 'open']);
  });
});

describe('groups of a vote', () => {
  const standing: Standing = { group: 'sre', how: 'live', from: 'slack', at: 5 };
  it('are asked about the alert, and a doubt is told to whoever is refused, and to nobody else', async () => {
    place = await open();
    const { id, alert } = await ask({ alert: {} });
    const asked: unknown[] = [];
    place.node.groups.standing = async (who, names, about) => {
      asked.push([who, names, about.alert?.id]);
      return who === 'alice' ? standing : null;
    };
    place.node.groups.doubt = async (names, about) => `no answer about ${names} and ${about.alert?.id}`;
    expect(await vote(id, person('bob'))).toMatchObject({
      status: 403,
      text: `Only sre may vote here. (no answer about sre and ${alert})`,
    });
    expect(asked).toContainEqual(['bob', ['sre'], alert]);
    expect(await vote(id)).toMatchObject({ ok: true });
    expect((await place.facts('approval.voted'))[0]?.vote.standing).toEqual(standing);
    expect((await vote(id)).text).not.toContain('no answer');
  });

  it('say nothing where nothing is in doubt', async () => {
    place = await open();
    const { id } = await ask();
    expect((await vote(id, person('carl'))).text).toBe('Only sre may vote here.');
  });
});

describe('an escalation', () => {
  const escalate = async (approval: Approval) => {
    await place.another().streams.approval(approval.id, system, now => ({
      facts: [
        {
          kind: 'approval.escalated',
          approval: now.id,
          run: now.run,
          to: 'leads',
          expiresAt: place.clock.now() + 1000,
        },
      ],
    }));
  };
  const leads = { groups: { sre: ['alice', 'bob'], leads: ['carl', 'bob'] } };

  it('between the look and the decision of a vote: who was asked before may not vote any more', async () => {
    place = await open(leads);
    const approval = await ask({ ask: { escalate: 'leads' } });
    const { groups } = place.node;
    let looks = 0;
    const real = groups.standing;
    groups.standing = async (who, names, about) => {
      const found = await real(who, names, about);
      if (looks++ === 0) await escalate(approval);
      return found;
    };
    expect(await vote(approval.id)).toMatchObject({ ok: false, status: 403, text: 'Only leads may vote here.' });
    expect([await votes(), await state(approval.id)]).toEqual([[], 'open']);
    expect(await vote(approval.id, person('carl'))).toMatchObject({ ok: true });
  });

  it('lets those whom it asks cancel the run and answer for it, like those who were asked first, and nobody else', async () => {
    const groups = { sre: ['alice'], leads: ['carl'], others: ['bob'] };
    place = await open({ groups, operators: ['others'] });
    const cancel = async (who: string) => {
      const approval = await ask({ ask: { escalate: 'leads' } });
      if (who !== 'carl, before it') await escalate(approval);
      const act = { kind: 'cancel', run: approval.run ?? '', reason: null } as const;
      return (await place.node.act(person(who.split(',')[0] ?? ''), act)).ok;
    };
    expect([await cancel('alice'), await cancel('carl'), await cancel('rita')]).toEqual([true, true, true]);
    expect(await cancel('carl, before it')).toBe(false);
    const approval = await ask({ ask: { escalate: 'leads' } });
    await escalate(approval);
    const answer = { kind: 'answer', run: approval.run ?? '', step: 's', choice: 'skip', reason: null } as const;
    // Allowed, and there is no question.
    expect(await place.node.act(person('carl'), answer)).toMatchObject({ code: 'not-asked' });
    // A run of somebody else, about which another group was asked.
    const acted = await place.node.act(person('carl'), { kind: 'cancel', run: (await ask()).run ?? '', reason: null });
    expect(acted).toMatchObject({ ok: false, status: 403, text: 'This is for operators, which are others.' });
  });

  it('between the decision and the commit of a vote: it is decided again on who is asked now', async () => {
    place = await open(leads);
    const approval = await ask({ ask: { escalate: 'leads' } });
    let done = false;
    const store: Store = {
      ...place.store,
      async commit(change) {
        if (!done && change.entries?.some(entry => entry.fact.kind === 'approval.voted')) {
          done = true;
          await escalate(approval);
        }
        return await place.store.commit(change);
      },
    };
    expect(await vote(approval.id, person('alice'), {}, place.another(store))).toMatchObject({ status: 403 });
    expect([done, await votes(), await state(approval.id)]).toEqual([true, [], 'open']);
    // Who is asked before and after it votes by the new right.
    expect(await vote(approval.id, person('bob'))).toMatchObject({ ok: true });
    expect((await place.facts('approval.voted'))[0]?.vote.standing?.group).toBe('leads');
  });
});

describe('an edited runbook', () => {
  const refusal = {
    ok: false,
    status: 409,
    code: 'conflict',
    text: 'The runbook was edited after this was asked, so what you saw is not what would run. Ask for the run again.',
  };

  it('is refused at the vote, although nothing told of the edit; the approval becomes void and the run ends', async () => {
    place = await open();
    const { id, run } = await ask();
    place.set.runbooks.set('mend', edited);
    expect(await vote(id)).toMatchObject(refusal);
    expect([await votes(), await state(id)]).toEqual([[], 'void']);
    const because = 'the runbook was edited after this was asked; ask again';
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'cancelled', because });
    // The second press is told what became of it.
    expect(await vote(id)).toMatchObject({ status: 409, text: expect.stringContaining('It is void already') });
  });

  it.each([
    ['that is gone', () => place.set.runbooks.delete('mend')],
    [
      'with a file more',
      () =>
        place.set.runbooks.set('mend', runbookOf('mend', { files: new Map([...mend.files, ['b', Buffer.from('')]]) })),
    ],
    ['with a file less', () => place.set.runbooks.set('mend', runbookOf('mend', { files: new Map() }))],
    [
      'whose file has another name',
      () =>
        place.set.runbooks.set(
          'mend',
          runbookOf('mend', { files: new Map([...mend.files].map(([, bytes]) => ['other.yaml', bytes])) }),
        ),
    ],
  ])('%s is refused as well', async (_, edit) => {
    place = await open();
    const { id } = await ask();
    edit();
    expect(await vote(id)).toMatchObject(refusal);
    expect([await votes(), await state(id)]).toEqual([[], 'void']);
  });

  it('whose stored plan is lost is refused, never approved', async () => {
    place = await open();
    const { id } = await ask();
    const node = place.another({ ...place.store, blob: async () => null });
    expect(await vote(id, person('alice'), {}, node)).toMatchObject(refusal);
    expect(await votes()).toEqual([]);
  });

  it('voids what is open by itself, without a vote, and leaves what is current, decided, or about a step', async () => {
    place = await open();
    const [first, decided, step] = [await ask(), await ask(), await ask({ step: 'sure' })];
    await vote(decided.id);
    const parts = { ...place.node };
    await voidEdited(parts);
    expect(await state(first.id)).toBe('open');
    place.set.runbooks.set('mend', edited);
    await voidEdited(parts);
    expect([await state(first.id), await state(decided.id), await state(step.id)]).toEqual([
      'void',
      'approved',
      'open',
    ]);
    const because = 'the runbook was edited after this was asked; ask again';
    expect(await place.store.run(first.run ?? '')).toMatchObject({ state: 'cancelled', because });
    expect(await place.store.run(decided.run ?? '')).toMatchObject({ state: 'queued' });
    // The same edit once more changes nothing.
    await voidEdited(parts);
    expect((await place.facts('approval.closed')).map(one => one.state)).toEqual(['approved', 'void']);
    // A step is asked about in a run that goes on with its own snapshot.
    expect(await vote(step.id)).toMatchObject({ ok: true });
  });
});

describe('what follows a vote', () => {
  it('happens once when it is done twice, after an approval', async () => {
    place = await open();
    const { id, run } = await ask();
    await vote(id);
    const approval = await place.store.approval(id);
    if (approval === null) throw new Error('gone');
    for (let n = 0; n < 2; n++) await afterVote(approval, place.node);
    expect(await place.facts('run.released')).toEqual([{ kind: 'run.released', run, because: 'approved by alice' }]);
    // The wake-up is sent again while the run waits for a worker, and not once it works or has ended.
    expect(place.node.woken).toEqual(Array(3).fill({ run, first: true }));
    await place.node.streams.run(run ?? '', system, () => ({
      facts: [{ kind: 'run.started', run: run ?? '', token: 1 }],
    }));
    await afterVote(approval, place.node);
    expect(place.node.woken).toHaveLength(3);
    expect(await place.facts('run.released')).toHaveLength(1);
  });

  it.each([
    ['denied', 'denied'],
    ['expired', 'expired'],
    ['void', 'cancelled'],
  ] as const)('happens once when it is done twice, after %s', async (how, ends) => {
    place = await open();
    const { id, run } = await ask();
    if (how === 'denied') await vote(id, person('alice'), { deny: true });
    else await closePlanApproval(id, how, 'a reason', place.node);
    const approval = await place.store.approval(id);
    if (approval === null) throw new Error('gone');
    for (let n = 0; n < 2; n++) await afterVote(approval, place.node);
    const because = how === 'denied' ? 'alice denied it' : 'a reason';
    expect(await place.facts('run.finished')).toEqual([{ kind: 'run.finished', run, state: ends, because }]);
    expect(place.node.woken).toEqual([]);
    // Closing what is closed changes neither.
    await closePlanApproval(id, 'expired', 'another reason', place.node);
    expect(await place.facts('approval.closed')).toHaveLength(1);
    expect(await state(id)).toBe(how);
  });

  it('is nothing while it is open', async () => {
    place = await open();
    const approval = await ask();
    await afterVote(approval, place.node);
    expect(await place.store.run(approval.run ?? '')).toMatchObject({ state: 'waiting' });
    expect(place.node.woken).toEqual([]);
  });

  it('for a step is that its run is woken', async () => {
    place = await open();
    const { id, run } = await ask({ step: 'sure' });
    await vote(id);
    expect(place.node.woken).toEqual([{ run, first: true }]);
    expect(await place.facts('run.released')).toEqual([]);
  });
});

describe('when the alert is over', () => {
  const resolve = (over: Partial<IncomingAlert> = {}) =>
    deliver({ state: 'resolved', endsAt: place.clock.now(), ...over });

  it('a vote on what it asked for voids it and says so, also before the pipeline does', async () => {
    place = await open();
    const { id, run } = await ask({ alert: {} });
    await resolve();
    expect(await vote(id)).toMatchObject({
      status: 409,
      code: 'conflict',
      text: 'Too late: the alert is resolved, so nothing runs. See the thread of the alert.',
    });
    expect([await votes(), await state(id)]).toEqual([[], 'void']);
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'cancelled' });
  });

  it('by a newer episode, the same', async () => {
    place = await open();
    const { id } = await ask({ alert: {} });
    await place.clock.advance(10);
    await deliver({ startsAt: place.clock.now(), stretch: 'startsAt' });
    expect((await vote(id)).text).toContain('a newer episode of the alert began');
    expect([await votes(), await state(id)]).toEqual([[], 'void']);
  });

  it('a vote on what is decided already is told so, and ends nothing', async () => {
    place = await open();
    const { id, run } = await ask({ alert: {} });
    await vote(id);
    await resolve();
    expect((await vote(id, person('bob'))).text).toContain('It is approved already');
    expect(await place.store.run(run ?? '')).toMatchObject({ state: 'queued' });
  });

  it('what a person asked for may still be decided', async () => {
    place = await open();
    const { id } = await ask({ alert: {}, trigger: 'manual' });
    await resolve();
    expect(await vote(id)).toMatchObject({ ok: true });
  });

  it('in the very moment of the vote: the vote is decided again, and refused', async () => {
    place = await open();
    const { id } = await ask({ alert: {} });
    let done = false;
    const store: Store = {
      ...place.store,
      async commit(change) {
        if (!done && change.entries?.some(entry => entry.fact.kind === 'approval.voted')) {
          done = true;
          await resolve();
        }
        return await place.store.commit(change);
      },
    };
    expect(await vote(id, person('alice'), {}, place.another(store))).toMatchObject({
      status: 409,
      text: 'Too late: the alert is resolved.',
    });
    expect([done, await votes()]).toEqual([true, []]);
  });

  describe('a step takes a second press to approve', () => {
    const told =
      'The alert is over, so this may not be needed any more. Press Approve once more if it should go on all the same.';

    it('no sooner than two seconds after the first, and the first is written down once', async () => {
      place = await open();
      const { id, run } = await ask({ alert: {}, step: 'sure' });
      await place.clock.advance(5);
      await resolve();
      await place.clock.advance(5);
      expect(await vote(id)).toMatchObject({ status: 409, code: 'conflict', text: told });
      await place.clock.advance(1999);
      expect(await vote(id)).toMatchObject({ status: 409, text: told });
      expect(await place.facts('approval.warned')).toEqual([
        { kind: 'approval.warned', approval: id, run, person: 'alice' },
      ]);
      await place.clock.advance(1);
      // Somebody else has not been told.
      expect(await vote(id, person('bob'))).toMatchObject({ status: 409, text: told });
      expect(await vote(id)).toMatchObject({ ok: true });
      expect(await votes()).toEqual(['alice']);
    });

    it('a first press in the very millisecond in which it fired last says nothing of its end', async () => {
      place = await open();
      const { id } = await ask({ alert: {}, step: 'sure' });
      await resolve();
      for (const after of [0, 2000]) {
        await place.clock.advance(after);
        expect(await vote(id)).toMatchObject({ status: 409, text: told });
      }
      await place.clock.advance(2000);
      expect(await vote(id)).toMatchObject({ ok: true });
    });

    it('a denial needs one', async () => {
      place = await open();
      const { id } = await ask({ alert: {}, step: 'sure' });
      await resolve();
      expect(await vote(id, person('alice'), { deny: true })).toMatchObject({ ok: true, text: 'Denied.' });
    });

    it('while it fires needs one, and so does one of a run without an alert', async () => {
      place = await open();
      const { id } = await ask({ alert: {}, step: 'sure' });
      expect(await vote(id)).toMatchObject({ ok: true });
      expect(await vote((await ask({ step: 'sure' })).id)).toMatchObject({ ok: true });
    });

    it('a first press of before it fired again says nothing of this end', async () => {
      place = await open();
      const { id } = await ask({ alert: {}, step: 'sure' });
      await resolve();
      await place.clock.advance(5);
      await vote(id);
      await place.clock.advance(5000);
      await deliver({});
      await resolve();
      await place.clock.advance(1);
      expect(await vote(id)).toMatchObject({ status: 409, text: told });
      await place.clock.advance(2000);
      expect(await vote(id)).toMatchObject({ ok: true });
      expect(await place.facts('approval.warned')).toHaveLength(2);
    });
  });
});
