import { z } from 'zod';
import { configFile } from '../model/config.ts';
import { gatesFile } from '../model/gates/gates-file.ts';
import { knownBadFile } from '../model/gates/known-bad-file.ts';
import { changesFile } from '../model/ledger/changes-file.ts';
import { policyFile } from '../model/policy-file.ts';
import { runbookFile, stepCommon } from '../model/runbook-file.ts';
import type { Source } from '../ports/source.ts';
import type { StepType } from '../ports/step.ts';
import type { Shelf } from './steps-yaml.ts';
import { testFile } from './test-file.ts';

/** The parts of JSON Schema that are used here. */
export interface JsonSchema {
  [key: string]: unknown;
  description?: string;
  properties?: Record<string, JsonSchema>;
}

const draft = 'https://json-schema.org/draft/2020-12/schema';

function describeSchema(schema: z.ZodType): JsonSchema {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as JsonSchema;
  return $defs === undefined ? rest : (withoutReferences(rest) as JsonSchema);
}

/** Replaces references by an empty schema. Only "any JSON value" is recursive, and its reference would break inside a larger schema. */
function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences);
  if (value === null || typeof value !== 'object') return value;
  if ('$ref' in value) return {};
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutReferences(member)]));
}

/** The schema of runbooks/*.yaml, with the input of every step type. */
export function runbookSchema(steps: Shelf): JsonSchema {
  const schema = describeSchema(runbookFile);
  const kinds = [...steps.values()].map(type => stepSchema(type));
  const parallel = {
    ...stepBase('parallel', 'Its steps run at the same time.', {
      type: 'array',
      minItems: 2,
      items: { $ref: '#/$defs/step' },
    }),
  };
  return {
    $schema: draft,
    title: 'Tocsin runbook',
    ...schema,
    properties: {
      ...schema.properties,
      steps: { type: 'array', minItems: 1, maxItems: 100, items: { $ref: '#/$defs/anyStep' } },
    },
    $defs: {
      step: { oneOf: kinds },
      anyStep: { oneOf: [...kinds, parallel] },
      undo: {
        type: 'object',
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
        properties: Object.fromEntries([...steps.values()].map(type => [type.id, inputSchema(type)])),
      },
    },
  };
}

function stepSchema(type: StepType): JsonSchema {
  return stepBase(type.id, type.about, inputSchema(type));
}

function stepBase(id: string, about: string, input: JsonSchema): JsonSchema {
  const common = describeSchema(stepCommon);
  return {
    type: 'object',
    properties: { ...common.properties, undo: { $ref: '#/$defs/undo' }, [id]: { description: about, ...input } },
    required: ['id', id],
    additionalProperties: false,
  };
}

function inputSchema(type: StepType): JsonSchema {
  return withTemplates(describeSchema(type.input));
}

const template = { type: 'string', pattern: '\\$\\{\\{' };

/** Allows `${{ expression }}` in place of any scalar value. */
function withTemplates(schema: unknown): JsonSchema {
  if (Array.isArray(schema)) return schema.map(withTemplates) as unknown as JsonSchema;
  if (schema === null || typeof schema !== 'object') return schema as JsonSchema;
  const record = schema as JsonSchema;
  const inner: JsonSchema = {};
  for (const [key, value] of Object.entries(record))
    inner[key] =
      key === 'properties'
        ? mapMembers(value as Record<string, JsonSchema>)
        : nested.has(key)
          ? withTemplates(value)
          : value;
  const open =
    inner['type'] === 'string' &&
    inner['pattern'] === undefined &&
    inner['enum'] === undefined &&
    inner['const'] === undefined;
  const scalar =
    ['string', 'number', 'integer', 'boolean'].includes(String(inner['type'])) || inner['enum'] !== undefined;
  return scalar && !open ? { anyOf: [inner, template] } : inner;
}

const nested = new Set(['items', 'anyOf', 'oneOf', 'allOf', 'additionalProperties', 'prefixItems']);

function mapMembers(members: Record<string, JsonSchema>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, withTemplates(member)]));
}

/** The schema of runbooks/<id>.test.yaml. */
export function runbookTestSchema(): JsonSchema {
  return { $schema: draft, title: 'Tests of a Tocsin runbook', ...describeSchema(testFile) };
}

/** The schema of policy.yaml. */
export function policySchema(): JsonSchema {
  return { $schema: draft, title: 'Tocsin policy', ...describeSchema(policyFile) };
}

/** The schema of tocsin.yaml, with the options of every source. */
export function configSchema(sources: ReadonlyMap<string, Source>): JsonSchema {
  const schema = describeSchema(configFile);
  const kinds = [...sources.values()].map(driver => ({ driver, options: describeSchema(driver.options) }));
  const named = Object.fromEntries(
    kinds.map(({ driver, options }) => [driver.id, sourceSchema(driver, options, false)]),
  );
  const others = { oneOf: kinds.map(({ driver, options }) => sourceSchema(driver, options, true)) };
  return {
    $schema: draft,
    title: 'tocsin.yaml',
    ...schema,
    properties: {
      ...schema.properties,
      sources: { ...schema.properties?.['sources'], properties: named, additionalProperties: others },
    },
  };
}

/** The schema of a source; `typed` when its name is not its type, so that `type` is required. */
function sourceSchema(driver: Source, options: JsonSchema, typed: boolean): JsonSchema {
  const required = Array.isArray(options['required']) ? (options['required'] as string[]) : [];
  const whole = {
    description: driver.about,
    ...options,
    properties: { type: { const: driver.id }, ...options.properties },
    required: typed ? ['type', ...required] : required,
  };
  return typed || required.length > 0 ? whole : { anyOf: [whole, { type: 'null' }] };
}

/** The schema of gates.yaml. */
export function gatesSchema(): JsonSchema {
  return { $schema: draft, title: 'Tocsin gates', ...describeSchema(gatesFile) };
}

/** The schema of known-bad.yaml. */
export function knownBadSchema(): JsonSchema {
  return { $schema: draft, title: 'Tocsin known bad', ...describeSchema(knownBadFile) };
}

/** The schema of changes.yaml. */
export function changesSchema(): JsonSchema {
  return { $schema: draft, title: 'Tocsin changes', ...describeSchema(changesFile) };
}
