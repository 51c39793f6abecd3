import { messageOf } from '../../kernel/errors.ts';
import type { Ask, Decision } from '../../model/decision.ts';
import { type BadMatch, badText } from '../../model/gates/known-bad.ts';
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
  const matches = rule?.gate?.judgesKnownBad === true ? [] : variables.gate.knownBad;
  const bad = knownToBeBad(matches);
  if (bad !== null) return { verdict: 'deny', rule: 'known bad', because: bad, ask: null };
  for (const { what, reason } of matches.slice(0, 1)) errors.push(`people are asked about ${what}: ${reason}`);
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

/** What is surely bad. Where that cannot be told, people are asked. */
function knownToBeBad(matches: readonly BadMatch[]): string | null {
  const [first, ...others] = matches.filter(one => one.sure);
  if (first === undefined) return null;
  return `${badText(first)}${others.length === 0 ? '' : `, and ${others.length} more`}`;
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
