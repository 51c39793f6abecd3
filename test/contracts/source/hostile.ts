import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { isCode } from '../../../src/kernel/errors.ts';
import { type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import { parseDelivery, type Source, type SourceExample } from '../../../src/ports/source.ts';
import { now } from './samples.ts';

/** What a member may hold instead of what it is documented to hold, as JSON. */
const values = [
  'null',
  'true',
  '0',
  '-1.5',
  '1e300',
  '99999999999999999999',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"constructor"',
  `"${'x'.repeat(99)}\u{1F600}${'y'.repeat(5000)}"`,
  `"${'z'.repeat(60_000)}"`,
  '"9999-12-31T23:59:59Z"',
  '"1970-01-01T00:00:00Z"',
  '[]',
  '[null,1,"a",[],{}]',
  '[["__proto__","x"],[{},[]],["a"],["b",{}]]',
  `[${Array(500).fill('"n"').join(',')}]`,
  '{}',
  '{"__proto__":"x","constructor":"y","toString":{"valueOf":null}}',
  '{"":"","a":{"b":{"c":[{}]}}}',
];

/** The document with each of its members in turn holding something else. */
function* variantsOf(document: unknown): Generator<{ at: string; body: string }> {
  for (const path of pathsOf(document)) {
    for (const value of values)
      yield { at: `${path.join('.')} = ${value.slice(0, 40)}`, body: written(document, path, value) };
  }
}

function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  const isHolder = typeof value === 'object' && value !== null;
  const inner = isHolder ? Object.entries(value).flatMap(([name, one]) => pathsOf(one, [...path, name])) : [];
  return [path, ...inner];
}

/** As text, because JSON.stringify would drop some of these values. */
function written(value: unknown, path: readonly string[], put: string): string {
  const [name, ...rest] = path;
  if (name === undefined) return put;
  if (Array.isArray(value))
    return `[${value.map((one, index) => (String(index) === name ? written(one, rest, put) : JSON.stringify(one))).join(',')}]`;
  const members = Object.entries(value as object).map(
    ([key, one]) => `${JSON.stringify(key)}:${key === name ? written(one, rest, put) : JSON.stringify(one)}`,
  );
  return `{${members.join(',')}}`;
}

/** Whatever a member holds: the source makes events that can be stored as they are, or refuses the body with `bad-body`. */
export function hostileContract(source: Source): void {
  const taken = source.examples.filter(example => 'events' in example.expect);
  const documents = taken.flatMap(example => {
    const variants = variantsOfBody(example.body, isForm(example));
    return variants === null ? [] : [[example.title, example, variants] as const];
  });
  it.each(documents)('%s: whatever a member holds is taken or refused', (_title, example, variants) => {
    const options = source.options.parse(example.options);
    for (const { at, body } of variants) {
      const given = { headers: example.headers, body: Buffer.from(body), at: example.at ?? now };
      let events: readonly IncomingEvent[] = [];
      try {
        events = source.normalise(parseDelivery(source, given, options), given, options).events;
      } catch (error) {
        if (!isCode(error, 'bad-body')) throw new Error(`${at}: ${String(error)}`, { cause: error });
      }
      for (const event of events) expect(faultOf(event), at).toBeNull();
    }
  });
}

/** What keeps an event from being stored, and read again, as it is; null when nothing does. */
function faultOf(event: IncomingEvent): string | null {
  const text = JSON.stringify(event);
  const stored = JSON.parse(text);
  if (!isDeepStrictEqual(incomingEvent.safeParse(stored).data, stored)) return 'not as the schema has it';
  // Of a text that is no Unicode, JSON.stringify writes the half of a pair as an escape.
  if (/(?<!\\)(\\\\)*\\ud[89a-f]/.test(text)) return 'half of a pair';
  if (event.title.includes('\0')) return 'NUL in a column';
  return event.kind === 'alert' && /[\0-\x1f]/.test(event.fingerprint) ? 'a control in a column' : null;
}

function isForm({ headers }: SourceExample): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
}

/** Null for a body that is neither JSON nor a form. */
function variantsOfBody(body: string, form: boolean): Iterable<{ at: string; body: string }> | null {
  if (form) return formsOf([...new URLSearchParams(body)]);
  try {
    return [...variantsOf(JSON.parse(body))];
  } catch {
    return null;
  }
}

/** The form with each of its fields in turn holding something else, or twice. */
function* formsOf(fields: readonly [string, string][]): Generator<{ at: string; body: string }> {
  const texts: string[] = values.map(value => JSON.parse(value)).filter(value => typeof value === 'string');
  const form = (...all: readonly [string, string][]) => new URLSearchParams([...all]).toString();
  for (const [index, [name]] of fields.entries()) {
    const others = fields.toSpliced(index, 1);
    for (const text of texts) yield { at: `${name} = ${text.slice(0, 40)}`, body: form(...others, [name, text]) };
    yield { at: `${name} twice`, body: form(...fields, [name, 'x']) };
    // No Unicode, and no encoding.
    for (const raw of ['%ff%fe', '%', '%zz', '%00'])
      yield { at: `${name} = ${raw}`, body: `${form(...others)}&${name}=${raw}` };
  }
}
