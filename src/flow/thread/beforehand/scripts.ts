import { firstDisguised, firstMixed, firstOdd, type Odd, skeleton } from '../../../kernel/look-alike.ts';
import { visible } from '../../../kernel/text.ts';
import { type Finding, quoted } from './finding.ts';

/** Where a name may stand on a plan. */
export interface PlanText {
  /** `the target`, `host`, `the commands`. */
  where: string;
  text: string;
  /** It names one thing, such as a target: every blank in it counts. */
  isName?: boolean;
}

/** Characters of one text that are looked at; more is no name that anybody reads. */
const mostText = 200_000;
/** Sentences of this kind on one card. */
const mostNames = 3;

const plain = /^[\n\t\x20-\x7e]*$/;
/** A name as people read one: letters, digits and what joins them, also what cannot be seen. */
const name = /[\p{L}\p{M}\p{N}\p{Cf}\p{DI}_.\-‐‑‒–−․]+/gu;

/** The names that the store knows, by how they are read. */
export type KnownNames = ReadonlyMap<string, string>;

export function knownNames(names: Iterable<string>): KnownNames {
  const known = new Map<string, string>();
  // The one of plain letters wins: it is the one that people know.
  for (const one of names) if (one.length >= 2 && plain.test(one)) known.set(one, one);
  return known;
}

/** Names on the plan whose letters are not what they look like. */
export function findScripts(texts: readonly PlanText[], known: KnownNames): Finding[] {
  const found = new Map<string, Finding>();
  for (const { where, text } of texts)
    for (const one of oddNames(text)) {
      const said = sayOdd(one, known);
      if (said === null || found.has(one)) continue;
      found.set(one, { kind: 'scripts', key: `scripts ${one}`, text: `${where}: ${quoted(visible(one))} ${said}.` });
    }
  const all = [...found.values()];
  const left = all.length - mostNames;
  if (left <= 0) return all;
  const more: Finding = {
    kind: 'scripts',
    key: `scripts ${left} more`,
    text: `${left} more names are of letters that look like others.`,
  };
  return [...all.slice(0, mostNames), more];
}

/** The same in a text that people read: the words stand behind each name that deceives. */
export function markScripts(text: string, known: KnownNames): string {
  if (plain.test(text)) return text;
  return (
    text.slice(0, mostText).replace(name, one => {
      const said = plain.test(one) ? null : sayOdd(one, known);
      return said === null ? one : `${one} ⟦${said}⟧`;
    }) + text.slice(mostText)
  );
}

function oddNames(text: string): string[] {
  if (plain.test(text)) return [];
  return (text.slice(0, mostText).match(name) ?? []).filter(one => !plain.test(one));
}

/** `is not web-1: the "а" is Cyrillic`; null for a name that deceives nobody. */
function sayOdd(text: string, known: KnownNames): string | null {
  const short = text.slice(0, 300);
  const twin = known.get(skeleton(short)) ?? known.get(skeleton(short).replace(/[.-]+$/, ''));
  if (twin !== undefined) {
    const odd = firstOdd(short);
    return odd === null ? null : `is not ${twin}: ${sayLetter(odd)}`;
  }
  const mixed = firstMixed(short);
  if (mixed !== null) return `mixes scripts: ${sayLetter(mixed)}`;
  const disguised = firstDisguised(short);
  return disguised === null ? null : `only looks like ${skeleton(short)}: ${sayLetter(disguised)}`;
}

function sayLetter({ letter, is }: Odd): string {
  return is === 'invisible' ? 'it has a character that cannot be seen' : `the "${letter}" is ${is}`;
}
