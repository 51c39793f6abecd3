import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuseVote, tally } from '../../../src/flow/pipeline/approve.ts';
import type { Actor } from '../../../src/model/actor.ts';
import type { Approval, Vote } from '../../../src/model/approval.ts';

const vote = (person: string, choice: Vote['vote'] = 'approve'): Vote => ({
  person,
  account: null,
  via: 'console',
  vote: choice,
  reason: null,
  at: 1,
});
const approval = (facts: Partial<Approval> = {}): Approval => ({
  id: 'apv_1',
  run: 'run_1',
  gate: null,
  claim: null,
  step: null,
  alert: null,
  runbook: 'disk',
  planHash: 'a'.repeat(64),
  title: 'Disk',
  question: 'Run Disk?',
  risk: 'low',
  rule: 'ask',
  ask: { by: ['sre'], quorum: 2, expires: 1000, escalate: null, reasonRequired: false },
  barred: ['person:rita'],
  state: 'open',
  votes: [],
  because: null,
  createdAt: 0,
  expiresAt: 1000,
  closedAt: null,
  escalated: false,
  warned: [],
  version: 1,
  ...facts,
});
const person = (id: string): Actor => ({ kind: 'person', id, via: 'console', account: null });
const inGroups = (id: string, names: readonly string[]) =>
  names.includes('sre') && ['alice', 'bob', 'rita'].includes(id);
const refusal = (who: Actor, facts: Partial<Approval> = {}, now = 1, reason: string | null = null) =>
  refuseVote(approval(facts), who, { vote: 'approve', reason }, { now, inGroups })?.code ?? null;

describe('tally', () => {
  it('counts distinct people, and one veto denies', () => {
    expect(tally(approval())).toEqual({ state: 'waiting', missing: 2 });
    expect(tally(approval({ votes: [vote('alice'), vote('alice')] }))).toEqual({ state: 'waiting', missing: 1 });
    expect(tally(approval({ votes: [vote('alice'), vote('bob')] }))).toMatchObject({ state: 'approved' });
    expect(tally(approval({ votes: [vote('alice'), vote('bob'), vote('carl', 'deny')] }))).toMatchObject({
      state: 'denied',
    });
  });

  it('is approved exactly when the quorum of distinct people approved and nobody denied', () => {
    const votes = fc.array(
      fc.record({
        person: fc.constantFrom('a', 'b', 'c', 'd'),
        choice: fc.constantFrom('approve' as const, 'deny' as const),
      }),
    );
    fc.assert(
      fc.property(votes, fc.integer({ min: 1, max: 4 }), (cast, quorum) => {
        const given = approval({
          votes: cast.map(one => vote(one.person, one.choice)),
          ask: { ...approval().ask, quorum },
        });
        const vetoed = cast.some(one => one.choice === 'deny');
        const enough = new Set(cast.map(one => one.person)).size >= quorum;
        expect(tally(given).state).toBe(vetoed ? 'denied' : enough ? 'approved' : 'waiting');
      }),
    );
  });
});

describe('refuseVote', () => {
  it('lets a member of the group vote, once', () => {
    expect(refusal(person('alice'))).toBeNull();
    expect(refusal(person('alice'), { votes: [vote('alice')] })).toBe('conflict');
  });

  it('refuses whoever asked, strangers, services, and people outside the group', () => {
    expect(refusal(person('rita'))).toBe('forbidden');
    expect(refusal({ kind: 'stranger', id: 'x', via: 'slack', because: 'guest' })).toBe('forbidden');
    expect(refusal({ kind: 'service', id: 'ci', via: 'api' })).toBe('forbidden');
    expect(refusal(person('mallory'))).toBe('forbidden');
  });

  it('refuses when it is late or over, also while the state still says open', () => {
    expect(refusal(person('alice'), {}, 1000)).toBe('conflict');
    expect(refusal(person('alice'), { state: 'denied' })).toBe('conflict');
  });

  it('wants a reason where the policy wants one', () => {
    const ask = { ...approval().ask, reasonRequired: true };
    expect(refusal(person('alice'), { ask })).toBe('bad-request');
    expect(refusal(person('alice'), { ask }, 1, '  ')).toBe('bad-request');
    expect(refusal(person('alice'), { ask }, 1, 'looked at it')).toBeNull();
  });
});

describe('what is said', () => {
  const text = (who: Actor, facts: Partial<Approval> = {}, now = 1, reason: string | null = null) =>
    refuseVote(approval(facts), who, { vote: 'approve', reason }, { now, inGroups });

  it.each<[string, Actor, Partial<Approval>, number, string, string]>([
    [
      'a service',
      { kind: 'service', id: 'ci', via: 'api' },
      {},
      1,
      'forbidden',
      'Only people vote, and service ci is not a person of tocsin.yaml.',
    ],
    ['the requester', person('rita'), {}, 1, 'forbidden', 'Nobody votes on a run that they asked for themselves.'],
    [
      'somebody else',
      person('mallory'),
      { ask: { ...approval().ask, by: ['sre', 'leads'] } },
      1,
      'forbidden',
      'Only sre, leads may vote here.',
    ],
    ['a decided one', person('alice'), { state: 'denied' }, 1, 'conflict', 'It is denied already.'],
    [
      'a decided one with a reason and votes',
      person('alice'),
      { state: 'denied', because: 'bob denied it', votes: [vote('carl'), vote('bob', 'deny')] },
      1,
      'conflict',
      'It is denied already: bob denied it. Votes: carl (approve), bob (deny). bob denied it 0s before you.',
    ],
    [
      'one that they decided themselves, such as the same form sent twice',
      person('alice'),
      { state: 'approved', because: 'approved by alice', votes: [vote('alice')] },
      1,
      'conflict',
      'It is approved already: approved by alice. Votes: alice (approve). That was you, 0s ago.',
    ],
    ['an overdue one', person('alice'), {}, 1000, 'conflict', 'It has expired.'],
    [
      'a second vote',
      person('alice'),
      { votes: [vote('bob'), vote('alice')] },
      1,
      'conflict',
      'You have voted already; a person votes once.',
    ],
    [
      'a vote without a reason',
      person('alice'),
      { ask: { ...approval().ask, reasonRequired: true } },
      1,
      'bad-request',
      'The policy wants a reason with each vote.',
    ],
  ])('to %s', (_, who, facts, now, code, because) => {
    expect(text(who, facts, now)).toEqual({ code, because });
  });

  it('is nothing until the very time of the expiry, and to one who votes after others', () => {
    expect(text(person('alice'), { votes: [vote('bob')] }, 999)).toBeNull();
  });

  it('asks for the groups that are named', () => {
    const asked: unknown[] = [];
    const record = (id: string, names: readonly string[]) => {
      asked.push([id, names]);
      return true;
    };
    refuseVote(approval(), person('alice'), { vote: 'deny', reason: null }, { now: 1, inGroups: record });
    expect(asked).toEqual([['alice', ['sre']]]);
  });

  it('of a tally is who approved, or who denied and why', () => {
    expect(tally(approval({ votes: [vote('alice'), vote('bob'), vote('alice')] }))).toEqual({
      state: 'approved',
      because: 'approved by alice and bob',
    });
    expect(tally(approval({ votes: [vote('alice', 'deny')] }))).toEqual({
      state: 'denied',
      because: 'alice denied it',
    });
    expect(tally(approval({ votes: [{ ...vote('alice', 'deny'), reason: 'no' }] }))).toEqual({
      state: 'denied',
      because: 'alice denied it: no',
    });
  });
});
