import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

function referencesIn(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === '$ref' && typeof member === 'string' ? [member] : referencesIn(member),
  );
}

function find(root: unknown, reference: string): unknown {
  const way = reference.replace(/^#\//, '').split('/');
  return way.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root);
}

describe.each(['runbook', 'runbook-test', 'policy', 'tocsin'])('the schema of %s', name => {
  const schema: unknown = JSON.parse(readFileSync(new URL(`../../docs/schemas/${name}.json`, import.meta.url), 'utf8'));

  it('refers to nothing that it does not have', () => {
    const lost = referencesIn(schema).filter(one => !one.startsWith('#/') || find(schema, one) === undefined);
    expect(lost).toEqual([]);
  });

  it('knows the keys that the files have, and refuses others', () => {
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(Object.keys(find(schema, '#/properties') as object)).not.toHaveLength(0);
  });
});

it('the schema of runbooks has every step type, and parallel', () => {
  const schema: unknown = JSON.parse(readFileSync(new URL('../../docs/schemas/runbook.json', import.meta.url), 'utf8'));
  const kinds = find(schema, '#/$defs/anyStep/oneOf') as { required: string[] }[];
  expect(kinds.map(kind => kind.required.at(-1))).toEqual([
    'approve',
    'chart',
    'exec',
    'http',
    'notify',
    'runbook',
    'script',
    'verify',
    'wait',
    'parallel',
  ]);
});

it('the reference says of what its lists are', () => {
  for (const page of ['steps', 'runbook', 'policy', 'tocsin', 'sources']) {
    const text = readFileSync(new URL(`../../docs/reference/${page}.md`, import.meta.url), 'utf8');
    expect(text, page).not.toContain('list of anything');
  }
  const steps = readFileSync(new URL('../../docs/reference/steps.md', import.meta.url), 'utf8');
  expect(steps).toContain('| `argv` (required) | list of text or number or true or false |');
});
