import type { Json } from '../../../kernel/canonical.ts';
import { nearest } from '../../../kernel/nearest.ts';
import { isMap } from '../../incoming.ts';
import type { LogRecord } from '../types.ts';
import { invalid, type Place } from './fault.ts';

export interface FieldNames {
  /** How the fields of rules are called in the records. */
  names: Readonly<Record<string, string>>;
  /** The fields that the records have; null when they may have any. */
  known: readonly string[] | null;
}

/**
 * Reads a field: under its own name, which may have dots, or member by member. Undefined where it is not there. Throws for one that no record
 * can have: its rule would never match, or always.
 */
export function fieldReader(
  name: string,
  { names, known }: FieldNames,
  at: Place,
): (record: LogRecord) => Json | undefined {
  const path = Object.hasOwn(names, name) ? (names[name] ?? name) : name;
  const steps = path.split('.');
  const [first = '', ...rest] = steps;
  if (known !== null && !known.includes(path) && !known.includes(first)) {
    const near = nearest(path, known);
    throw invalid(at, `no record has a field \`${path}\`${near === null ? '' : `; did you mean ${near}?`}`, {
      allowed: `${known.join(', ')}; \`sigma.fields\` of the source says which of them is meant by another name`,
      given: name,
    });
  }
  return record => {
    const whole = record.get(path);
    if (whole !== undefined || rest.length === 0) return whole;
    let found: Json | undefined = record.get(first);
    for (const step of rest) {
      if (!isMap(found) || !Object.hasOwn(found, step)) return undefined;
      found = found[step] as Json;
    }
    return found;
  };
}

/** The values of a field that a rule compares: itself, or the members of a list. Maps have none. */
export function valuesOf(value: Json | undefined): readonly (string | number | boolean)[] {
  if (Array.isArray(value)) return value.filter(isPlain);
  return isPlain(value) ? [value] : [];
}

function isPlain(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** As the value of a key; the empty text for what is missing. */
export function textOfField(read: (record: LogRecord) => Json | undefined): (record: LogRecord) => string {
  return record => {
    const value = read(record);
    if (value === undefined || value === null) return '';
    return isPlain(value) ? String(value) : written(value);
  };
}

/** The empty text for what is too deep to be written, so that such a record does not fail its batch. */
function written(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

/** How deep keywords look into a record. */
const deepest = 8;

/** True for the record as it was written, or for one of its texts. */
export function someText(record: LogRecord, fits: (text: string) => boolean): boolean {
  if (fits(record.text())) return true;
  return record.names().some(name => someIn(record.get(name), fits, deepest));
}

function someIn(value: Json | undefined, fits: (text: string) => boolean, left: number): boolean {
  if (isPlain(value)) return fits(String(value));
  if (value === undefined || value === null || left === 0) return false;
  return Object.values(value).some(one => someIn(one as Json, fits, left - 1));
}
