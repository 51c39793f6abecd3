import type { Json } from '../../../kernel/canonical.ts';
import { compileSecrets, redactText } from '../../../kernel/redact/redact.ts';
import type { Card } from '../../../model/card.ts';
import { type Finding, listed } from './finding.ts';

type Params = Readonly<Record<string, Json>>;

const names =
  /(?:^|[_-]|[a-z](?=[A-Z]))(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)s?$/i;

/** A shorter one is no secret, and to mask it would garble everything around it. */
const leastLength = 3;

/** Characters of a random text that is taken for a secret. Digests, commits and UUIDs are shorter in kinds of letters. */
const randomLength = { least: 24, most: 512 } as const;
/** Bits a character: ordinary names and paths have less. */
const randomBits = 4;

/** The parameters that look like secrets, by their names or values. */
export function secretParams(params: Params): string[] {
  return Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'string' && value.length >= leastLength && (isNamedSo(name) || isCredential(value)) ? [name] : [],
  );
}

function isNamedSo(name: string): boolean {
  return names.test(name);
}

function isCredential(value: string): boolean {
  const text = value.slice(0, 10_000);
  return redactText(text) !== text || isRandom(text);
}

function isRandom(text: string): boolean {
  if (text.length < randomLength.least || text.length > randomLength.most) return false;
  if (!/^[A-Za-z0-9+/_=-]+$/.test(text)) return false;
  if (!(/[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text))) return false;
  // A path or a name of words has few digits, or stops between words.
  const joins = text.match(/[/_-]/g)?.length ?? 0;
  return joins <= text.length / 12 && bitsOf(text) >= randomBits;
}

/** Shannon entropy, bits a character. */
function bitsOf(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}

export function findSecrets(params: Params): Finding[] {
  const found = secretParams(params);
  if (found.length === 0) return [];
  const [what, looks] = found.length === 1 ? ['The parameter', 'looks'] : ['The parameters', 'look'];
  const text = `${what} ${listed(found)} ${looks} like a secret, so it is masked here; it is in the journal and in the plan. Secrets belong under secrets: of the runbook.`;
  return [{ kind: 'secret', key: `secret ${found.join(' ')}`, text }];
}

/** A text with the secrets among the parameters masked, in all their forms; the text itself when there are none. */
export function createMask(params: Params): (text: string) => string {
  const found = secretParams(params);
  if (found.length === 0) return text => text;
  const values = found.flatMap(name => {
    const value = params[name];
    return typeof value === 'string' ? [value] : [];
  });
  const secrets = compileSecrets(values);
  // The shorter ones are looked for as they are only: a redactor leaves them alone, because they occur in too much ordinary output.
  const short = values.filter(value => value.length < 6);
  return text =>
    redactText(
      short.reduce((said, one) => said.replaceAll(one, '[redacted]'), text),
      secrets,
    );
}

/** A card with them masked in all that people read. What its buttons do is not text. */
export function maskCard(card: Card, params: Params): Card {
  const found = new Set(secretParams(params));
  if (found.size === 0) return card;
  const mask = createMask(params);
  return {
    ...card,
    title: mask(card.title),
    badge: card.badge === null ? null : mask(card.badge),
    blocks: card.blocks.map(block => maskDeep(block, mask)),
  };
}

/** Every text of a block but its kind. */
function maskDeep<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === 'string') return mask(value) as T;
  if (Array.isArray(value)) return value.map(one => maskDeep(one, mask)) as T;
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, one]) => [key, key === 'kind' ? one : maskDeep(one, mask)]);
  return Object.fromEntries(entries) as T;
}
