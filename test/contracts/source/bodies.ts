import { describe, expect, it } from 'vitest';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { bytesOf, groupOf, jsonOf, outcomeOf, type Sample } from './samples.ts';

/** What no error may repeat. */
const canary = 'CANARY of the contract';

/** Whatever a proven sender sends is taken or refused with a code; nothing is lost without a word. */
export function bodiesContract(samples: readonly Sample[]): void {
  const lists = samples.filter(({ source }) => source.json?.list !== undefined);
  if (lists.length > 0)
    it('has an example of a group', () => {
      expect(lists.map(sample => groupOf(sample)?.name)).toContain(lists[0]?.source.json?.list);
    });

  describe.each(samples.map(sample => [sample.title, sample] as const))('%s', (_title, sample) => {
    const body = jsonOf(sample);

    if (body !== undefined)
      it('with any one part otherwise is taken or refused, and its words stay with it', () => {
        for (const { name, value, wasList } of variantsOf(body)) {
          const made = outcomeOf(sample, bytesOf(value));
          if (made instanceof TocsinError) expect(textOf(made), name).not.toContain(canary);
          // A list without elements tells of nothing; everything else tells of something.
          else if (!wasList && made.echo === undefined) expect(made.events.length, name).toBeGreaterThan(0);
        }
      });

    it('as other bytes is taken or refused', () => {
      const { body: bytes } = sample;
      const half = Math.floor(bytes.length / 2);
      const others = [
        Buffer.alloc(0),
        bytes.subarray(0, half),
        bytes.subarray(half),
        Buffer.concat([bytes, bytes]),
        Buffer.concat([Buffer.from('\ufeff'), bytes]),
        Buffer.concat([bytes.subarray(0, half), Buffer.from([0xff, 0x00, 0xfe]), bytes.subarray(half)]),
        Buffer.from(bytes.toString(), 'utf16le'),
        ...['null', '[]', '{}', '""', '0', '[[]]', `"${canary}"`, '{"__proto__":{"a":1}}'].map(text =>
          Buffer.from(text),
        ),
      ];
      for (const one of others) {
        const made = outcomeOf(sample, one);
        if (made instanceof TocsinError) expect(textOf(made)).not.toContain(canary);
      }
    });

    const group = groupOf(sample);
    if (group === null) return;
    it('as a group of which half is bad: the good are taken and the bad are told', () => {
      const { name, elements } = group;
      for (const bad of [null, 7, canary, [], {}]) {
        const mixed = elements.flatMap(one => [bad, one]);
        const made = outcomeOf(sample, bytesOf({ ...(body as object), [name]: [...mixed, bad] }));
        if (made instanceof TocsinError) throw made;
        const isGood = (one: { kind: string }) => sample.events.some(event => event.kind === one.kind);
        expect(made.events.slice(0, elements.length)).toEqual(sample.events);
        const told = made.events.slice(elements.length);
        expect(told.length).toBeGreaterThan(0);
        expect(told.every(event => event.kind === 'notice')).toBe(true);
        expect(JSON.stringify(told)).not.toContain(canary);
        expect(made.events.filter(isGood).length).toBeGreaterThanOrEqual(elements.length);
      }
    });
  });
}

interface Variant {
  /** For the report. */
  name: string;
  value: unknown;
  /** True when what was replaced is a list or holds one. */
  wasList: boolean;
}

const replacements: readonly unknown[] = [
  undefined,
  null,
  7,
  -1e300,
  true,
  canary,
  '',
  [],
  {},
  [canary],
  { [canary]: canary },
];

/** The document with each of its parts replaced, and with an unknown key beside each. */
function variantsOf(whole: unknown): Variant[] {
  const variants: Variant[] = [];
  const visit = (value: unknown, path: string, rebuild: (value: unknown) => unknown): void => {
    for (const other of replacements) {
      const name = `${path || 'the document'} = ${JSON.stringify(other)}`;
      variants.push({ name, value: rebuild(other), wasList: holdsList(value) });
    }
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const [index, inner] of value.entries())
        visit(inner, `${path}.${index}`, next => rebuild(value.with(index, next)));
      return;
    }
    variants.push({ name: `${path}.${canary}`, value: rebuild({ ...value, [canary]: { a: [1] } }), wasList: false });
    for (const [key, inner] of Object.entries(value))
      visit(inner, `${path}.${key}`, next => rebuild({ ...value, [key]: next }));
  };
  visit(whole, '', value => value);
  return variants;
}

function holdsList(value: unknown): boolean {
  if (Array.isArray(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(Array.isArray);
}

/** What may be shown of an error. */
function textOf({ message, at, allowed, given, remedy }: TocsinError): string {
  return JSON.stringify([message, at, allowed, given, remedy]);
}
