import type { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import { TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { changedLiteral } from '../kernel/number.ts';
import { compileExpression, compilePattern, type Expression } from '../model/expression/expression.ts';
import type { trigger } from '../model/runbook-file.ts';
import type { EventVariables, LabelMatch, ParamSet, Trigger } from '../ports/runbook.ts';
import { warnOfWhiteSpace } from './match-text.ts';
import type { ParamRule } from './params.ts';
import { type Faults, showPath } from './problems.ts';
import type { Path } from './yaml.ts';

type TriggerFile = z.infer<typeof trigger>;
export type FromEvent = Expression<EventVariables, Json>;

/** Compiles the triggers of a runbook; `from` has the expressions that parameters declare, by parameter. */
export function compileTriggers(
  on: readonly TriggerFile[],
  faults: Faults,
  runbook: { rules: readonly ParamRule[]; params: ParamSet; from: ReadonlyMap<string, FromEvent> },
): Trigger[] {
  return on.map((file, index) => {
    const path: Path = ['on', index];
    const sources = new Map([...runbook.from, ...ownParams(file, faults, path, runbook.rules)]);
    requireFilled(faults, path, runbook.rules, sources, file);
    if (file.unpermitted === true && file.kind !== 'change')
      faults.add([...path, 'unpermitted'], 'only changes are held against permits', {
        key: true,
        allowed: 'with kind: change',
      });
    const where = file.where === undefined ? null : tryCompile(faults, [...path, 'where'], file.where, 'bool');
    return {
      source: file.source,
      kind: file.kind ?? null,
      ...(file.unpermitted === true ? { unpermitted: true as const } : {}),
      match: compileMatch(file.match, faults, [...path, 'match']),
      where: where === null ? null : variables => where.evaluate(variables),
      whereText: file.where ?? null,
      params: variables => runbook.params.parse(fromEvent(sources, variables)),
    };
  });
}

export function tryCompile<W extends 'bool' | 'json'>(faults: Faults, path: Path, text: string, wants: W) {
  try {
    return compileExpression(text, 'event', wants);
  } catch (error) {
    faults.addExpression(path, error);
    return null;
  }
}

function ownParams(file: TriggerFile, faults: Faults, path: Path, rules: readonly ParamRule[]): [string, FromEvent][] {
  const known = rules.map(rule => rule.name);
  return Object.entries(file.params).flatMap(([name, text]) => {
    const at = [...path, 'params', name];
    if (!known.includes(name)) {
      faults.add(at, `there is no parameter "${name}"`, {
        key: true,
        allowed: known.join(', '),
        given: name,
        nearest: nearest(name, known),
      });
      return [];
    }
    refuseChanged(
      faults,
      at,
      text,
      rules.find(rule => rule.name === name),
    );
    const compiled = tryCompile(faults, at, text, 'json');
    return compiled === null ? [] : [[name, compiled] satisfies [string, FromEvent]];
  });
}

/** Refuses an expression that is a number whose text changes, for a parameter that is text. */
export function refuseChanged(faults: Faults, path: Path, text: string, rule: { type: string } | undefined) {
  const changed = rule?.type === 'string' && !faults.yaml.stored ? changedLiteral(text) : null;
  if (changed === null) return;
  faults.add(path, `${showPath(path)}: ${text} is a number here, whose text is ${changed}`, {
    given: text,
    allowed: `'"${text}"' for the text`,
  });
}

/** Refuses a required parameter without a value from the event: with it the trigger would refuse every event. */
function requireFilled(
  faults: Faults,
  path: Path,
  rules: readonly ParamRule[],
  sources: ReadonlyMap<string, unknown>,
  file: TriggerFile,
) {
  for (const rule of rules) {
    if (!rule.required || sources.has(rule.name) || rule.name in file.params) continue;
    faults.add(path, `nothing gives the parameter "${rule.name}" a value when an event starts the runbook`, {
      allowed: `from: or default: in params.${rule.name}, or params: { ${rule.name}: ... } in this trigger`,
    });
  }
}

/** An empty text counts as not given, because a missing label reads as the empty text. */
function fromEvent(sources: ReadonlyMap<string, FromEvent>, variables: EventVariables): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, expression] of sources) {
    const value = evaluateParam(name, expression, variables);
    if (value !== '' && value !== null) values[name] = value;
  }
  return values;
}

function evaluateParam(name: string, expression: FromEvent, variables: EventVariables): Json {
  try {
    return expression.evaluate(variables);
  } catch (error) {
    throw new TocsinError('params-invalid', {
      message: `The parameter "${name}" could not be computed from the event.`,
      given: expression.text,
      cause: error,
    });
  }
}

/** Compiles the clauses of a `match`; a faulty one is left out and told. */
export function compileMatch(match: TriggerFile['match'], faults: Faults, path: Path): LabelMatch[] {
  return Object.entries(match).flatMap(([label, value]) => {
    const compiled = matchOf(faults, [...path, label], label, value);
    if (compiled.length > 0) warnOfWhiteSpace(faults, [...path, label], value);
    return compiled;
  });
}

function matchOf(faults: Faults, path: Path, label: string, value: TriggerFile['match'][string]): LabelMatch[] {
  if (Array.isArray(value)) return [{ label, kind: 'in', values: value.map(String) }];
  if (typeof value !== 'object') return [{ label, kind: 'equals', value: String(value) }];
  try {
    const pattern = compilePattern(value.re);
    return [{ label, kind: 're', pattern: value.re, test: text => pattern.matches(text) }];
  } catch (error) {
    faults.add([...path, 're'], error instanceof Error ? error.message : String(error), { given: value.re });
    return [];
  }
}

/** A trigger as text: `alertmanager { alertname: NodeDiskFull } where labels.env != "production"`. */
export function showTrigger(trigger: Trigger): string {
  const labels = showMatch(trigger.match);
  const parts = [
    trigger.source,
    trigger.kind ?? '',
    trigger.unpermitted === true ? 'unpermitted' : '',
    labels !== '' ? `{ ${labels} }` : '',
    trigger.whereText ? `where ${trigger.whereText}` : '',
  ];
  return parts.filter(Boolean).join(' ');
}

/** The clauses as text: `alertname: NodeDiskFull, env: test or staging`. */
export function showMatch(match: readonly LabelMatch[]): string {
  return match
    .map(one => {
      if (one.kind === 'equals') return `${one.label}: ${one.value}`;
      return one.kind === 'in' ? `${one.label}: ${one.values.join(' or ')}` : `${one.label}: /${one.pattern}/`;
    })
    .join(', ');
}
