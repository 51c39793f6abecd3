import { nearest } from '../kernel/nearest.ts';
import type { Verdict } from '../model/decision.ts';
import {
  compileExpression,
  ExpressionError,
  falseClause,
  gateScope,
  mayHold,
  readsOf,
  record,
  scopes,
} from '../model/expression/expression.ts';
import type { GateRule, GateVariables, Rule } from '../ports/catalogue.ts';

/** What a condition decides about: it speaks of runs, of gates, or of neither. */
export type Speaks = 'runs' | 'gates' | 'neither';

const ofGates = Object.keys(gateScope.variables).filter(name => !(name in scopes.policy.variables));
const ofRuns = Object.keys(scopes.policy.variables).filter(name => !(name in gateScope.variables));

/**
 * By the variables that it reads; a mistyped one counts as the one that is meant, so that the error says so. What does not parse is of runs:
 * compiling it says what is wrong. Throws ExpressionError for a condition that speaks of both.
 */
export function speaksOf(text: string): Speaks {
  const reads = parsed(text);
  if (reads === null) return 'runs';
  const meant = [...reads.variables].map(([name, offset]) => ({ name, offset, of: kindOf(name) }));
  const gates = meant.filter(one => one.of === 'gates');
  const runs = meant.filter(one => one.of === 'runs');
  const [gate, run] = [gates[0], runs[0]];
  if (gate === undefined) return run === undefined ? 'neither' : 'runs';
  if (run === undefined) return 'gates';
  throw new ExpressionError({
    message: `a rule speaks of gates or of runs, and this one speaks of both: ${gate.name} is known only for gates, ${run.name} only for runs`,
    allowed: 'two rules',
    given: text,
    offset: Math.max(gate.offset, run.offset),
    nearest: null,
  });
}

function parsed(text: string) {
  try {
    return readsOf(text);
  } catch {
    return null;
  }
}

function kindOf(name: string): Speaks {
  if (name in gateScope.variables && name in scopes.policy.variables) return 'neither';
  const known = ofGates.includes(name) || ofRuns.includes(name);
  return ofGates.includes(known ? name : (nearest(name, [...ofGates, ...ofRuns]) ?? '')) ? 'gates' : 'runs';
}

/** Compiles the condition of a rule that speaks of gates. Throws ExpressionError. */
export function compileGateRule(text: string): GateRule {
  const when = compileExpression(text, gateScope, 'bool');
  const { variables, fields } = readsOf(text);
  return {
    holds: (facts: GateVariables) => when.evaluate(facts),
    falseClause: (facts: GateVariables) => falseClause(text, gateScope, facts),
    mayHoldFor: name => mayHold(text, { gate: record({ name }) }),
    judgesKnownBad: fields.has('gate.knownBad'),
    readsAlerts: variables.has('alerts'),
  };
}

/**
 * What a rule without a word about gates says about them: it asks and denies there too. It lets nothing through, because nobody who wrote it
 * for runs meant that.
 */
export function generalGateRule(text: string | undefined, decide: Verdict): GateRule | null {
  if (decide === 'auto' || decide === 'notify') return null;
  return text === undefined ? always : compileGateRule(text);
}

const always: GateRule = {
  holds: () => true,
  falseClause: () => null,
  mayHoldFor: () => true,
  judgesKnownBad: false,
  readsAlerts: false,
};

/** True when the rule holds for every gate, so that no gate comes further. */
export function endsGates(rule: Rule): boolean {
  return rule.gate !== null && rule.text.trim() === 'true';
}

/** What becomes of a gate at best, by what can be known without a question. */
export function bestOf(gate: string, rules: readonly Rule[]): 'decided' | 'no rule' | { deniedBy: string } {
  for (const rule of rules) {
    if (rule.gate === null || !rule.gate.mayHoldFor(gate)) continue;
    if (rule.decide !== 'deny') return 'decided';
    if (endsGates(rule)) return { deniedBy: rule.name };
  }
  return 'no rule';
}
