import { messageOf } from '../../kernel/errors.ts';
import type { Actor } from '../../model/actor.ts';
import type { Gate } from '../../model/gates/gate.ts';
import { subjectText } from '../../model/gates/subject.ts';
import type { CatalogueSet, GateVariables, Policy, Rule } from '../../ports/catalogue.ts';
import type { GateExplanation } from '../../ports/chat.ts';
import { type ConsiderParts, gatherGate, refusedNow } from './consider.ts';
import { decideGate } from './decide.ts';
import { evidenceOf } from './settle.ts';

/** What was decided about a question, and what would be decided if it were asked now, without effect. Null when nothing has this id. */
export async function explainGate(id: string, parts: ConsiderParts): Promise<GateExplanation | null> {
  const gate = await parts.store.document('gate', id);
  if (gate === null) return null;
  const set = parts.catalogue.current();
  const evidence = await evidenceOf(gate, parts.store);
  const kept = gate.found === null || (await parts.store.blob(gate.found)) !== null;
  const { name, door, subject, decision } = gate;
  const question = { name, door, subject, evidence, who: askedBy(gate) };
  const { variables, facts } = await gatherGate(question, parts);
  return {
    gate: gate.id,
    name,
    title: subjectText(subject),
    state: gate.state,
    because: gate.because,
    decided: { verdict: decision.verdict, rule: decision.rule, because: decision.because },
    now: refusalNow(gate, set) ?? withoutAsk(decideGate(set.policy, variables, facts)),
    rules: explainRules(set.policy, variables),
    knownBad: { asked: gate.knownBad, now: variables.gate.knownBad },
    evidence: { kept, documents: gate.evidence },
  };
}

type Decided = GateExplanation['now'];

function withoutAsk({ verdict, rule, because }: Decided): Decided {
  return { verdict, rule, because };
}

/** Why it would not come as far as the policy: the files may have changed since it was asked. */
function refusalNow(gate: Gate, set: CatalogueSet): Decided | null {
  const lacks = set.gates.get(gate.name)?.needs.filter(key => gate.subject[key] === undefined) ?? [];
  const lacking = lacks.length === 0 ? null : `the gate needs ${lacks.join(', ')} now, which the subject does not have`;
  const because = refusedNow(gate, set) ?? lacking;
  return because === null ? null : { verdict: 'deny', rule: 'gates.yaml', because };
}

function askedBy({ requestedBy, door }: Gate): Actor {
  const at = requestedBy.indexOf(':');
  const id = requestedBy.slice(at + 1);
  return requestedBy.startsWith('person:')
    ? { kind: 'person', id, via: door, account: null }
    : { kind: 'service', id, via: door };
}

function explainRules({ rules }: Policy, variables: GateVariables): GateExplanation['rules'] {
  let decided = false;
  return rules.map(rule => {
    const explained = explainRule(rule, variables, decided);
    if (explained.result === 'holds') decided = true;
    return { name: rule.name, when: rule.text, ...explained };
  });
}

function explainRule(
  { gate, text }: Rule,
  variables: GateVariables,
  decided: boolean,
): Pick<GateExplanation['rules'][number], 'result' | 'because'> {
  if (gate === null) return { result: 'not of gates', because: notOfGates(text) };
  if (decided) return { result: 'not reached', because: null };
  try {
    if (gate.holds(variables)) return { result: 'holds', because: null };
    return { result: 'does not hold', because: gate.falseClause(variables) };
  } catch (error) {
    return { result: 'failed', because: messageOf(error) };
  }
}

function notOfGates(text: string): string {
  return text.trim() === 'true'
    ? 'a rule that says nothing about gates lets nothing through them'
    : 'its condition does not speak of gates';
}
