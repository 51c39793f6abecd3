import type { Json } from '../kernel/canonical.ts';
import { TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { exactNumber, numberForms } from '../kernel/number.ts';
import { name as personName } from '../model/config.ts';
import { compilePattern, type Pattern } from '../model/expression/expression.ts';
import type { ParamFile } from '../model/runbook-file.ts';
import type { ParamView } from '../ports/chat.ts';
import type { ParamSet, Params } from '../ports/runbook.ts';

/** A compiled parameter. `check` returns the coerced value, or why it is refused. */
export interface ParamRule {
  name: string;
  /** The CEL type of the value. */
  type: 'string' | 'int' | 'double' | 'bool' | 'dyn';
  required: boolean;
  default: Json | undefined;
  check(value: Json): { ok: true; value: Json } | { ok: false; because: string; allowed?: string };
  view: ParamView;
}

/**
 * Compiles a parameter. `people` are the ids of tocsin.yaml. When they are not available (null), any id is accepted, because the value was
 * checked when the run was requested. Throws an Error when the pattern does not compile.
 */
export function paramRule(name: string, file: ParamFile, people: readonly string[] | null = null): ParamRule {
  const pattern = file.type === 'string' && file.pattern !== undefined ? compilePattern(file.pattern) : null;
  return {
    name,
    type: celType[file.type],
    required: (file.required ?? true) && file.default === undefined,
    default: file.default,
    check: value => (file.type === 'person' ? checkPerson(value, people) : checkValue(file, pattern, value)),
    view: viewOf(name, file, people ?? []),
  };
}

const celType = {
  string: 'string',
  enum: 'string',
  person: 'string',
  number: 'double',
  integer: 'int',
  boolean: 'bool',
} as const;

type Checked = ReturnType<ParamRule['check']>;

function checkValue(file: Exclude<ParamFile, { type: 'person' }>, pattern: Pattern | null, value: Json): Checked {
  switch (file.type) {
    case 'string':
      return checkText(asText(value), { pattern, maxLength: file.maxLength, allowDash: file.allowDash });
    case 'enum': {
      const text = asText(value);
      const ok = text !== null && file.options.includes(text);
      return ok
        ? { ok, value: text }
        : { ok: false, because: 'is not one of the options', allowed: file.options.join(', ') };
    }
    case 'boolean':
      if (typeof value === 'boolean') return { ok: true, value };
      return value === 'true' || value === 'false'
        ? { ok: true, value: value === 'true' }
        : { ok: false, because: 'is not true or false', allowed: 'true, false' };
    default:
      return checkNumber(file, value);
  }
}

/** The most people that a refusal lists. */
const mostPeople = 20;

function checkPerson(value: Json, people: readonly string[] | null): Checked {
  const text = asText(value);
  if (text !== null && (people?.includes(text) ?? personName.safeParse(text).success)) return { ok: true, value: text };
  const near = text === null ? null : nearest(text, people ?? []);
  const some = (people ?? []).slice(0, mostPeople).join(', ');
  const more = (people?.length ?? 0) > mostPeople ? ', …' : '';
  return {
    ok: false,
    because: `is nobody in people of tocsin.yaml${near === null ? '' : `; did you mean "${near}"?`}`,
    allowed: some === '' ? 'the id of somebody under people: of tocsin.yaml' : some + more,
  };
}

function asText(value: Json): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** Texts are passed to commands as arguments, so NUL and values that look like an option (a leading dash) are refused. */
export function checkText(
  text: string | null,
  rules: { pattern: { text: string; matches(text: string): boolean } | null; maxLength: number; allowDash: boolean },
): Checked {
  if (text === null) return { ok: false, because: 'is not a text' };
  if (text.length > rules.maxLength)
    return { ok: false, because: `is too long: ${text.length} characters`, allowed: `at most ${rules.maxLength}` };
  if (text.includes('\0')) return { ok: false, because: 'contains NUL' };
  if (!text.isWellFormed()) return { ok: false, because: 'is not well-formed Unicode' };
  if (rules.pattern !== null)
    return rules.pattern.matches(text)
      ? { ok: true, value: text }
      : { ok: false, because: 'does not match its pattern', allowed: rules.pattern.text };
  if (text.startsWith('-') && !rules.allowDash)
    return {
      ok: false,
      because: 'begins with "-", which a command may take for an option',
      allowed: 'a pattern or allowDash: true in the runbook',
    };
  return { ok: true, value: text };
}

function checkNumber(file: Extract<ParamFile, { type: 'number' | 'integer' }>, given: Json): Checked {
  const value = typeof given === 'string' ? exactNumber(given) : given;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return { ok: false, because: 'is not a number', allowed: numberForms };
  if (file.type === 'integer' && !Number.isSafeInteger(value)) return { ok: false, because: 'is not a whole number' };
  if (file.min !== undefined && value < file.min)
    return { ok: false, because: 'is too small', allowed: `at least ${file.min}` };
  if (file.max !== undefined && value > file.max)
    return { ok: false, because: 'is too large', allowed: `at most ${file.max}` };
  return { ok: true, value };
}

function viewOf(name: string, file: ParamFile, people: readonly string[]): ParamView {
  return {
    name,
    type: file.type === 'integer' ? 'number' : file.type,
    about: file.about ?? '',
    required: (file.required ?? true) && file.default === undefined,
    default: file.default === undefined ? null : String(file.default),
    options: file.type === 'enum' ? file.options : file.type === 'person' ? people : [],
  };
}

/** Checks a set of values: missing ones get their default, unknown names are refused. `parse` throws `params-invalid`. */
export function createParamSet(runbook: string, rules: readonly ParamRule[]): ParamSet {
  const byName = new Map(rules.map(rule => [rule.name, rule]));
  return {
    parse(given) {
      const faults: Fault[] = [];
      const values: Record<string, Json> = {};
      for (const name of Object.keys(given))
        if (!byName.has(name)) faults.push({ name: null, because: unknownName(name, byName.keys()) });
      for (const rule of rules) {
        const value = Object.hasOwn(given, rule.name) ? given[rule.name] : undefined;
        if (value === undefined || value === null) {
          if (rule.default !== undefined) values[rule.name] = rule.default;
          else if (rule.required) faults.push({ name: rule.name, because: 'is missing' });
          continue;
        }
        const result = rule.check(value);
        if (result.ok) values[rule.name] = result.value;
        else {
          const allowed = result.allowed ? ` (allowed: ${result.allowed})` : '';
          faults.push({ name: rule.name, because: `${result.because}${allowed}` });
        }
      }
      if (faults.length > 0) throw paramsInvalid(runbook, faults, rules);
      return values satisfies Params;
    },
  };
}

function unknownName(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return `there is no parameter "${name.slice(0, 80)}"${near === null ? '' : `; did you mean "${near}"?`}`;
}

/** A problem of one parameter; the name is null for a parameter that does not exist. */
export interface Fault {
  name: string | null;
  because: string;
}

export function paramsInvalid(
  runbook: string,
  faults: readonly Fault[],
  rules: readonly { name: string }[],
): TocsinError {
  const texts = faults.map(({ name, because }) => (name === null ? because : `${name} ${because}`));
  const fields = faults.flatMap(({ name, because }) => (name === null ? [] : [[name, because] as const]));
  return new TocsinError('params-invalid', {
    message: `The parameters do not fit ${runbook}: ${texts.join('; ')}.`,
    fields: Object.fromEntries(fields),
    allowed: rules.map(rule => rule.name).join(', ') || 'no parameters',
  });
}
