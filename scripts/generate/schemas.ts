import { configSchema, type JsonSchema, policySchema, runbookSchema } from '../../src/load/schemas.ts';
import { readShelves } from './support/shelves.ts';

/** docs/schemas: what editors use for completion and checking. */
export default async function generateSchemas(): Promise<Record<string, string>> {
  const { sources, steps } = await readShelves();
  return {
    'docs/schemas/runbook.json': show(runbookSchema(steps)),
    'docs/schemas/policy.json': show(policySchema()),
    'docs/schemas/tocsin.json': show(configSchema(sources)),
  };
}

function show(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
