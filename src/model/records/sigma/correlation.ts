import { isMap } from '../../incoming.ts';
import { invalid, type Place, shown, unsupported } from './fault.ts';
import { readSpan } from './meta.ts';

/** A correlation of Sigma 2 that counts. */
export interface Correlation {
  rules: readonly string[];
  by: readonly string[];
  /** Milliseconds. */
  within: number;
  /** The field whose different values are counted; null for the records. */
  of: string | null;
  atLeast: number;
  /** True when the rules that it refers to make alerts of their own too. */
  generate: boolean;
}

const keys = ['type', 'rules', 'group-by', 'timespan', 'condition', 'generate'];

/** Source: Sigma specification 2.1, sigma-correlation-rules-specification. */
export function readCorrelation(document: Readonly<Record<string, unknown>>): Correlation {
  const at = ['correlation'];
  const given = document['correlation'];
  if (!isMap(given)) throw invalid(at, 'the correlation is a map');
  const { type, rules, timespan, condition, generate = document['generate'] ?? false } = given;
  if (type !== 'event_count' && type !== 'value_count')
    throw unsupported([...at, 'type'], `the correlation \`${shown(type)}\` is not supported`, {
      allowed: 'event_count, value_count',
      given: shown(type),
    });
  for (const key of Object.keys(given))
    if (!keys.includes(key))
      throw unsupported([...at, key], `\`${key}\` of a correlation is not supported`, { allowed: keys.join(', ') });
  if (typeof generate !== 'boolean') throw invalid([...at, 'generate'], '`generate` is true or false');
  const { atLeast, field } = readCount(condition, [...at, 'condition']);
  if ((type === 'value_count') !== (field !== null))
    throw invalid([...at, 'condition'], '`value_count` has a `field` in its condition, `event_count` has none');
  return {
    rules: namesAt(rules, [...at, 'rules'], 100),
    by: given['group-by'] === undefined ? [] : namesAt(given['group-by'], [...at, 'group-by'], 4),
    within: readSpan(timespan, [...at, 'timespan']),
    of: field,
    atLeast,
    generate,
  };
}

function readCount(given: unknown, at: Place): { atLeast: number; field: string | null } {
  if (!isMap(given)) throw invalid(at, 'the condition of a correlation is a map', { allowed: '{ gte: 5 }' });
  const { field = null, ...rest } = given;
  const [first, ...others] = Object.entries(rest);
  if (first === undefined || others.length > 0 || (first[0] !== 'gt' && first[0] !== 'gte'))
    throw unsupported(at, `\`${Object.keys(rest).join(', ')}\` is not supported here`, {
      allowed: 'one of gt and gte',
    });
  const [operator, number] = first;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0)
    throw invalid([...at, operator], `\`${operator}\` is a whole number`);
  if (field !== null && typeof field !== 'string')
    throw unsupported([...at, 'field'], 'several fields of a value_count are not supported', { allowed: 'one field' });
  return { atLeast: number + (operator === 'gt' ? 1 : 0), field };
}

function namesAt(given: unknown, at: Place, most: number): string[] {
  const list = typeof given === 'string' ? [given] : given;
  if (Array.isArray(list) && list.length > 0 && list.every(one => typeof one === 'string')) {
    if (list.length <= most) return list;
    throw unsupported(at, `more than ${most} are not supported`);
  }
  throw invalid(at, 'this is a list of names');
}
