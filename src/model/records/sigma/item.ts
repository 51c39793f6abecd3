import { BlockList, isIP } from 'node:net';
import { messageOf } from '../../../kernel/errors.ts';
import { compilePattern } from '../../expression/expression.ts';
import { isMap } from '../../incoming.ts';
import type { LogRecord } from '../types.ts';
import { invalid, type Place, shown, unsupported } from './fault.ts';
import { type FieldNames, fieldReader, someText, valuesOf } from './field.ts';
import { globMatcher, readGlob, widen } from './glob.ts';

export type Predicate = (record: LogRecord) => boolean;
type Test = (value: string | number | boolean) => boolean;

/** The modifiers that are read. Source: Sigma specification 2.1, sigma-appendix-modifiers. */
const known = 'all contains startswith endswith cased re i m s cidr exists gt gte lt lte'.split(' ');
const allowed = known.join(', ');
const placing = ['contains', 'startswith', 'endswith'];
const numeric = ['gt', 'gte', 'lt', 'lte'];
/** Each of these says alone what a value means. */
const kinds = ['re', 'cidr', 'exists', ...numeric];

/** The most values of one field. */
const most = 10_000;

/** One member of a map: `field|modifier|modifier: value`. Without a field it looks into the whole record. */
export function compileItem(key: string, value: unknown, names: FieldNames, at: Place): Predicate {
  const [field = '', ...modifiers] = key.split('|');
  checkModifiers(modifiers, at);
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 0 || values.length > most)
    throw invalid(at, `${key} has ${values.length} values`, { allowed: `1 to ${most}` });
  const all = modifiers.includes('all');
  if (all && values.length < 2) throw invalid(at, '`all` needs a list of at least two values', { given: key });
  if (field === '') return keywords(values, modifiers, at);
  const read = fieldReader(field, names, at);
  if (modifiers.includes('exists')) {
    if (typeof value !== 'boolean') throw invalid(at, '`exists` is true or false', { given: shown(value) });
    return record => (read(record) !== undefined) === value;
  }
  const tests = values.map((one, index) => fieldTest(one, modifiers, Array.isArray(value) ? [...at, index] : at));
  const fits = (test: Test | null, record: LogRecord): boolean => {
    const found = read(record);
    if (test === null) return found === undefined || found === null;
    return valuesOf(found).some(test);
  };
  return all ? record => tests.every(test => fits(test, record)) : record => tests.some(test => fits(test, record));
}

function checkModifiers(modifiers: readonly string[], at: Place): void {
  for (const one of modifiers)
    if (!known.includes(one))
      throw unsupported(at, `the modifier \`${one}\` is not supported`, { allowed, given: one || '(empty)' });
  const twice = modifiers.find((one, index) => modifiers.indexOf(one) !== index);
  if (twice !== undefined) throw invalid(at, `\`${twice}\` stands there twice`);
  const flags = modifiers.filter(one => ['i', 'm', 's'].includes(one));
  if (flags.length > 0 && !modifiers.includes('re')) throw invalid(at, `\`${flags[0]}\` belongs behind \`re\``);
  const alone = modifiers.filter(one => kinds.includes(one));
  const beside = modifiers.filter(one => placing.includes(one) || one === 'cased');
  if (alone.length > 1 || (alone.length > 0 && beside.length > 0))
    throw unsupported(at, `\`${[...alone, ...beside].join('` and `')}\` are not supported together`);
  if (modifiers.filter(one => placing.includes(one)).length > 1)
    throw invalid(at, 'one of contains, startswith and endswith is meant', { given: modifiers.join('|') });
}

/** Null for a value that has to be missing. */
function fieldTest(value: unknown, modifiers: readonly string[], at: Place): Test | null {
  if (isMap(value) || Array.isArray(value))
    throw unsupported(at, 'a value is a text, a number, true, false or null, or a list of them');
  const kind = modifiers.find(one => kinds.includes(one));
  if (value === null || value === undefined) {
    if (modifiers.some(one => one !== 'all')) throw invalid(at, 'null has no modifiers');
    return null;
  }
  if (kind === undefined) return textTest(value, modifiers);
  if (kind === 're') {
    const fits = pattern(String(value), modifiers, at);
    return one => fits(String(one));
  }
  if (kind === 'cidr') return networkTest(String(value), at);
  return numberTest(kind, value, at);
}

function textTest(value: unknown, modifiers: readonly string[]): Test {
  const before = modifiers.includes('contains') || modifiers.includes('endswith');
  const behind = modifiers.includes('contains') || modifiers.includes('startswith');
  const fits = globMatcher(widen(readGlob(String(value)), { before, behind }), modifiers.includes('cased'));
  return one => fits(String(one));
}

function pattern(text: string, modifiers: readonly string[], at: Place): (text: string) => boolean {
  const flags = modifiers.filter(one => ['i', 'm', 's'].includes(one)).join('');
  try {
    return compilePattern(flags === '' ? text : `(?${flags})${text}`).finds;
  } catch (error) {
    throw unsupported(at, `the pattern is none that is read in linear time: ${messageOf(error)}`, {
      allowed: 'the syntax of RE2',
      given: text.slice(0, 100),
    });
  }
}

function networkTest(text: string, at: Place): Test {
  const [, address = '', bits] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || Number(bits) > (version === 4 ? 32 : 128))
    throw invalid(at, 'this is no network', { allowed: '10.0.0.0/8, 2001:db8::/32', given: text.slice(0, 100) });
  const list = new BlockList();
  list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  return one => {
    const found = isIP(String(one));
    return found === version && list.check(String(one), version === 4 ? 'ipv4' : 'ipv6');
  };
}

function numberTest(kind: string, value: unknown, at: Place): Test {
  if (typeof value !== 'number') throw invalid(at, `\`${kind}\` compares with a number`, { given: shown(value) });
  return one => {
    const number = numberOf(one);
    if (kind === 'gt') return number > value;
    if (kind === 'gte') return number >= value;
    return kind === 'lt' ? number < value : number <= value;
  };
}

/** NaN, of which nothing is true, for what is no number. */
function numberOf(value: string | number | boolean): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?\s*$/.test(value)
    ? Number(value)
    : Number.NaN;
}

/** Texts that stand anywhere in the record: one of them, or all of them. */
export function keywords(values: readonly unknown[], modifiers: readonly string[], at: Place): Predicate {
  const other = modifiers.find(one => !['all', 're', 'i', 'm', 's', 'contains', 'cased'].includes(one));
  if (other !== undefined)
    throw unsupported(at, `\`${other}\` needs a field`, { allowed: 'all, re, contains, cased', given: other });
  const tests = values.map((one, index) => {
    if (typeof one !== 'string' && typeof one !== 'number')
      throw unsupported([...at, index], 'a keyword is a text or a number');
    if (modifiers.includes('re')) return pattern(String(one), modifiers, [...at, index]);
    return globMatcher(widen(readGlob(String(one)), { before: true, behind: true }), modifiers.includes('cased'));
  });
  if (modifiers.includes('all')) return record => tests.every(test => someText(record, test));
  return record => tests.some(test => someText(record, test));
}
