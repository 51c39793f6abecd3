import { messageOf } from '../../kernel/errors.ts';
import type { Ask, Decision } from '../../model/decision.ts';
import type { GateVariables, Policy, Rule } from '../../ports/catalogue.ts';

/** What policy cannot know from the question itself. */
export interface GateFacts {
  halted: { by: string; reason: string } | null;
  /** Asked when no rule matches, or when a decision has to ask and its rule does not say whom. */
  defaultAsk: Ask;
}

/**
 * Pure: the first rule that decides about gates and holds decides. What is known to be bad is denied, unless that rule speaks of it itself.
 * Policy never fails open: a rule that cannot be evaluated caps the decision at `approve`, also where it would have let through.
 */
export function decideGate(policy: Policy, variables: GateVariables, facts: GateFacts): Decision {
  const { halted, defaultAsk } = facts;
  if (halted !== null)
    return { verdict: 'deny', rule: 'halt', because: `${halted.by} halted everything: ${halted.reason}`, ask: null };
  const errors: string[] = [];
  const rule = policy.rules.find(one => holds(one, variables, errors));
  const bad = knownToBeBad(variables, rule);
  if (bad !== null) return { verdict: 'deny', rule: 'known bad', because: bad, ask: null };
  const decided = rule === undefined ? noRule(defaultAsk) : ruled(rule, defaultAsk);
  if (errors.length === 0) return decided;
  const because = [decided.because, ...errors].join('; ');
  if (decided.verdict === 'deny') return { ...decided, because };
  return { ...decided, verdict: 'approve', because, ask: decided.ask ?? defaultAsk };
}

function holds(rule: Rule, variables: GateVariables, errors: string[]): boolean {
  if (rule.gate === null) return false;
  try {
    return rule.gate.holds(variables);
  } catch (error) {
    errors.push(`people are asked, because rule "${rule.name}" could not be evaluated: ${messageOf(error)}`);
    return false;
  }
}

function knownToBeBad({ gate }: GateVariables, rule: Rule | undefined): string | null {
  const [first] = gate.knownBad;
  if (first === undefined || rule?.gate?.judgesKnownBad === true) return null;
  const more = gate.knownBad.length === 1 ? '' : `, and ${gate.knownBad.length - 1} more`;
  return `${first.what} is known to be bad: ${first.reason} (${first.by}, ${first.from})${more}`;
}

function noRule(ask: Ask): Decision {
  const because = 'no rule of the policy decides about this gate, so people are asked';
  return { verdict: 'approve', rule: 'no rule matched', because, ask };
}

function ruled(rule: Rule, defaultAsk: Ask): Decision {
  const because = rule.text === 'true' ? `rule "${rule.name}" always holds` : `rule "${rule.name}" holds: ${rule.text}`;
  const ask = rule.decide === 'approve' ? (rule.ask ?? defaultAsk) : null;
  return { verdict: rule.decide, rule: rule.name, because, ask };
}
