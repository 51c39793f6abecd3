import { showDuration } from '../../kernel/duration.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Ask, Decision, Verdict } from '../../model/decision.ts';
import type { Limit, Policy, PolicyVariables, Rule } from '../../ports/catalogue.ts';

/** What policy cannot know from the event itself. */
export interface Facts {
  /** The event came from a source whose secret was verified, or a person or service asks. */
  trusted: boolean;
  /** A firing that came after a newer resolve: it may ask, and starts nothing by itself. */
  reopened: boolean;
  halted: { by: string; reason: string } | null;
  /** When this runbook ran by itself lately, milliseconds since the epoch, oldest first; at least the last hour. */
  autoRuns: readonly number[];
  /** The same by target. */
  autoRunsOf: (target: string) => readonly number[];
  /** Asked when no rule matches, or when a decision has to ask and its rule does not say whom. */
  defaultAsk: Ask;
}

/** From the most to the least permissive: a cap never lets more happen. */
const order: readonly Verdict[] = ['auto', 'approve', 'notify', 'deny'];

/**
 * Pure: the first rule that holds decides; then any reason against `auto` caps it at `approve`. Policy never fails open: a rule
 * whose `when` cannot be evaluated caps the decision at `approve` and says so.
 */
export function decide(policy: Policy, variables: PolicyVariables, facts: Facts): Decision {
  if (facts.halted !== null)
    return {
      verdict: 'deny',
      rule: 'halt',
      because: `${facts.halted.by} halted everything: ${facts.halted.reason}`,
      ask: null,
    };
  const errors: string[] = [];
  const rule = policy.rules.find(one => ruleHolds(one, variables, errors));
  const base = rule === undefined ? noRule(facts) : ruled(rule, facts);
  const caps = [...errors, ...capsOn(base.verdict, rule?.limit ?? null, variables, facts)];
  if (caps.length === 0) return base;
  const verdict = cappedVerdict(base.verdict, errors.length > 0, variables);
  return {
    ...base,
    verdict,
    because: [base.because, ...caps].join('; '),
    ask: verdict === 'approve' ? (base.ask ?? facts.defaultAsk) : base.ask,
  };
}

/** Whether any rule looks at history: a brake, or `history` in its text. Where none does, no history has to be read. */
export function looksBack(policy: Policy): boolean {
  return policy.rules.some(rule => rule.limit !== null || /\bhistory\b/.test(rule.text));
}

/** A press of Run turns `notify` into `auto`, so for manual requests a rule that failed caps `notify` at `approve`. */
function cappedVerdict(verdict: Verdict, failed: boolean, { trigger }: PolicyVariables): Verdict {
  return failed && verdict === 'notify' && trigger === 'manual' ? 'approve' : atMost(verdict, 'approve');
}

function ruleHolds(rule: Rule, variables: PolicyVariables, errors: string[]): boolean {
  try {
    return rule.when(variables);
  } catch (error) {
    errors.push(`capped at approve, because rule "${rule.name}" could not be evaluated: ${messageOf(error)}`);
    return false;
  }
}

function noRule(facts: Facts): Decision {
  return {
    verdict: 'approve',
    rule: 'no rule matched',
    because: 'no rule of the policy matched, so people are asked',
    ask: facts.defaultAsk,
  };
}

function ruled(rule: Rule, facts: Facts): Decision {
  const because = rule.text === 'true' ? `rule "${rule.name}" always holds` : `rule "${rule.name}" holds: ${rule.text}`;
  return {
    verdict: rule.decide,
    rule: rule.name,
    because,
    ask: rule.decide === 'approve' ? (rule.ask ?? facts.defaultAsk) : rule.ask,
    ...(rule.resolves ? { resolves: true } : {}),
  };
}

/** The reasons against `auto`, as text for the thread. */
function capsOn(verdict: Verdict, limit: Limit | null, variables: PolicyVariables, facts: Facts): string[] {
  if (verdict !== 'auto') return [];
  const caps: string[] = [];
  if (!facts.trusted) caps.push('not automatic, because the source has no secret: anybody could have sent this');
  if (facts.reopened) caps.push('not automatic, because the alert fires again after a newer resolve');
  return limit === null ? caps : [...caps, ...brakes(limit, variables, facts)];
}

const hour = 3_600_000;

function brakes(limit: Limit, variables: PolicyVariables, facts: Facts): string[] {
  const tripped: string[] = [];
  const lastHour = facts.autoRuns.filter(at => at > variables.now - hour).length;
  if (limit.perHour !== null && lastHour >= limit.perHour) {
    tripped.push(
      `brake: ${variables.runbook.id} ran ${lastHour} times by itself in the last hour, the limit is ${limit.perHour}`,
    );
  }
  if (limit.perTarget !== null) {
    const { count, within } = limit.perTarget;
    for (const target of variables.targets) {
      const times = facts.autoRunsOf(target).filter(at => at > variables.now - within).length;
      if (times >= count)
        tripped.push(`brake: it ran ${times} times on ${target} within ${showDuration(within)}, the limit is ${count}`);
    }
  }
  return tripped;
}

function atMost(verdict: Verdict, cap: Verdict): Verdict {
  return order.indexOf(verdict) >= order.indexOf(cap) ? verdict : cap;
}
