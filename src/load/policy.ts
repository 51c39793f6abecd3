import { nearest } from '../kernel/nearest.ts';
import { type Config, groupFacts } from '../model/config.ts';
import type { Ask } from '../model/decision.ts';
import { compileExpression, falseClause, scopes } from '../model/expression/expression.ts';
import { laterKeys, policyFile, type RuleFile } from '../model/policy-file.ts';
import type { Limit, Policy, Rule } from '../ports/catalogue.ts';
import { compileGateRule, generalGateRule, speaksOf } from './gate-rules.ts';
import { createFaults, type Faults } from './problems.ts';
import { readAs } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

/** Milliseconds until an approval expires when the rule does not say. */
const defaultExpiry = 30 * 60 * 1000;

/** Compiles policy.yaml. Names of groups and people are checked against `config`, which is null when tocsin.yaml has errors. */
export function compilePolicy(yaml: YamlFile, config: Config | null): { policy: Policy | null; faults: Faults } {
  const faults = createFaults(yaml);
  const data = refuseLater(yaml.data, faults);
  const { parsed } = readAs(policyFile, data, faults, []);
  if (!parsed.success) faults.addIssues([], parsed.error.issues, policyFile);
  const rules = (parsed.success ? parsed.data.rules : []).map((rule, index) =>
    compileRule(rule, rulesIn(yaml.data)[index], ['rules', index], faults, config),
  );
  if (!parsed.success) checkConditions(data, faults);
  warnUnreachable(rules, faults);
  refuseDuplicateNames(rules, faults);
  return { policy: faults.list.some(fault => fault.level === 'error') ? null : { rules }, faults };
}

/** Checks conditions even when the shape of a rule is wrong, so that all errors are reported at once. */
function checkConditions(data: unknown, faults: Faults) {
  rulesIn(data).forEach((rule: unknown, index) => {
    const when = (rule as { when?: unknown } | null)?.when;
    if (typeof when !== 'string') return;
    compileConditions({ when, decide: 'deny' }, ['rules', index, 'when'], faults);
  });
}

/** Reports brakes that are not implemented yet, and removes them so that they are reported only once. */
function refuseLater(data: unknown, faults: Faults): unknown {
  const rules = (data as { rules?: unknown } | null)?.rules;
  if (!Array.isArray(rules)) return data;
  const clean = rules.map((rule: unknown, index) => {
    if (rule === null || typeof rule !== 'object' || Array.isArray(rule)) return rule;
    const { limit, ...rest } = rule as Record<string, unknown>;
    const own = strip(rest, ['rules', index], faults);
    return limit === undefined
      ? own
      : { ...own, limit: isRecord(limit) ? strip(limit, ['rules', index, 'limit'], faults) : limit };
  });
  return { ...(data as object), rules: clean };
}

function rulesIn(data: unknown): unknown[] {
  const rules = isRecord(data) ? data['rules'] : undefined;
  return Array.isArray(rules) ? rules : [];
}

function limitIn(rule: unknown): unknown {
  return isRecord(rule) ? rule['limit'] : undefined;
}

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function strip(record: Record<string, unknown>, path: Path, faults: Faults): Record<string, unknown> {
  for (const key of Object.keys(record).filter(key => laterKeys.includes(key)))
    faults.add(
      [...path, key],
      `"${key}" has no effect in this version, and a brake without an effect would be a false promise`,
      {
        key: true,
        given: key,
        allowed: 'limit: { perHour: 5, perTarget: 1 per 30m }',
      },
    );
  return Object.fromEntries(Object.entries(record).filter(([key]) => !laterKeys.includes(key)));
}

function compileRule(file: RuleFile, given: unknown, path: Path, faults: Faults, config: Config | null): Rule {
  refuseIdle(file, limitIn(given), path, faults);
  const by = file.by === undefined ? [] : typeof file.by === 'string' ? [file.by] : file.by;
  if (config !== null) checkNames(file, by, path, faults, config);
  return {
    name: file.name,
    text: file.when ?? 'true',
    ...compileConditions(file, [...path, 'when'], faults),
    decide: file.decide,
    ask: by.length === 0 ? null : askOf(file, by),
    limit: limitOf(file),
    resolves: file.resolve !== undefined,
  };
}

/** What the rule says about runs and about gates. A condition that speaks only of the time and of who asks is one for both. */
function compileConditions(
  { when: text, decide }: Pick<RuleFile, 'when' | 'decide'>,
  path: Path,
  faults: Faults,
): Pick<Rule, 'when' | 'falseClause' | 'gate'> {
  if (text === undefined) return { when: () => true, gate: generalGateRule(text, decide) };
  const speaks = compiled(() => speaksOf(text), path, faults);
  if (speaks === 'gates') return { when: () => false, gate: compiled(() => compileGateRule(text), path, faults) };
  const when = speaks === null ? null : compiled(() => compileExpression(text, 'policy', 'bool'), path, faults);
  const gate = speaks === 'neither' && when !== null ? generalGateRule(text, decide) : null;
  // Files with an error are not taken, so that the rule without a condition is never asked.
  return {
    when: variables => when?.evaluate(variables) ?? false,
    falseClause: variables => falseClause(text, scopes.policy, variables),
    gate,
  };
}

function compiled<T>(compile: () => T, path: Path, faults: Faults): T | null {
  try {
    return compile();
  } catch (error) {
    faults.addExpression(path, error);
    return null;
  }
}

function askOf(file: RuleFile, by: string[]): Ask {
  return {
    by,
    quorum: file.quorum ?? 1,
    expires: file.expires ?? defaultExpiry,
    escalate: file.then?.escalate ?? null,
    reasonRequired: file.reason === 'required',
  };
}

function limitOf(file: RuleFile): Limit | null {
  if (file.limit === undefined) return null;
  return { perHour: file.limit.perHour ?? null, perTarget: file.limit.perTarget ?? null };
}

const asking = ['by', 'quorum', 'expires', 'then', 'reason'] as const;

/** Refuses keys without an effect. `given` is the limit as written, including keys that were removed and reported already. */
function refuseIdle(file: RuleFile, given: unknown, path: Path, faults: Faults) {
  const asks = file.decide === 'approve' || (file.decide === 'auto' && file.limit !== undefined);
  if (!asks)
    for (const key of asking.filter(key => file[key] !== undefined))
      faults.add([...path, key], `"${key}" has no effect where the decision is ${file.decide}`, {
        key: true,
        allowed: file.decide === 'auto' ? 'with decide: approve, or together with limit' : 'with decide: approve',
      });
  if (file.decide === 'approve' && file.by === undefined)
    faults.add(path, 'the rule asks, and does not say whom', { allowed: 'by: a group or a person, or a list of them' });
  if (asks && file.by === undefined)
    for (const key of asking.filter(key => key !== 'by' && file[key] !== undefined))
      if (file.decide === 'auto') faults.add([...path, key], `"${key}" has no effect without by`, { key: true });
  if (file.resolve !== undefined && file.decide === 'deny')
    faults.add([...path, 'resolve'], '"resolve" has no effect where the decision is deny', { key: true });
  if (file.limit !== undefined && file.decide !== 'auto')
    faults.add([...path, 'limit'], `a limit has no effect where the decision is ${file.decide}`, {
      key: true,
      allowed: 'with decide: auto',
    });
  if (file.limit !== undefined && Object.keys(file.limit).length === 0 && isEmptyRecord(given))
    faults.add([...path, 'limit'], 'the limit is empty', { allowed: 'perHour, perTarget' });
}

/** True for a group that a platform keeps (`slack:@ops`), which cannot be checked here. */
export function isPlatformGroup(name: string): boolean {
  return name.includes(':');
}

export function knownVoters(config: Config): string[] {
  return [...Object.keys(config.groups), ...Object.keys(config.people)];
}

function checkNames(file: RuleFile, by: readonly string[], path: Path, faults: Faults, config: Config) {
  const known = knownVoters(config);
  by.forEach((name, index) => {
    checkName(name, [...path, 'by', ...(Array.isArray(file.by) ? [index] : [])], faults, known);
  });
  if (file.then !== undefined) checkName(file.then.escalate, [...path, 'then', 'escalate'], faults, known);
  if (by.length === 0 || by.some(name => isPlatformGroup(name) || !known.includes(name))) return;
  const groups = by.map(name => groupFacts(config, name));
  // The size of a group that a platform or an on-call schedule keeps is not known here.
  if (groups.some(group => group !== null && (group.onCall !== null || Object.keys(group.platforms).length > 0)))
    return;
  const people = new Set(by.flatMap((name, index) => groups[index]?.members ?? [name]));
  if ((file.quorum ?? 1) > people.size)
    faults.add([...path, 'quorum'], 'so many approvals can never come together', {
      given: String(file.quorum),
      allowed: `at most ${people.size}: ${[...people].join(', ')}`,
    });
}

export function checkName(name: string, path: Path, faults: Faults, known: readonly string[]) {
  if (isPlatformGroup(name) || known.includes(name)) return;
  faults.add(path, `there is no group or person "${name}" in tocsin.yaml`, {
    given: name,
    allowed: known.join(', '),
    nearest: nearest(name, known),
  });
}

function warnUnreachable(rules: readonly Rule[], faults: Faults) {
  const last = rules.findIndex(rule => rule.text.trim() === 'true');
  const first = rules[last];
  if (first === undefined) return;
  // A rule that lets all runs through says nothing about gates, which come further.
  const next = rules.findIndex((rule, index) => index > last && (first.gate !== null || !isOfGates(rule)));
  if (next < 0) return;
  faults.add(['rules', next], `no event comes as far as this rule: "${first.name}" always holds`, { level: 'warning' });
}

function isOfGates({ text, gate }: Rule): boolean {
  return gate !== null && speaksOf(text) === 'gates';
}

function refuseDuplicateNames(rules: readonly Rule[], faults: Faults) {
  rules.forEach((rule, index) => {
    if (rules.findIndex(other => other.name === rule.name) < index)
      faults.add(['rules', index, 'name'], 'a decision names its rule, so that two rules cannot have one name', {
        given: rule.name,
      });
  });
}
