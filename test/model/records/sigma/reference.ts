import type { Fields } from './place.ts';

/** Says plainly what a detection means, without a thought for speed: what compiled rules are compared with. */

export type Node =
  | { name: string }
  | { not: Node }
  | { and: Node[] }
  | { or: Node[] }
  | { of: 'all' | '1'; names: string };

export function holds(node: Node, detection: Record<string, unknown>, fields: Fields): boolean {
  if ('name' in node) return itemHolds(detection[node.name], fields);
  if ('not' in node) return !holds(node.not, detection, fields);
  if ('and' in node) return node.and.every(one => holds(one, detection, fields));
  if ('or' in node) return node.or.some(one => holds(one, detection, fields));
  const found = Object.keys(detection).filter(name =>
    node.names === 'them' ? name[0] !== '_' : name.startsWith(node.names.slice(0, -1)),
  );
  const results = found.map(name => itemHolds(detection[name], fields));
  return node.of === 'all' ? !results.includes(false) : results.includes(true);
}

/** As it stands in a rule, with as few brackets as the order of binding allows. */
export function write(node: Node, binding = 0): string {
  if ('name' in node) return node.name;
  if ('of' in node) return `${node.of} of ${node.names}`;
  if ('not' in node) return `not ${write(node.not, 3)}`;
  const [parts, word, own] = 'and' in node ? ([node.and, 'and', 2] as const) : ([node.or, 'or', 1] as const);
  const text = parts.map(part => write(part, own + 1)).join(` ${word} `);
  return own < binding ? `(${text})` : text;
}

function itemHolds(item: unknown, fields: Fields): boolean {
  if (Array.isArray(item))
    return item.some(one => (typeof one === 'object' ? itemHolds(one, fields) : keyword(String(one), fields)));
  return Object.entries(item as object).every(([key, value]) => memberHolds(key, value, fields));
}

function keyword(text: string, fields: Fields): boolean {
  const within = regexOf(text, { before: true, behind: true });
  return [...texts(fields), JSON.stringify(fields)].some(one => within.test(one));
}

function texts(value: unknown): string[] {
  if (value === null) return [];
  return typeof value === 'object' ? Object.values(value).flatMap(texts) : [String(value)];
}

function memberHolds(key: string, value: unknown, fields: Fields): boolean {
  const [field = '', ...modifiers] = key.split('|');
  const has = (name: string) => modifiers.includes(name);
  let found: unknown = fields;
  for (const step of field.split('.'))
    found =
      found !== null && typeof found === 'object' && Object.hasOwn(found, step) ? (found as Fields)[step] : undefined;
  if (has('exists')) return (found !== undefined) === value;
  const one = (wanted: unknown): boolean => {
    if (wanted === null) return found === undefined || found === null;
    const values = (Array.isArray(found) ? found : [found]).filter(
      it => it !== null && it !== undefined && typeof it !== 'object',
    );
    return values.some(it => {
      if (has('gt')) return isNumber(it) && Number(it) > Number(wanted);
      if (has('gte')) return isNumber(it) && Number(it) >= Number(wanted);
      if (has('lt')) return isNumber(it) && Number(it) < Number(wanted);
      if (has('lte')) return isNumber(it) && Number(it) <= Number(wanted);
      if (has('re')) return new RegExp(String(wanted), has('i') ? 'iu' : 'u').test(String(it));
      const before = has('contains') || has('endswith');
      const behind = has('contains') || has('startswith');
      return regexOf(String(wanted), { before, behind, cased: has('cased') }).test(String(it));
    });
  };
  const list = Array.isArray(value) ? value : [value];
  return has('all') ? list.every(one) : list.some(one);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && !Number.isNaN(Number(value)));
}

/** One character of the text after the other. */
function regexOf(text: string, { before = false, behind = false, cased = false }): RegExp {
  let source = '';
  for (let rest = text; rest !== ''; ) {
    const escaped = /^\\([*?\\])/u.exec(rest);
    const letter = escaped?.[1] ?? String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (escaped === null && letter === '*') source += '[^]*';
    else if (escaped === null && letter === '?') source += '[^]';
    else source += letter.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
    rest = rest.slice(escaped?.[0].length ?? letter.length);
  }
  const anything = (is: boolean) => (is ? '[^]*' : '');
  return new RegExp(`^${anything(before)}${source}${anything(behind)}$`, cased ? 'u' : 'iu');
}
