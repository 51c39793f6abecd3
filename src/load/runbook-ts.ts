import { z } from 'zod';
import type { Json } from '../kernel/canonical.ts';
import { risk } from '../model/decision.ts';
import { compileExpression, type Expression } from '../model/expression/expression.ts';
import { json } from '../model/run.ts';
import { trigger } from '../model/runbook-file.ts';
import type { RunbookDefinition } from '../ports/define-runbook.ts';
import type { ParamSet, Params, RunbookInput } from '../ports/runbook.ts';
import { type Draft, viewOf } from './draft.ts';
import { checkText, createParamSet, type ParamRule, paramRule, paramsInvalid } from './params.ts';
import { createFaults, type Faults } from './problems.ts';
import { targetScope } from './step-scope.ts';
import { compileTriggers } from './triggers.ts';
import type { Path, YamlFile } from './yaml.ts';

const isObjectSchema = (value: unknown): value is z.ZodObject =>
  value instanceof z.ZodType && value.def.type === 'object';

/** Schema of the default export of a TypeScript runbook. */
const definitionShape = z.strictObject({
  title: z.string().min(1).max(200),
  about: z.string().max(2000).default(''),
  risk,
  params: z.custom<z.ZodObject>(isObjectSchema, 'params is a z.object({ ... }) of tocsin').default(() => z.object({})),
  on: z.array(trigger).default([]),
  target: z.string().optional(),
  secrets: z.array(z.string()).default([]),
  calls: z.array(z.string()).default([]),
  run: z.custom<RunbookDefinition['run']>(
    value => typeof value === 'function',
    'run is a function that gets { step, params, alert, run }',
  ),
});

/** Checks the default export of a TypeScript runbook; `people` as for `paramRule`. `draft` is null when `faults` has errors. */
export function compileTsRunbook(
  id: string,
  file: string,
  entry: string,
  own: ReadonlyMap<string, Uint8Array>,
  exported: unknown,
  people: readonly string[] | null = null,
): { draft: Draft | null; faults: Faults } {
  const text = new TextDecoder().decode(own.get(entry) ?? new Uint8Array());
  const faults = createFaults(codeReader(file, text, exported));
  const parsed = definitionShape.safeParse(exported);
  if (!parsed.success) {
    if (exported === undefined)
      faults.add([], 'the file has no default export', { allowed: 'export default defineRunbook({ ... })' });
    else faults.addIssues([], parsed.error.issues, describable);
    return { draft: null, faults };
  }
  const rules = rulesOf(parsed.data.params, faults, people);
  const draft = build(id, { file, entry, own, rules }, parsed.data, faults);
  return { draft: faults.list.some(fault => fault.level === 'error') ? null : draft, faults };
}

/** The shape for looking up known keys. JSON Schema cannot represent functions, so they are unknown here. */
const describable = definitionShape.omit({ params: true, run: true }).extend({ params: z.unknown(), run: z.unknown() });

function build(
  id: string,
  {
    file,
    entry,
    own,
    rules,
  }: { file: string; entry: string; own: ReadonlyMap<string, Uint8Array>; rules: ParamRule[] },
  definition: z.infer<typeof definitionShape>,
  faults: Faults,
): Draft {
  const params = zodParams(id, definition.params, rules);
  const triggers = compileTriggers(definition.on, faults, { rules, params, from: new Map() });
  const target = definition.target === undefined ? null : compileTarget(definition.target, rules, faults);
  return {
    file,
    faults,
    own,
    calls: definition.calls.map((name, index) => ({ name, path: ['calls', index], params: null })),
    names: [],
    rules,
    waits: [],
    runbook: {
      id,
      title: definition.title,
      about: definition.about,
      kind: 'ts',
      risk: definition.risk,
      triggers,
      params,
      targets: given => (target === null ? [] : [...new Set(target.evaluate(given).filter(one => one !== ''))]),
      secrets: definition.secrets,
      entry,
      outline: () => [],
      view: viewOf(
        { id, title: definition.title, about: definition.about, risk: definition.risk, kind: 'ts', triggers },
        rules.map(rule => rule.view),
        [],
      ),
      body: (input: RunbookInput) => definition.run({ ...input, params: input.params as never }),
    },
  };
}

function compileTarget(text: string, rules: readonly ParamRule[], faults: Faults): Expression<Params, string[]> | null {
  try {
    return compileExpression(text, targetScope(rules), 'texts');
  } catch (error) {
    faults.addExpression(['target'], error);
    return null;
  }
}

interface FieldSchema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  format?: string;
  maxLength?: number;
  default?: Json;
  description?: string;
  /** `z.string().meta({ person: true })` */
  person?: unknown;
}

/** The zod parameters as rules, so that values of commands and events are coerced and shown as for a YAML runbook. */
function rulesOf(schema: z.ZodObject, faults: Faults, people: readonly string[] | null): ParamRule[] {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as {
    properties?: Record<string, FieldSchema>;
    required?: string[];
  };
  return Object.entries(shape.properties ?? {}).flatMap(([name, field]) => {
    const rule = ruleOf(name, field, shape.required?.includes(name) ?? false, people);
    if (rule === null)
      faults.add(
        ['params', name],
        `the parameter "${name}" is of a kind that cannot be given in a command or an event`,
        { allowed: 'a text, a number, true or false, or one of a list of texts' },
      );
    if (rule?.view.type === 'person' && rule.default !== undefined) {
      const standard = rule.check(rule.default);
      if (!standard.ok) faults.add(['params', name], `the default ${standard.because}`, { allowed: standard.allowed });
    }
    return rule === null ? [] : [rule];
  });
}

function ruleOf(
  name: string,
  field: FieldSchema,
  required: boolean,
  people: readonly string[] | null,
): ParamRule | null {
  const common = { about: field.description, required };
  const standard = field.default;
  const options = field.enum ?? (field.const === undefined ? undefined : [field.const]);
  if (options?.every(value => typeof value === 'string'))
    return withDefault(paramRule(name, { type: 'enum', ...common, options: options as string[] }), standard);
  if (field.type === 'string' && field.person === true)
    return withDefault(paramRule(name, { type: 'person', ...common }, people), standard);
  switch (field.type) {
    case 'string': {
      const rule = paramRule(name, { type: 'string', ...common, maxLength: field.maxLength ?? 1000, allowDash: true });
      const guarded = field.pattern !== undefined || field.format !== undefined;
      return withDefault(
        {
          ...rule,
          check: value =>
            guarded
              ? rule.check(value)
              : checkText(typeof value === 'string' ? value : String(value), {
                  pattern: null,
                  maxLength: field.maxLength ?? 1000,
                  allowDash: false,
                }),
        },
        standard,
      );
    }
    case 'number':
    case 'integer':
    case 'boolean':
      return withDefault(paramRule(name, { type: field.type, ...common }), standard);
    default:
      return null;
  }
}

function withDefault(rule: ParamRule, standard: Json | undefined): ParamRule {
  if (standard === undefined) return rule;
  return {
    ...rule,
    required: false,
    default: standard,
    view: { ...rule.view, required: false, default: String(standard) },
  };
}

/** Applies our own rules first (texts become numbers, no NUL, no leading dash), then the runbook's schema. */
function zodParams(id: string, schema: z.ZodObject, rules: readonly ParamRule[]): ParamSet {
  const first = createParamSet(id, rules);
  const strict = schema.strict();
  return {
    parse(given) {
      const parsed = strict.safeParse(first.parse(given));
      if (!parsed.success)
        throw paramsInvalid(
          id,
          parsed.error.issues.map(issue => ({ name: issue.path.join('.'), because: `is refused: ${issue.message}` })),
          rules,
        );
      const plain = z.record(z.string(), json).safeParse(dropUndefined(parsed.data));
      if (!plain.success)
        throw paramsInvalid(
          id,
          plain.error.issues.map(issue => ({ name: issue.path.join('.'), because: 'does not become a JSON value' })),
          rules,
        );
      return plain.data;
    },
  };
}

function dropUndefined(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
}

/** A YamlFile for code: positions are found by searching for the value or key in the text. */
function codeReader(file: string, text: string, exported: unknown): YamlFile {
  const placeOf = (offset: number) => {
    const before = text.slice(0, Math.max(0, offset)).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
  const start = Math.max(0, text.indexOf('export default'));
  const find = (path: Path) => {
    const value = valueAt(exported, path);
    const at = typeof value === 'string' ? text.indexOf(value, start) : -1;
    return at >= 0 ? at : keyAt(text, start, path);
  };
  return {
    file,
    data: exported,
    locate: (path, offset = 0) => placeOf(find(path) + offset),
    locateKey: path => placeOf(keyAt(text, start, path)),
    source: path => {
      const value = valueAt(exported, path);
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? String(value).slice(0, 80)
        : '';
    },
    // A number of code is a number: it has no other text.
    written: () => null,
    stored: false,
  };
}

function keyAt(text: string, start: number, path: Path): number {
  const key = path.findLast(part => typeof part === 'string');
  const at =
    key === undefined ? -1 : text.slice(start).search(new RegExp(`\\b${String(key).replace(/\W/g, '\\$&')}\\b`));
  return at < 0 ? start : start + at;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}
