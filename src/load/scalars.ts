import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { type Faults, showPath } from './problems.ts';
import type { Path, YamlFile } from './yaml.ts';

/**
 * YAML reads 1.10, 012 and 0x1F as numbers, and most of them are meant as text. So a scalar keeps its text until a schema says what it
 * wants: where it wants text, the scalar is the text as written; where it wants a number or a boolean, it is that; where it takes any JSON,
 * it is a number only when the number is written as JSON writes it, and is refused otherwise.
 */
export interface Settled<S extends z.ZodType> {
  /** The value with its scalars as the schema wants them. */
  data: unknown;
  parsed: z.ZodSafeParseResult<z.output<S>>;
}

/** By the path of a scalar: the text that it became. */
export type Texts = ReadonlyMap<string, string>;

/**
 * Parses a value of a file. Scalars that would change their text are added to the faults; `parsed` knows nothing of them. `later` is true
 * for paths in the value whose own schema comes later.
 */
export function readAs<S extends z.ZodType>(
  schema: S,
  given: unknown,
  faults: Faults,
  base: Path,
  later: (path: Path) => boolean = () => false,
): Settled<S> & { texts: Texts } {
  const settled = settle(schema, given, faults.yaml, base, later);
  for (const fault of settled.unfit) tellUnfit(faults, [...base, ...fault.path], fault);
  return settled;
}

interface Unfit {
  path: Path;
  value: number | boolean;
  written: string;
  /** Whether text may stand there too. */
  wants: 'text' | 'json' | 'number';
}

/** The most scalars of one value that are tried; the next ones are refused as if any JSON could stand there. */
const mostTried = 200;
/** The most scalars of one value that are told. */
const mostTold = 20;

/** `readAs` without telling: `unfit` is what it would tell, `texts` are the scalars that became text. */
export function settle<S extends z.ZodType>(
  schema: S,
  given: unknown,
  yaml: YamlFile,
  base: Path,
  later: (path: Path) => boolean = () => false,
): Settled<S> & { texts: Texts; unfit: readonly Unfit[] } {
  const written = (path: Path) => yaml.written([...base, ...path]);
  const texts = new Map<string, string>();
  let settled = withTexts(schema, given, written, texts);
  const known = texts.size;
  const unfit: Unfit[] = [];
  const wanted = new Map<string, Unfit['wants']>();
  for (const { path, value } of scalarsIn(settled.data)) {
    const text = later(path) ? null : written(path);
    if (text === null || text === String(value)) continue;
    // Elements of a list are all of one kind.
    const kind = pathKey(path.map(part => (typeof part === 'number' ? 0 : part)));
    const wants = wanted.get(kind) ?? (wanted.size < mostTried ? wantedAt(schema, settled, path, text) : 'json');
    wanted.set(kind, wants);
    const fits = wants === 'number' ? typeof value === 'boolean' || isFit(value, text) : wants === 'text';
    if (!fits && !yaml.stored) unfit.push({ path, value, written: text, wants });
    // Of what is refused the text goes on, so that nothing else is told about it.
    if (wants === 'text' || (wants === 'json' && !yaml.stored)) texts.set(pathKey(path), text);
    if (unfit.length === mostTold) break;
  }
  if (texts.size > known) settled = parse(schema, withScalars(given, texts));
  return { ...settled, texts, unfit };
}

function parse<S extends z.ZodType>(schema: S, data: unknown): Settled<S> {
  return { data, parsed: schema.safeParse(data) };
}

/** Gives every scalar its text where the schema takes nothing but text, and notes it in `texts`. */
function withTexts<S extends z.ZodType>(
  schema: S,
  given: unknown,
  written: (path: Path) => string | null,
  texts: Map<string, string>,
): Settled<S> {
  let settled = parse(schema, given);
  while (!settled.parsed.success) {
    const { data, parsed } = settled;
    const textAt = (path: Path) => (isPlain(data, path) ? written(path) : null);
    const { paths } = wantedTexts(parsed.error?.issues ?? [], [], textAt);
    if (paths.length === 0) break;
    for (const path of paths) texts.set(pathKey(path), textAt(path) ?? '');
    settled = parse(schema, withScalars(given, texts));
  }
  return settled;
}

/** A path as a key of `Texts`. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** True for a number or boolean. Null is nothing, and no text: who means the word writes quotes. */
function isPlain(data: unknown, path: Path): boolean {
  const value = path.reduce<unknown>(
    (at, part) => (at !== null && typeof at === 'object' ? (at as Record<PropertyKey, unknown>)[part] : undefined),
    data,
  );
  return typeof value === 'number' || typeof value === 'boolean';
}

interface Wanted {
  paths: Path[];
  /** How many issues text does not mend. */
  others: number;
}

/** Where text would mend the issues; of a union, in the alternative that needs the least else. */
function wantedTexts(issues: readonly z.core.$ZodIssue[], base: Path, text: (path: Path) => string | null): Wanted {
  const wanted: Wanted = { paths: [], others: 0 };
  for (const issue of issues) {
    const path = [...base, ...issue.path];
    const here = text(path);
    if (issue.code === 'invalid_union' && issue.errors.length > 0 && !(here !== null && takesList(issue))) {
      const ways = issue.errors.map(branch => wantedTexts(branch, path, text));
      const best = ways.sort((a, b) => a.others - b.others || b.paths.length - a.paths.length)[0];
      wanted.paths.push(...(best?.paths ?? []));
      wanted.others += best?.others ?? 1;
    } else if (here !== null && takesText(issue, here)) wanted.paths.push(path);
    else wanted.others += 1;
  }
  return wanted;
}

/** True for any JSON, to which text is no mending: there a number must be one. */
function takesList(issue: z.core.$ZodIssueInvalidUnion): boolean {
  const expected = issue.errors
    .flat()
    .map(one => (one.code === 'invalid_type' && one.path.length === 0 ? one.expected : ''));
  return expected.includes('number') && expected.some(type => type === 'array' || type === 'record');
}

function takesText(issue: z.core.$ZodIssue, text: string): boolean {
  if (issue.code === 'invalid_value') return issue.values.includes(text);
  return issue.code === 'invalid_type' && issue.expected === 'string';
}

/** What the schema takes at a scalar that it accepted as it is: found by trying, because only the schema knows. */
function wantedAt<S extends z.ZodType>(
  schema: S,
  { data, parsed }: Settled<S>,
  path: Path,
  text: string,
): Unfit['wants'] {
  const takes = (value: unknown) => {
    const tried = schema.safeParse(withScalars(data, new Map([[pathKey(path), value]])));
    return tried.success || (!parsed.success && isDeepStrictEqual(tried.error.issues, parsed.error.issues));
  };
  if (!takes(text)) return 'number';
  return takes([]) || takes({}) ? 'json' : 'text';
}

const leadingZero = /^[-+]?0\d/;

/** False for a number that is another one than its digits say, or that other readers of YAML take for octal. */
function isFit(value: number, text: string): boolean {
  if (leadingZero.test(text)) return false;
  if (/^[-+]?(\d+|0[xo][\da-f]+)$/i.test(text)) return Number.isSafeInteger(value);
  return value !== 0 || !/[1-9]/.test(text.replace(/e.*$/i, ''));
}

function tellUnfit(faults: Faults, path: Path, { value, written, wants }: Unfit) {
  const name = showPath(path) || 'the file';
  if (wants === 'json') {
    const [kind, becomes] = [typeof value, Object.is(value, -0) ? '0' : String(value)];
    const exact =
      kind === 'boolean' || (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)));
    return faults.add(path, `${name}: ${written} would become ${becomes}`, {
      given: written,
      allowed: `"${written}" in quotes for the text${exact ? `, ${becomes} for the ${kind}` : ''}`,
    });
  }
  if (leadingZero.test(written))
    return faults.add(path, `${name}: a number with a leading zero is octal to some readers`, {
      given: written,
      allowed: 'a number without it',
      nearest: String(value),
    });
  faults.add(path, `${name}: this number does not fit`, {
    given: written,
    allowed: `a number that is exact: whole ones from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
  });
}

function* scalarsIn(value: unknown, path: Path = []): Generator<{ path: Path; value: number | boolean }> {
  if (typeof value === 'number' || typeof value === 'boolean') yield { path, value };
  else if (Array.isArray(value))
    for (const [index, member] of value.entries()) yield* scalarsIn(member, [...path, index]);
  else if (value !== null && typeof value === 'object')
    for (const [key, member] of Object.entries(value)) yield* scalarsIn(member, [...path, key]);
}

/** A copy with other values at the paths. Parts that aliases share are apart in it. */
export function withScalars(data: unknown, values: ReadonlyMap<string, unknown>, path: Path = []): unknown {
  if (values.size === 0) return data;
  const found = values.get(pathKey(path));
  if (found !== undefined) return found;
  if (Array.isArray(data)) return data.map((member, index) => withScalars(member, values, [...path, index]));
  if (data === null || typeof data !== 'object') return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, member]) => [key, withScalars(member, values, [...path, key])]),
  );
}
