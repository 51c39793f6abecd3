import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';

/** The attributes of an event as texts, each in its canonical form; those that are not set are left out. */
export type Attributes = Readonly<Record<string, string>>;

const uriCharacter = "[A-Za-z0-9\\-._~:/?#[\\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}";

/** What the attributes of the specification must be, beside texts that are not empty. */
const core: Readonly<Record<string, { shape: RegExp; must: string }>> = {
  specversion: { shape: /^1\.0$/, must: '1.0' },
  id: { shape: /./u, must: 'a text that is not empty' },
  source: { shape: new RegExp(`^(?:${uriCharacter})+$`), must: 'a URI reference of RFC 3986' },
  type: { shape: /./u, must: 'a text that is not empty' },
  subject: { shape: /./u, must: 'a text that is not empty, or left out' },
  time: {
    shape: /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
    must: 'a time of RFC 3339, or left out',
  },
  datacontenttype: { shape: /^[^\s/;,]+\/[^\s/;,]+\s*(;.*)?$/, must: 'a media type, or left out' },
  dataschema: { shape: new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:(?:${uriCharacter})+$`), must: 'a URI, or left out' },
};

/** The attributes of the specification; every other one is an extension. */
export const coreNames: readonly string[] = Object.keys(core);

const required = ['specversion', 'id', 'source', 'type'] as const;

/** Not allowed in any text: control characters, noncharacters, halves of a surrogate pair. */
const forbidden = /[\u0000-\u001f\u007f-\u009f]|\p{Noncharacter_Code_Point}|\p{Surrogate}/u;

/**
 * The attributes, checked. Throws TocsinError `bad-body`, whose `at` is the name of an attribute of the specification, or `attributes` for
 * an extension. Source: CloudEvents 1.0.2, spec.md, Context Attributes.
 */
export function checkAttributes(given: Attributes): Attributes {
  for (const name of required) if (given[name] === undefined) throw wrong(name, core[name]?.must ?? '');
  for (const [name, text] of Object.entries(given)) {
    const rule = Object.hasOwn(core, name) ? core[name] : undefined;
    if (rule !== undefined && !rule.shape.test(text)) throw wrong(name, rule.must);
    if (!/^[a-z0-9]+$/.test(name) || name === 'data') {
      throw wrong('attributes', 'names of lower-case letters and digits, and not data');
    }
    if (forbidden.test(text)) throw wrong(placeOf(name), 'a text without control characters and halves of characters');
  }
  return given;
}

/**
 * The canonical text of an attribute in JSON; null when it is not set. Throws TocsinError `bad-body` for a type that attributes do not have.
 * Source: CloudEvents 1.0.2, json-format.md, Type System Mapping.
 */
export function canonicalText(name: string, value: Json): string | null {
  if (value === null || typeof value === 'string') return value;
  const isInteger = typeof value === 'number' && Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31;
  if (!Object.hasOwn(core, name) && (isInteger || typeof value === 'boolean')) return String(value);
  const must = Object.hasOwn(core, name) ? core[name]?.must : undefined;
  throw wrong(placeOf(name), must ?? 'a text, a whole number of 32 bits, true or false');
}

/** Everybody may read where an error is, so the name of an extension is not said. */
function placeOf(name: string): string {
  return Object.hasOwn(core, name) ? name : 'attributes';
}

/** The error of what is no CloudEvent. */
export function wrong(at: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', { message: 'This is not a CloudEvent of version 1.0.', at, allowed });
}
