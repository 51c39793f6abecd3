import { z } from 'zod';
import { explainFile, isMissing } from '../kernel/file-error.ts';
import { nearest } from '../kernel/nearest.ts';
import { ExpressionError } from '../model/expression/expression.ts';
import type { Problem } from '../ports/catalogue.ts';
import type { Path, YamlFile } from './yaml.ts';

/** Collects the problems of one file, with positions. */
export interface Faults {
  readonly list: Problem[];
  /** The file that they are in. */
  readonly yaml: YamlFile;
  /** Adds a problem at the path; with `key` its position is that of the key, not of the value. */
  add(path: Path, message: string, more?: FaultFacts): void;
  /** Adds an ExpressionError at the path; rethrows any other error. */
  addExpression(path: Path, error: unknown): void;
  /** Adds the issues of a zod parse of the value at the path. */
  addIssues(path: Path, issues: readonly z.core.$ZodIssue[], schema: z.ZodType): void;
}

export interface FaultFacts {
  allowed?: string | undefined;
  given?: string | undefined;
  nearest?: string | null | undefined;
  level?: Problem['level'];
  code?: string;
  key?: boolean;
  offset?: number | undefined;
}

export function createFaults(yaml: YamlFile): Faults {
  const list: Problem[] = [];
  const faults: Faults = {
    list,
    yaml,
    add(path, message, more = {}) {
      const at = more.key ? yaml.locateKey(path) : yaml.locate(path, more.offset);
      list.push({
        file: yaml.file,
        ...at,
        code: more.code ?? 'file-invalid',
        message,
        level: more.level ?? 'error',
        ...(more.allowed ? { allowed: more.allowed } : {}),
        ...(more.given && (more.key || !isSecret(path, more.given)) ? { given: more.given } : {}),
        ...(more.nearest ? { nearest: more.nearest } : {}),
      });
    },
    addExpression(path, error) {
      if (!(error instanceof ExpressionError)) throw error;
      faults.add(path, `${showPath(path)}: ${error.message}`, {
        code: error.code,
        allowed: typeof error.allowed === 'string' ? error.allowed : undefined,
        given: error.given,
        nearest: error.nearest,
        offset: error.offset,
      });
    },
    addIssues(path, issues, schema) {
      for (const issue of issues) addIssue(faults, yaml, path, issue, schema);
    },
  };
  return faults;
}

/** The problem `file-missing` or `file-unusable` for a file or folder that could not be read. */
export function unreadable(file: string, error: unknown, what = 'the file'): Problem {
  const code = isMissing(error) ? 'file-missing' : 'file-unusable';
  const message = `${what} cannot be read: ${explainFile(error)}`;
  return { file, line: 1, column: 1, code, message, level: 'error' };
}

/** A path as text, such as `steps[2].exec`. */
export function showPath(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/**
 * True for what stands in the place of a secret: problems are on /readyz, for everybody. A reference to a variable is none, and no part of
 * a name is compared that options have for other things.
 */
function isSecret([section, ...path]: Path, given: string): boolean {
  if ((section !== 'sources' && section !== 'chat') || /^["']?\$\{\w+\}["']?$/.test(given)) return false;
  return path.some(part => /(token|secret|password|passphrase|bearer|key|headers?)s?$/i.test(String(part)));
}

function addIssue(faults: Faults, yaml: YamlFile, base: Path, issue: z.core.$ZodIssue, schema: z.ZodType) {
  const inner = issue.path;
  const path = [...base, ...inner];
  const name = showPath(path) || 'the file';
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, inner);
      for (const key of issue.keys)
        faults.add([...path, key], `there is no "${key}" ${path.length === 0 ? 'here' : `in ${name}`}`, {
          key: true,
          allowed: known.join(', '),
          given: key,
          nearest: nearest(key, known),
        });
      return;
    }
    case 'invalid_union': {
      const best = bestBranch(issue);
      if (best.length > 0) {
        for (const nested of best) addIssue(faults, yaml, path, nested, at(schema, inner));
        return;
      }
      const options = knownValues(schema, inner);
      return faults.add(path, `${name}: this is none of what it may be`, {
        allowed: options.join(', '),
        given: yaml.source(path),
        nearest: nearest(yaml.source(path), options),
      });
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const given = yaml.source(path);
      const what = given === '' ? `${name} is missing` : `${name}: this is not one of the values it may have`;
      return faults.add(path, what, { allowed: values.join(', '), given, nearest: nearest(given, values) });
    }
    case 'invalid_type':
      if (hasWords(issue)) return faults.add(path, `${name}: ${issue.message}`, { given: yaml.source(path) });
      return faults.add(
        path,
        yaml.source(path) === '' && isAbsent(yaml.data, path) ? `${name} is missing` : `${name} has the wrong type`,
        {
          allowed: `${typeName(issue.expected)}${inQuotes(issue.expected, yaml.written(path))}`,
          given: yaml.source(path),
        },
      );
    case 'invalid_key':
      return faults.add(path, `${name}: ${issue.issues[0]?.message ?? 'this key is not allowed'}`, {
        key: true,
        given: String(path.at(-1)),
      });
    case 'custom': {
      const params = (issue.params ?? {}) as { offset?: number; nearest?: string | null; allowed?: string };
      return faults.add(path, `${name}: ${issue.message}`, { ...params, given: yaml.source(path) });
    }
    default:
      return faults.add(path, `${name}: ${issue.message}`, { given: yaml.source(path) });
  }
}

/** True when the message comes from our schema and not from zod. */
function hasWords(issue: z.core.$ZodIssue): boolean {
  return !issue.message.startsWith('Invalid ');
}

const typeNames: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  integer: 'a whole number',
  null: 'nothing',
};

function typeName(expected: string): string {
  return typeNames[expected] ?? expected;
}

/** How what YAML reads as nothing becomes text. */
function inQuotes(expected: string, written: string | null): string {
  return expected === 'string' && written !== null && written !== '' ? `: "${written}" in quotes` : '';
}

function isAbsent(data: unknown, path: Path): boolean {
  let value = data;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return true;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value === undefined;
}

/** The issues of the alternative that fits best: the deepest, with the fewest issues. Empty when none fits any better. */
function bestBranch(issue: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map(one => one.path.length + (isPlain(one) ? 0 : 1)));
  const ranked = [...issue.errors].sort((a, b) => depth(b) - depth(a) || a.length - b.length);
  const best = ranked[0];
  return best === undefined || depth(best) === 0 ? [] : best;
}

/** True when only the type or the value is wrong, which says little about which alternative was meant. */
function isPlain(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_value' || (issue.code === 'invalid_type' && !hasWords(issue));
}

type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  type?: string | string[];
};

const schemas = new WeakMap<z.ZodType, JsonSchema>();
const narrowed = new WeakMap<JsonSchema, z.ZodType>();

function jsonSchema(schema: z.ZodType): JsonSchema {
  const known = schemas.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
  schemas.set(schema, made);
  return made;
}

/** A placeholder schema for the part at the path, so that nested issues find their known keys. */
function at(schema: z.ZodType, path: Path): z.ZodType {
  const [part] = walk([jsonSchema(schema)], path);
  if (part === undefined) return z.unknown();
  const known = narrowed.get(part);
  if (known !== undefined) return known;
  const standIn = z.unknown();
  schemas.set(standIn, { anyOf: walk([jsonSchema(schema)], path) });
  narrowed.set(part, standIn);
  return standIn;
}

function walk(from: JsonSchema[], path: Path): JsonSchema[] {
  let here = from.flatMap(spread);
  for (const part of path) {
    here = here
      .flatMap(schema => {
        if (typeof part === 'number') return schema.items ? [schema.items] : [];
        const property = schema.properties?.[String(part)];
        if (property !== undefined) return [property];
        return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
      })
      .flatMap(spread);
  }
  return here;
}

function spread(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return inner.length === 0 ? [schema] : [schema, ...inner.flatMap(spread)];
}

export function knownKeys(schema: z.ZodType, path: Path): string[] {
  return [...new Set(walk([jsonSchema(schema)], path).flatMap(part => Object.keys(part.properties ?? {})))];
}

function knownValues(schema: z.ZodType, path: Path): string[] {
  return walk([jsonSchema(schema)], path).flatMap(part => {
    if (part.enum) return part.enum.map(String);
    if (part.const !== undefined) return [String(part.const)];
    return [part.type ?? []].flat().map(typeName);
  });
}

/** Sorts by file, line and column; at the same position errors come before warnings. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.level, b.level),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The problems for a terminal: position and message on one line, then allowed, given and the nearest known word. */
export function showProblems(problems: readonly Problem[]): string {
  return sortProblems(problems).map(showProblem).join('\n');
}

function showProblem(problem: Problem): string {
  return [
    `${problem.file}:${problem.line}:${problem.column}: ${problem.level}: ${problem.message}`,
    problem.allowed && `    allowed  ${problem.allowed}`,
    problem.given && `    given    ${problem.given}`,
    problem.nearest && `    did you mean "${problem.nearest}"?`,
  ]
    .filter(Boolean)
    .join('\n');
}
