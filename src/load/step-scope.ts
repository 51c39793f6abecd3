import { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import type { Alert } from '../model/alert.ts';
import { labelMap, makeScope, type Scope } from '../model/expression/expression.ts';
import { AlertValue, toCel } from '../model/expression/values.ts';
import type { Params } from '../ports/runbook.ts';
import type { ParamRule } from './params.ts';

/** The data that expressions in steps can read during a run. */
export interface StepFacts {
  params: Params;
  alert: Alert | null;
  run: { id: string; reason: string | null };
  /** By step id; a skipped step has no output. */
  steps: ReadonlyMap<string, { state: 'done' | 'skipped'; output: Json }>;
}

/** A step whose output later steps can read, with the CEL types of its fields. */
export interface StepShape {
  id: string;
  fields: Readonly<Record<string, string>>;
}

const noLabels = {};
const zero: Record<string, unknown> = { string: '', int: 0n, double: 0, bool: false };

/** The scope of one step: all parameters and the steps before it. */
export function stepScope(rules: readonly ParamRule[], before: readonly StepShape[]): Scope<StepFacts> {
  const params = Object.fromEntries(rules.map(rule => [rule.name, rule.type]));
  const stepTypes = Object.fromEntries(
    before.map((step, index) => [`Step${index}`, { state: 'string', ...step.fields }]),
  );
  const steps = Object.fromEntries(before.map((step, index) => [step.id, `Step${index}`]));
  return makeScope<StepFacts>({
    name: 'runbook',
    types: { Params: params, RunFacts: { id: 'string', reason: 'string' }, ...stepTypes, Steps: steps },
    variables: { params: 'Params', steps: 'Steps', alert: 'Alert', labels: 'map<string, string>', run: 'RunFacts' },
    bind: facts => ({
      params: bindParams(rules, facts.params),
      steps: Object.fromEntries(before.map(step => [step.id, bindStep(step, facts.steps.get(step.id))])),
      alert: new AlertValue(facts.alert),
      labels: labelMap(facts.alert?.labels ?? noLabels),
      run: { id: facts.run.id, reason: facts.run.reason ?? '' },
    }),
  });
}

/** The scope of `target:`, which is evaluated before there is a run. */
export function targetScope(rules: readonly ParamRule[]): Scope<Params> {
  return makeScope<Params>({
    name: 'target',
    types: { Params: Object.fromEntries(rules.map(rule => [rule.name, rule.type])) },
    variables: { params: 'Params' },
    bind: params => ({ params: bindParams(rules, params) }),
  });
}

/** A parameter that was left out reads as the zero value of its type: '', 0, false. */
function bindParams(rules: readonly ParamRule[], params: Params): Record<string, unknown> {
  return Object.fromEntries(rules.map(rule => [rule.name, bindValue(rule.type, params[rule.name])]));
}

function bindStep(step: StepShape, known: { state: string; output: Json } | undefined): Record<string, unknown> {
  const output = known?.output;
  const members = output !== null && typeof output === 'object' && !Array.isArray(output) ? output : {};
  const value = (name: string) => (name === 'output' ? (output ?? undefined) : members[name]);
  return {
    state: known?.state ?? 'pending',
    ...Object.fromEntries(Object.entries(step.fields).map(([name, type]) => [name, bindValue(type, value(name))])),
  };
}

function bindValue(type: string, value: Json | undefined): unknown {
  if (value === undefined || value === null) return emptyOf(type);
  if (type === 'int') return typeof value === 'number' ? BigInt(Math.trunc(value)) : 0n;
  if (type === 'double') return typeof value === 'number' ? value : 0;
  if (type === 'map<string, string>') return labelMap(value as Record<string, string>);
  return type === 'dyn' ? toCel(value) : value;
}

function emptyOf(type: string): unknown {
  if (type in zero) return zero[type];
  if (type.startsWith('list')) return [];
  return type.startsWith('map') ? new Map() : null;
}

const knownFields = new WeakMap<z.ZodType, Record<string, string>>();

/** The CEL types of a step type's output, as far as its schema declares them. */
export function outputFields(schema: z.ZodType): Record<string, string> {
  const fields = knownFields.get(schema) ?? readFields(schema);
  knownFields.set(schema, fields);
  return fields;
}

function readFields(schema: z.ZodType): Record<string, string> {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any', reused: 'inline' }) as Schema;
  if (json.properties === undefined) return { output: celOf(json) };
  return Object.fromEntries(Object.entries(json.properties).map(([name, field]) => [name, celOf(field)]));
}

interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
}

function celOf(schema: Schema): string {
  const options = schema.anyOf?.filter(option => option.type !== 'null');
  if (options?.length === 1 && options[0] !== undefined) return 'dyn';
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'array':
      return schema.items?.type === 'string' ? 'list<string>' : 'list<dyn>';
    case 'object':
      return typeof schema.additionalProperties === 'object' &&
        schema.additionalProperties.type === 'string' &&
        !schema.properties
        ? 'map<string, string>'
        : 'dyn';
    default:
      return Array.isArray(schema.enum) && schema.enum.every(value => typeof value === 'string') ? 'string' : 'dyn';
  }
}
