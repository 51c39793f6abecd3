import { isMap } from '../../incoming.ts';
import { type Aggregation, compileCondition } from './condition.ts';
import { invalid, type Place, unsupported } from './fault.ts';
import type { FieldNames } from './field.ts';
import { compileItem, keywords, type Predicate } from './item.ts';
import { readSpan } from './meta.ts';

/** The detection of a rule. `within` is null without a time frame; milliseconds. */
export interface Detection {
  matches: Predicate;
  aggregation: Aggregation | null;
  within: number | null;
}

const mostIdentifiers = 1000;

export function compileDetection(given: unknown, names: FieldNames): Detection {
  const at = ['detection'];
  if (!isMap(given)) throw invalid(at, 'the detection is a map of names, with a condition');
  const { condition, timeframe, ...rest } = given;
  const identifiers = Object.entries(rest);
  if (identifiers.length === 0 || identifiers.length > mostIdentifiers)
    throw invalid(at, `the detection has ${identifiers.length} names`, { allowed: `1 to ${mostIdentifiers}` });
  const items = new Map(identifiers.map(([name, value]) => [name, compileIdentifier(value, names, [...at, name])]));
  const within = timeframe === undefined ? null : readSpan(timeframe, [...at, 'timeframe']);
  const list = Array.isArray(condition) ? condition : [condition];
  const compiled = list.map((one, index) => {
    const place: Place = Array.isArray(condition) ? [...at, 'condition', index] : [...at, 'condition'];
    if (typeof one !== 'string') throw invalid(place, 'the condition is a text');
    return compileCondition(one, items, place);
  });
  const [first] = compiled;
  if (first === undefined) throw invalid([...at, 'condition'], 'the list of conditions is empty');
  const aggregation = compiled.find(one => one.aggregation !== null)?.aggregation ?? null;
  if (aggregation !== null && compiled.length > 1)
    throw unsupported([...at, 'condition'], 'a count in a list of conditions is not supported');
  if (aggregation !== null && within === null)
    throw invalid([...at, 'condition'], 'a count needs a `timeframe` in the detection', { allowed: 'timeframe: 5m' });
  if (aggregation === null && within !== null)
    throw unsupported([...at, 'timeframe'], 'a `timeframe` without a count is not supported');
  return { matches: record => compiled.some(one => one.holds(record)), aggregation, within };
}

/** A map (and), a list of maps (or), or keywords. */
function compileIdentifier(value: unknown, names: FieldNames, at: Place): Predicate {
  if (isMap(value)) return compileMap(value, names, at);
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw invalid(at, 'the list is empty');
  const plain = list.filter(one => !isMap(one));
  if (plain.length === list.length) return keywords(list, [], at);
  const parts = list.map((one, index) => {
    const place = [...at, index];
    return isMap(one) ? compileMap(one, names, place) : keywords([one], [], at);
  });
  return record => parts.some(part => part(record));
}

function compileMap(map: Readonly<Record<string, unknown>>, names: FieldNames, at: Place): Predicate {
  const entries = Object.entries(map);
  if (entries.length === 0) throw invalid(at, 'the map is empty');
  const parts = entries.map(([key, value]) => compileItem(key, value, names, [...at, key]));
  return record => parts.every(part => part(record));
}
