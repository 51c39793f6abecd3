import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Facts, looksBack } from '../../../src/flow/pipeline/decide.ts';
import type { Ask } from '../../../src/model/decision.ts';
import type { Limit, Policy, PolicyVariables, Rule } from '../../../src/ports/catalogue.ts';

const ask = (by: string): Ask => ({ by: [by], quorum: 1, expires: 60_000, escalate: null, reasonRequired: false });
const rule = (name: string, facts: Partial<Rule>): Rule => ({
  name,
  text: 'x',
  when: () => true,
  gate: null,
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
    ).toEqual({ verdict: 'deny', rule: 'halt', because: 'alice halted everything: incident', ask: null });
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

describe('every verdict', () => {
  const verdicts = ['auto', 'approve', 'notify', 'deny'] as const;
  const triggers = ['event', 'schedule', 'manual', 'runbook'] as const;
  const broken = rule('broken', {
    when: () => {
      throw new Error('no such field');
    },
  });
  const truths = [false, true];
  const table = verdicts.flatMap(verdict =>
    triggers.flatMap(trigger => truths.map(failed => [verdict, trigger, failed] as const)),
  );

  it.each(table)('%s for the trigger %s, after a rule that failed: %s', (verdict, trigger, failed) => {
    for (const trusted of truths)
      for (const reopened of truths) {
        const rules = policy(...(failed ? [broken] : []), rule('it', { decide: verdict }));
        const made = decide(rules, { ...variables, trigger }, { ...facts, trusted, reopened });
        const caps = [
          ...(failed ? ['capped at approve, because rule "broken" could not be evaluated: no such field'] : []),
          ...(verdict === 'auto' && !trusted
            ? ['not automatic, because the source has no secret: anybody could have sent this']
            : []),
          ...(verdict === 'auto' && reopened
            ? ['not automatic, because the alert fires again after a newer resolve']
            : []),
        ];
        const less =
          (verdict === 'auto' && caps.length > 0) || (verdict === 'notify' && failed && trigger === 'manual');
        const then = less ? 'approve' : verdict;
        expect(made).toEqual({
          verdict: then,
          rule: 'it',
          because: ['rule "it" holds: x', ...caps].join('; '),
          ask: then === 'approve' ? ask('everybody') : null,
        });
      }
  });

  it('asks whom its rule names, and says that a rule without a condition always holds', () => {
    for (const verdict of verdicts) {
      const rules = policy(rule('it', { decide: verdict, text: 'true', ask: ask('sre') }));
      const because = 'rule "it" always holds';
      expect(decide(rules, variables, facts)).toEqual({ verdict, rule: 'it', because, ask: ask('sre') });
    }
    const capped = decide(policy(rule('it', { ask: ask('sre') })), variables, { ...facts, trusted: false });
    expect(capped).toMatchObject({ verdict: 'approve', ask: ask('sre') });
  });

  it('is what people are asked about when no rule holds, and says so', () => {
    const because = 'no rule of the policy matched, so people are asked';
    const none = { verdict: 'approve', rule: 'no rule matched', because, ask: ask('everybody') };
    expect(decide(policy(rule('it', { when: () => false })), variables, facts)).toEqual(none);
  });

  it('carries the right to resolve at the origin, where its rule gives it, and else says nothing of it', () => {
    expect(decide(policy(rule('it', { resolves: true })), variables, facts).resolves).toBe(true);
    expect(decide(policy(rule('it', { resolves: false })), variables, facts)).not.toHaveProperty('resolves');
  });
});

describe('brakes', () => {
  const hour = 3_600_000;
  const braked = (limit: Partial<Limit>, given: Partial<Facts>, targets = ['web-1']) =>
    decide(
      policy(rule('it', { limit: { perHour: null, perTarget: null, ...limit } })),
      { ...variables, targets },
      { ...facts, ...given },
    ).because.split('; ')[1];

  it('perHour trips at its number, and one of exactly an hour ago does not count', () => {
    const runs = (...ago: number[]) => ({ autoRuns: ago.map(one => now - one) });
    expect(braked({ perHour: 2 }, runs(hour, 5))).toBeUndefined();
    expect(braked({ perHour: 2 }, runs(hour - 1, 5))).toBe(
      'brake: disk ran 2 times by itself in the last hour, the limit is 2',
    );
    expect(braked({ perHour: 3 }, runs(4, 5))).toBeUndefined();
    expect(braked({}, runs(1, 2, 3, 4, 5))).toBeUndefined();
  });

  it('perTarget trips for each target by itself, at its number within its time', () => {
    const autoRunsOf = (target: string) => (target === 'web-1' ? [now - 999, now - 5] : [now - 1000, now - 5]);
    const limit = { perTarget: { count: 2, within: 1000 } };
    const because = 'brake: it ran 2 times on web-1 within 1s, the limit is 2';
    expect(braked(limit, { autoRunsOf }, ['web-2', 'web-1'])).toBe(because);
    expect(braked(limit, { autoRunsOf }, ['web-2', 'web-3'])).toBeUndefined();
    expect(braked(limit, { autoRunsOf }, [])).toBeUndefined();
    expect(braked({ perTarget: { count: 3, within: 1000 } }, { autoRunsOf })).toBeUndefined();
  });

  it('hold back only what would be automatic', () => {
    const limit = { perHour: 1, perTarget: null };
    for (const verdict of ['approve', 'notify', 'deny'] as const) {
      const made = decide(policy(rule('it', { decide: verdict, limit })), variables, { ...facts, autoRuns: [now] });
      expect(made.because).toBe('rule "it" holds: x');
    }
  });
});

describe('a policy looks back', () => {
  it.each([
    [[], false],
    [[rule('it', {})], false],
    [[rule('it', { limit: { perHour: 1, perTarget: null } })], true],
    [[rule('a', {}), rule('b', { limit: { perHour: null, perTarget: null } }), rule('c', {})], true],
    [[rule('a', {}), rule('b', { text: 'history.runsLastHour < 2' })], true],
    [[rule('a', { text: '1 > history.failuresLastHour' })], true],
    [[rule('a', { text: 'labels.prehistory == "x" && labels.historys == ""' })], false],
  ])('%j: %s', (rules, looks) => {
    expect(looksBack(policy(...rules))).toBe(looks);
  });
});

describe('decide, whatever the policy', () => {
  const outcome = fc.constantFrom('holds', 'does not', 'fails');
  const limit = fc.option(fc.record({ perHour: fc.option(fc.constantFrom(1, 3)), perTarget: fc.constant(null) }));
  const anyRule = fc.record({ outcome, decide: fc.constantFrom('auto', 'approve', 'notify', 'deny'), limit });
  const rules = fc.array(anyRule, { maxLength: 5 }).map(list =>
    list.map((one, index) => ({
      outcome: one.outcome,
      rule: rule(`rule ${index}`, {
        decide: one.decide,
        limit: one.limit,
        when: () => {
          if (one.outcome === 'fails') throw new Error('no such field');
          return one.outcome === 'holds';
        },
      }),
    })),
  );
  const situation = fc.record({
    trigger: fc.constantFrom('event', 'manual', 'schedule'),
    trusted: fc.boolean(),
    reopened: fc.boolean(),
    halted: fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constant({ by: 'alice', reason: 'incident' }) },
    ),
    runs: fc.nat({ max: 4 }),
  });

  it('is what the first rule that holds says, and less where anything speaks against it; never more', () => {
    fc.assert(
      fc.property(rules, situation, (list, { trigger, runs, ...rest }) => {
        const autoRuns = Array.from({ length: runs }, (_, n) => now - 1000 - n);
        const given = { ...variables, trigger } as PolicyVariables;
        const made = decide(policy(...list.map(one => one.rule)), given, { ...facts, ...rest, autoRuns });
        const first = list.findIndex(one => one.outcome === 'holds');
        const said = first < 0 ? 'approve' : list[first]?.rule.decide;
        const failed = list.slice(0, first < 0 ? list.length : first).some(one => one.outcome === 'fails');
        const most = list[first]?.rule.limit?.perHour ?? Number.POSITIVE_INFINITY;

        if (rest.halted !== null) {
          expect(made.verdict).toBe('deny');
          return;
        }
        const braked = failed || !rest.trusted || rest.reopened || runs >= most;
        const less = said === 'notify' && failed && trigger === 'manual' ? 'approve' : said;
        expect(made.verdict).toBe(said === 'auto' && braked ? 'approve' : less);
        // Whoever is asked is known, and a rule that failed is told of.
        expect(made.verdict !== 'approve' || made.ask !== null).toBe(true);
        expect(made.because.includes('could not be evaluated')).toBe(failed);
      }),
      { numRuns: 500 },
    );
  });
});
