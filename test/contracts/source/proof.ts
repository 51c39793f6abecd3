import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../src/ports/source.ts';
import { provenDelivery, type Sample } from './samples.ts';

/** What holds of the proof of every source; nothing here needs a door. */
export function proofContract(samples: readonly Sample[]): void {
  const proven = samples.filter(sample => by(sample, provenDelivery(sample)) !== 'none');

  it('has an example with a proof', () => {
    expect(proven.length).toBeGreaterThan(0);
  });

  describe.each(proven.map(sample => [sample.title, sample] as const))('%s', (_title, sample) => {
    const right = provenDelivery(sample);
    const names = Object.keys(right.headers).filter(name => !(name in sample.headers));

    it('without a part of its proof is refused, and so is each part otherwise', () => {
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) {
        const value = right.headers[name] ?? '';
        for (const other of [undefined, '', altered(value), value.slice(1), `0${value}`, 'x'.repeat(100_000), '\u00ff'])
          expect(by(sample, withHeader(right, name, other)), `${name}: ${other?.slice(0, 100)}`).toBeNull();
      }
    });

    it('signs the whole body, where it signs', () => {
      const others = ['', ' ', `${sample.body}`.slice(1)].map(text => Buffer.from(text));
      const answers = others.map(body => by(sample, { ...right, body }));
      expect(answers).toEqual(others.map(() => (by(sample, right) === 'hmac' ? null : by(sample, right))));
    });

    it('is taken with the old and the new secret while both are configured, and refused once its own is removed', () => {
      const secrets = secretPathsOf(sample.given, given => byWith(sample, given, right) === null);
      const lists = secrets.filter(path => sample.source.options.safeParse(put(sample.given, path, [other])).success);
      expect(lists.length).toBeGreaterThan(0);
      for (const path of lists) {
        const own = [at(sample.given, path)].flat();
        for (const all of [
          [other, ...own],
          [...own, other],
        ])
          expect(byWith(sample, put(sample.given, path, all), right), path.join('.')).toBe(by(sample, right));
        expect(byWith(sample, put(sample.given, path, [other]), right), path.join('.')).toBeNull();
      }
    });
  });
}

/** A secret in every encoding. */
const other = Buffer.from('a secret of nobody').toString('base64');

/** The proof that is found; null for none. What the headers alone decide is decided the same with the body. */
function by({ source, options }: Pick<Sample, 'source' | 'options'>, delivery: Delivery): string | null {
  const verified = source.verify(delivery, options);
  const early = source.verifyHeaders?.(delivery.headers, options) ?? null;
  if (early !== null) expect(early.ok).toBe(verified.ok);
  return verified.ok ? verified.by : null;
}

function byWith({ source }: Sample, given: unknown, delivery: Delivery): string | null {
  return by({ source, options: source.options.parse(given) }, delivery);
}

function withHeader(delivery: Delivery, name: string, value: string | undefined): Delivery {
  return { ...delivery, headers: { ...delivery.headers, [name]: value } };
}

/** The same length and alphabet, but for one character in the middle. */
function altered(value: string): string {
  const middle = Math.floor(value.length / 2);
  return `${value.slice(0, middle)}${value[middle] === '1' ? '2' : '1'}${value.slice(middle + 1)}`;
}

/** The paths of texts, or of lists of texts, in the options without which the proof does not hold. */
function secretPathsOf(given: unknown, breaks: (given: unknown) => boolean): string[][] {
  return pathsIn(given).filter(path => {
    try {
      return breaks(put(given, path, other));
    } catch {
      // Another text is no option there.
      return false;
    }
  });
}

function pathsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value === 'string' || Array.isArray(value)) return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => pathsIn(inner, [...path, name]));
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value);
}

function put(value: unknown, [name, ...rest]: readonly string[], set: unknown): unknown {
  if (name === undefined) return set;
  const map = value as Record<string, unknown>;
  return { ...map, [name]: put(map[name], rest, set) };
}
