import {
  changesSchema,
  configSchema,
  gatesSchema,
  type JsonSchema,
  knownBadSchema,
  policySchema,
  runbookSchema,
  runbookTestSchema,
} from '../../src/load/schemas.ts';
import { readShelves } from './support/shelves.ts';

/** docs/schemas: what editors use for completion and checking. */
export default async function generateSchemas(): Promise<Record<string, string>> {
  const { sources, steps } = await readShelves();
  return {
    'docs/schemas/runbook.json': show(runbookSchema(steps)),
    'docs/schemas/runbook-test.json': show(runbookTestSchema()),
    'docs/schemas/policy.json': show(policySchema()),
    'docs/schemas/gates.json': show(gatesSchema()),
    'docs/schemas/known-bad.json': show(knownBadSchema()),
    'docs/schemas/changes.json': show(changesSchema()),
    'docs/schemas/tocsin.json': show(configSchema(sources)),
  };
}

function show(schema: JsonSchema): string {
  return `${JSON.stringify(withScalars(schema), null, 2)}\n`;
}

/** Where text is wanted, a number or boolean without quotes is the text as it is written: editors need not tell it. */
function withScalars(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withScalars);
  if (value === null || typeof value !== 'object') return value;
  const schema = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withScalars(member)]));
  const closed = ['pattern', 'format', 'enum', 'const'].some(key => key in schema);
  return schema['type'] === 'string' && !closed ? { ...schema, type: ['string', 'number', 'boolean'] } : schema;
}
