import { stringify } from 'yaml';
import { z } from 'zod';
import { showDuration } from '../../src/kernel/duration.ts';
import {
  changesSchema,
  configSchema,
  gatesSchema,
  type JsonSchema,
  knownBadSchema,
  policySchema,
  runbookSchema,
} from '../../src/load/schemas.ts';
import { gateScope, scopes } from '../../src/model/expression/expression.ts';
import { functionNotes } from '../../src/model/expression/functions.ts';
import { defaultMaxBody, type Source } from '../../src/ports/source.ts';
import type { StepType } from '../../src/ports/step.ts';
import { abilitiesOf } from './support/abilities.ts';
import { readShelves } from './support/shelves.ts';

const generated = 'This page is generated from the source code: change it there and run `npm run generate`.';

/** docs/reference: sources, step types, files and expressions. */
export default async function generateReference(): Promise<Record<string, string>> {
  const { sources, steps } = await readShelves();
  return {
    'docs/reference/sources.md': sourcesPage([...sources.values()]),
    'docs/reference/steps.md': stepsPage([...steps.values()]),
    'docs/reference/runbook.md': filePage(
      'runbooks/*.yaml',
      'A reviewed procedure: triggers, parameters, steps, risk.',
      runbookSchema(steps),
      ['steps'],
    ),
    'docs/reference/policy.md': filePage(
      'policy.yaml',
      'Ordered rules; the first that holds decides. When none holds, people are asked.',
      policySchema(),
      [],
    ),
    'docs/reference/gates.md': filePage(
      'gates.yaml',
      'What asks before it acts: gates, who may ask them, and what a subject must have.',
      gatesSchema(),
      [],
    ),
    'docs/reference/known-bad.md': filePage(
      'known-bad.yaml',
      'What is never let through a gate: entries of people, feeds of others, and the clones in which histories are looked up.',
      knownBadSchema(),
      [],
    ),
    'docs/reference/changes.md': filePage(
      'changes.yaml',
      'What changes of the environment are held against: whose principals are whose, break-glass windows and claims.',
      changesSchema(),
      [],
    ),
    'docs/reference/tocsin.md': filePage(
      'tocsin.yaml',
      'Sources, channels, people and secrets. Texts of the form `${NAME}` and `${NAME:-default}` come from the environment.',
      configSchema(sources),
      ['sources'],
    ),
    'docs/reference/expressions.md': expressionsPage(),
  };
}

function page(title: string, ...parts: string[]): string {
  return `${[`# ${title}`, generated, ...parts].join('\n\n')}\n`;
}

function sourcesPage(sources: readonly Source[]): string {
  return page(
    'Sources',
    'A source takes deliveries at `POST /events/{name}`; `tocsin.yaml` gives it its name and options.',
    abilitiesTable(sources),
    ...sources.map(sourcePart),
  );
}

/** By the examples of each source, so that it says nothing that they do not show. */
function abilitiesTable(sources: readonly Source[]): string {
  const yes = (is: boolean) => (is ? 'yes' : '');
  const rows = sources
    .filter(source => source.start === undefined || source.prove !== undefined)
    .map(source => ({ id: source.id, ...abilitiesOf(source) }))
    .map(is =>
      [
        `[${is.id}](#${is.id})`,
        is.proofs.join(', '),
        is.endsByQuiet ? 'no: [`quiet`](../sources.md#senders-that-tell-no-end)' : yes(is.tellsEnds),
        yes(is.tellsAcknowledgements),
        yes(is.canBeAsked),
        yes(is.isListed),
        is.told.join(', '),
      ].join(' | '),
    );
  return [
    '| source | proof | tells ends | tells acknowledgements | can be asked | its list is compared | is told |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(row => `| ${row} |`),
  ].join('\n');
}

function sourcePart(source: Source): string {
  const [example] = source.examples;
  const takesBodies = source.start === undefined || source.prove !== undefined;
  const facts = [
    `Content types: ${[source.contentTypes ?? 'application/json'].flat().join(', ')}.`,
    ...(source.encodings === undefined ? [] : [`Content encodings: ${source.encodings.join(', ')}.`]),
    `Largest body: ${largestBody(source)}.`,
  ];
  const sample =
    example === undefined ? [] : ['```yaml', stringify({ sources: { [source.id]: example.options } }).trim(), '```'];
  return [
    `## ${source.id}`,
    '',
    source.about,
    '',
    ...(takesBodies ? [facts.join(' '), ''] : []),
    table(describe(source.options)),
    '',
    ...sample,
  ]
    .join('\n')
    .trim();
}

function largestBody({ maxBody = defaultMaxBody }: Source): string {
  const unproven =
    maxBody > defaultMaxBody ? `; ${defaultMaxBody} bytes from a sender that its headers do not prove` : '';
  return `${maxBody} bytes${unproven}`;
}

function stepsPage(steps: readonly StepType[]): string {
  return page(
    'Step types',
    'A step of a runbook is of one of these types. Keys that every step may have are on the page of [runbooks](runbook.md).',
    ...steps.map(stepPart),
  );
}

function stepPart(step: StepType): string {
  const timeout = timeoutOf(step);
  const facts = `Risk: ${step.risk}. Runs again after a crash by itself: ${step.idempotent ? 'yes' : 'no'}. Time-out when the runbook names none: ${timeout}.`;
  const code = step.literal?.length
    ? [
        `\`\${{ }}\` is not allowed in: ${step.literal.join(', ')} (it is code; use the environment variables \`PARAM_<NAME>\`).`,
        '',
      ]
    : [];
  const examples = step.examples
    .filter(example => !('refused' in example.expect))
    .slice(0, 3)
    .flatMap((example, index) => [
      `${example.title}:`,
      '',
      '```yaml',
      stringify([{ id: `step-${index + 1}`, [step.id]: example.input }]).trim(),
      '```',
      '',
    ]);
  return [
    `## ${step.id}`,
    '',
    step.about,
    '',
    facts,
    '',
    ...code,
    table(describe(step.input)),
    '',
    outputLine(step),
    '',
    ...examples,
  ]
    .join('\n')
    .trim();
}

function timeoutOf(step: StepType): string {
  if (step.timeout === null) return 'none';
  return step.timeout === 'default' ? '`run.timeout` of tocsin.yaml' : showDuration(step.timeout);
}

function outputLine(step: StepType): string {
  const { properties } = z.toJSONSchema(step.output, { io: 'output', unrepresentable: 'any' }) as JsonSchema;
  const names = Object.keys(properties ?? {});
  return names.length === 0 ? '' : `Later steps read: ${names.map(name => `\`steps.<id>.${name}\``).join(', ')}.`;
}

function describe(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
}

function filePage(title: string, about: string, schema: JsonSchema, elsewhere: readonly string[]): string {
  const steps = title.startsWith('runbooks') ? ['## Keys of every step', commonStepTable(schema)] : [];
  return page(title, about, table(schema, elsewhere), ...steps);
}

function commonStepTable(schema: JsonSchema): string {
  const kinds = (schema['$defs'] as { step: { oneOf: JsonSchema[] } }).step.oneOf;
  const [first] = kinds;
  if (first === undefined) return '';
  const type = (first['required'] as string[]).find(name => name !== 'id') ?? '';
  const { [type]: _, ...common } = first.properties ?? {};
  return table({ properties: common, required: ['id'] });
}

/** One row for a key, with the keys below it. */
function table(schema: JsonSchema, elsewhere: readonly string[] = []): string {
  const rows = rowsOf(schema, '', elsewhere, 0);
  if (rows.length === 0) return `Takes ${typeOf(schema)}.`;
  return ['| key | value | default | |', '|---|---|---|---|', ...rows].join('\n');
}

function rowsOf(schema: JsonSchema, prefix: string, elsewhere: readonly string[], depth: number): string[] {
  if (depth > 3) return [];
  const seen = new Set<string>();
  return shapes(schema).flatMap(shape => {
    const required = Array.isArray(shape['required']) ? (shape['required'] as string[]) : [];
    return Object.entries(shape.properties ?? {}).flatMap(([name, member]) => {
      if (seen.has(name)) return [];
      seen.add(name);
      const key = `${prefix}${name}`;
      const notes =
        member.description ??
        shapes(member)
          .map(part => part.description)
          .find(Boolean) ??
        '';
      const standard =
        member['default'] === undefined || isEmpty(member['default']) ? '' : `\`${JSON.stringify(member['default'])}\``;
      const row = `| \`${key}\`${required.includes(name) ? ' (required)' : ''} | ${cell(typeOf(member))} | ${cell(standard)} | ${cell(notes)} |`;
      return [row, ...(elsewhere.includes(key) ? [] : below(member, key, elsewhere, depth))];
    });
  });
}

function isEmpty(value: unknown): boolean {
  return value !== null && typeof value === 'object' && Object.keys(value).length === 0;
}

function below(member: JsonSchema, key: string, elsewhere: readonly string[], depth: number): string[] {
  return shapes(member).flatMap(shape => {
    if (shape.properties) return rowsOf(shape, `${key}.`, elsewhere, depth + 1);
    if (isSchema(shape['items'])) return rowsOf(shape['items'], `${key}[].`, elsewhere, depth + 1);
    return isSchema(shape['additionalProperties'])
      ? rowsOf(shape['additionalProperties'], `${key}.<name>.`, elsewhere, depth + 1)
      : [];
  });
}

function isSchema(value: unknown): value is JsonSchema {
  return value !== null && typeof value === 'object';
}

/** The schema itself and its alternatives. */
function shapes(schema: JsonSchema): JsonSchema[] {
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap(key =>
    Array.isArray(schema[key]) ? (schema[key] as JsonSchema[]) : [],
  );
  return inner.length === 0 ? [schema] : inner.flatMap(shapes);
}

const words: Record<string, string> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'map',
  null: 'nothing',
};

const parts: Record<string, string> = { '#/$defs/anyStep': 'step', '#/$defs/undo': 'step type with its input' };

function typeOf(schema: JsonSchema): string {
  const kinds = shapes(schema).map(shape => {
    if (Array.isArray(shape['enum'])) return shape['enum'].map(value => `\`${String(value)}\``).join(', ');
    if (shape['const'] !== undefined) return `\`${String(shape['const'])}\``;
    if (shape['type'] === 'array') return `list of ${isSchema(shape['items']) ? typeOf(shape['items']) : 'anything'}`;
    if (shape['pattern'] === '\\$\\{\\{') return '`${{ }}`';
    if (typeof shape['$ref'] === 'string') return parts[shape['$ref']] ?? 'anything';
    const types = Array.isArray(shape['type']) ? shape['type'] : [shape['type']];
    return types.map(type => words[String(type)] ?? 'anything').join(' or ');
  });
  return [...new Set(kinds)].join(' or ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const places: Record<string, string> = {
  event: '`where`, `from` and `params` of a trigger',
  route: '`routes[].when` of tocsin.yaml',
  policy: '`rules[].when` of policy.yaml, of rules about runs',
  gate: '`rules[].when` of policy.yaml, of rules about [gates](../policy.md#rules-about-gates)',
};

function expressionsPage(): string {
  const parts = [...Object.values(scopes), gateScope].map(scope => {
    const variables = Object.entries(scope.variables).map(([name, type]) => `| \`${name}\` | ${type} |`);
    return [
      `## Variables: ${scope.name}`,
      '',
      `In ${places[scope.name] ?? scope.name}.`,
      '',
      '| variable | type |',
      '|---|---|',
      ...variables,
    ].join('\n');
  });
  const types = Object.entries({ ...scopes.policy.types, ...gateScope.types }).map(([name, fields]) =>
    [
      `### ${name}`,
      '',
      '| field | type |',
      '|---|---|',
      ...Object.entries(fields).map(([field, type]) => `| \`${field}\` | ${type} |`),
    ].join('\n'),
  );
  return page(
    'Expressions',
    intro,
    '## Own functions',
    ownFunctions(),
    ...parts,
    runbookScope,
    '## Types',
    ...types,
    '## Functions of CEL',
    functionList(),
  );
}

const intro = [
  'Conditions and computed values are [CEL](https://cel.dev). Variables have types, so that a mistyped word is found when the file loads, with its place and the nearest known word.',
  '',
  '- A label that is not there reads as the empty text: `labels.env == ""`. Whether it is there says `"env" in labels`.',
  '- `matches()` is refused, because some patterns take for ever on some texts; use `re()`.',
  '- Texts of 4000 characters, 600 parts and 100 000 turns of loops are the most that one expression may have.',
  '- What is no number, time or zone is an error; numbers of JSON are doubles. What that means, and what is refused of CEL, is on the page of [policy](../policy.md#what-a-condition-sees).',
  '- In the options of a webhook source the variables are `body`, `item` (one element of `each`) and `headers`; there `has(body.a.b)` says whether something is there; it is false as well where `a` is missing.',
  '- In steps, `${{ expression }}` puts a value in; a value that is exactly one expression keeps its type. The result is data and is never evaluated again. `$${{` stands for the characters.',
  '- What an event says (`alert`, `labels`) is known in `if`, `notify` and `approve`. Other steps get it only as a declared parameter.',
].join('\n');

const runbookScope = [
  '## Variables: runbook',
  '',
  'In `if` and `${{ }}` of steps.',
  '',
  '| variable | type |',
  '|---|---|',
  '| `params` | the declared parameters, with their types; one that was left out reads as empty, 0 or false |',
  '| `steps` | the steps before this one: `steps.<id>.state` (`done` or `skipped`) and what they put out; `steps["with-dash"]` |',
  '| `alert` | Alert |',
  '| `labels` | map<string, string> |',
  '| `run` | `run.id`, `run.reason` |',
].join('\n');

function ownFunctions(): string {
  return Object.entries(functionNotes)
    .map(([name, note]) => `- \`${name}\`: ${note}`)
    .join('\n');
}

function functionList(): string {
  const hidden = /optional|Optional|CelNamespace|^type\(|^dyn\(|matches\(|\(ast/;
  const { functions } = scopes.event.environment.getDefinitions();
  const signatures = functions
    .filter(one => !(one.name in functionNotes) && !hidden.test(one.signature))
    .map(one => one.signature.replace('StringsNamespace.', 'strings.'));
  return [
    ...signatures,
    'list.all(x, condition)',
    'list.exists(x, condition)',
    'list.exists_one(x, condition)',
    'list.map(x, value)',
    'list.filter(x, condition)',
  ]
    .map(signature => `- \`${signature}\``)
    .join('\n');
}
