import { describe, expect, it } from 'vitest';
import { decide, type Facts } from '../../src/flow/decide.ts';
import type { Ask } from '../../src/model/decision.ts';
import type { Limit, Policy, PolicyVariables, Rule } from '../../src/ports/catalogue.ts';

const ask = (by: string): Ask => ({ by: [by], quorum: 1, expires: 60_000, escalate: null, reasonRequired: false });
const rule = (name: string, facts: Partial<Rule>): Rule => ({
  name,
  text: 'x',
  when: () => true,
  decide: 'auto',
  ask: null,
  limit: null,
  ...facts,
});
const policy = (...rules: Rule[]): Policy => ({ rules });
const now = 1_000_000_000;
const variables: PolicyVariables = {
  event: null,
  alert: null,
  runbook: { id: 'disk', title: 'Disk', risk: 'low' },
  params: {},
  targets: ['web-1'],
  actor: { kind: 'source', id: 'alertmanager' },
  trigger: 'event',
  now,
  history: { runsLastHour: 0, failuresLastHour: 0 },
};
const facts: Facts = {
  trusted: true,
  reopened: false,
  halted: null,
  autoRuns: [],
  autoRunsOf: () => [],
  defaultAsk: ask('everybody'),
};

describe('decide', () => {
  it('lets the first rule that holds decide', () => {
    const rules = policy(
      rule('no', { when: () => false, decide: 'deny' }),
      rule('first', { decide: 'notify' }),
      rule('second', { decide: 'deny' }),
    );
    expect(decide(rules, variables, facts)).toMatchObject({ verdict: 'notify', rule: 'first' });
  });

  it('asks the default group when no rule matches', () => {
    expect(decide(policy(), variables, facts)).toMatchObject({
      verdict: 'approve',
      rule: 'no rule matched',
      ask: { by: ['everybody'] },
    });
  });

  it('caps at approve when a rule before it cannot be evaluated, and says which', () => {
    const broken = rule('broken', {
      when: () => {
        throw new Error('no such field');
      },
    });
    const decision = decide(policy(broken, rule('auto', {})), variables, facts);
    expect(decision).toMatchObject({ verdict: 'approve', ask: { by: ['everybody'] } });
    expect(decision.because).toContain('"broken" could not be evaluated: no such field');
    expect(decide(policy(broken, rule('no', { decide: 'deny' })), variables, facts).verdict).toBe('deny');
  });

  it('never runs by itself for a source without a secret, or for a firing after a newer resolve', () => {
    const auto = policy(rule('auto', {}));
    expect(decide(auto, variables, facts).verdict).toBe('auto');
    expect(decide(auto, variables, { ...facts, trusted: false }).verdict).toBe('approve');
    expect(decide(auto, variables, { ...facts, reopened: true }).verdict).toBe('approve');
    expect(decide(policy(rule('n', { decide: 'notify' })), variables, { ...facts, trusted: false }).verdict).toBe(
      'notify',
    );
  });

  it('denies everything while halted', () => {
    expect(
      decide(policy(rule('auto', {})), variables, { ...facts, halted: { by: 'alice', reason: 'incident' } }),
    ).toMatchObject({ verdict: 'deny', rule: 'halt' });
  });

  it('turns auto into approve when a brake trips, with the numbers', () => {
    const limit: Limit = { perHour: 2, perTarget: { count: 1, within: 1_800_000 } };
    const auto = policy(rule('auto', { limit }));
    const old = now - 3_600_001;
    expect(decide(auto, variables, { ...facts, autoRuns: [old, now - 5] }).verdict).toBe('auto');
    const often = decide(auto, variables, { ...facts, autoRuns: [now - 10, now - 5] });
    expect(often.verdict).toBe('approve');
    expect(often.because).toContain('ran 2 times by itself in the last hour, the limit is 2');
    const target = decide(auto, variables, {
      ...facts,
      autoRunsOf: name => (name === 'web-1' ? [now - 1_799_999] : []),
    });
    expect(target.because).toContain('on web-1 within 30m');
    expect(decide(auto, variables, { ...facts, autoRunsOf: () => [now - 1_800_000] }).verdict).toBe('auto');
  });
});
