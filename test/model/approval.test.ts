import { describe, expect, it } from 'vitest';
import { approval, approvalState, standing, vote } from '../../src/model/approval.ts';
import { noon, sampleApproval } from '../contracts/samples.ts';

const full = {
  ...sampleApproval({
    step: 'confirm',
    alert: 'alt_1',
    barred: ['rita'],
    state: 'approved',
    because: 'two of two',
    closedAt: noon + 5,
    escalated: true,
    warned: [{ person: 'bob', at: noon }],
    version: 7,
  }),
  votes: [
    {
      person: 'alice',
      account: 'slack:T1/U2',
      via: 'slack',
      vote: 'approve',
      reason: 'it is safe',
      at: noon,
      standing: { group: 'sre', how: 'live', from: 'slack', at: noon - 5 },
    },
    { person: 'bob', account: null, via: 'api', vote: 'deny', reason: null, at: noon + 1 },
  ],
} as const;

/** The value without, or with another, member; named by its path. */
function changed(value: object, path: string, to?: unknown): unknown {
  const made = structuredClone(value) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = made;
  for (const name of names) at = at[name] as Record<string, unknown>;
  if (to === undefined) delete at[last];
  else at[last] = to;
  return made;
}

describe('an approval as it is stored', () => {
  it('comes out as it went in, with its votes and their standing', () => {
    expect(approval.parse(full)).toEqual(full);
    expect(approval.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
  });

  it('of an older build has nobody who was warned, no gate, and votes without a standing', () => {
    const { warned: _, gate: __, claim: ___, ...older } = sampleApproval();
    expect(approval.parse(older)).toMatchObject({ warned: [], gate: null, claim: null });
    expect(vote.parse(full.votes[1])).not.toHaveProperty('standing');
  });

  it.each(Object.keys(full).filter(name => name !== 'warned' && name !== 'gate' && name !== 'claim'))(
    'is none without %s',
    name => {
      expect(approval.safeParse(changed(full, name)).success).toBe(false);
    },
  );

  it.each(['person', 'account', 'via', 'vote', 'reason', 'at'])('has no vote without %s', name => {
    expect(approval.safeParse(changed(full, `votes.0.${name}`)).success).toBe(false);
  });

  it.each(['group', 'how', 'from', 'at'])('has no standing without %s', name => {
    expect(approval.safeParse(changed(full, `votes.0.standing.${name}`)).success).toBe(false);
  });

  it.each(['warned.0.person', 'warned.0.at', 'ask.by', 'ask.quorum', 'ask.expires', 'ask.reasonRequired'])(
    'is none without %s',
    path => {
      expect(approval.safeParse(changed(full, path)).success).toBe(false);
    },
  );

  it.each<[string, unknown]>([
    ['state', 'maybe'],
    ['votes.0.vote', 'abstain'],
    ['votes.0.standing.how', 'guess'],
    ['votes.0.at', noon + 0.5],
    ['votes.0.standing.at', 0.5],
    ['createdAt', 0.5],
    ['expiresAt', '2026-01-01'],
    ['closedAt', 0.5],
    ['version', 1.5],
    ['warned.0.at', 0.5],
    ['escalated', 'yes'],
    ['barred', ['rita', 1]],
    ['id', null],
    ['run', 1],
    ['gate', 1],
    ['claim', 1],
    ['planHash', null],
    ['ask.quorum', 0],
  ])('has no %s like %j', (path, value) => {
    expect(approval.safeParse(changed(full, path, value)).success).toBe(false);
  });

  it.each(['step', 'run', 'gate', 'claim', 'alert', 'because', 'closedAt', 'votes.0.account', 'votes.0.reason'])(
    'may have no %s',
    path => {
      expect(approval.safeParse(changed(full, path, null)).success).toBe(true);
    },
  );

  it('has one of five states, and one of four ways in which a right was established', () => {
    expect(approvalState.options).toEqual(['open', 'approved', 'denied', 'expired', 'void']);
    for (const state of approvalState.options) expect(approval.parse(changed(full, 'state', state)).state).toBe(state);
    for (const how of ['file', 'live', 'last', 'fallback'])
      expect(standing.parse({ group: 'sre', how, from: 'tocsin.yaml', at: noon }).how).toBe(how);
    for (const choice of ['approve', 'deny'])
      expect(vote.parse(changed(full.votes[0], 'vote', choice))).toMatchObject({ vote: choice });
  });
});
