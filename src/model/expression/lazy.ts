import { type CelInput, type CelMap, celMap } from '@bufbuild/cel';
import type { Json } from '../../kernel/canonical.ts';
import { toCel } from './values.ts';

type Key = Parameters<CelMap['get']>[0];

/** Members that are read when they are asked for, as a CEL map: most of a record is never looked at. */
class LazyMap extends Map<Key, CelInput> {
  readonly #read: (name: string) => Json | bigint | undefined;
  readonly #names: () => readonly string[];

  constructor(read: (name: string) => Json | bigint | undefined, names: () => readonly string[]) {
    super();
    this.#read = read;
    this.#names = names;
  }
  override get size(): number {
    return this.#names().length;
  }
  override get(key: Key): CelInput | undefined {
    const value = typeof key === 'string' ? this.#read(key) : undefined;
    return value === undefined || typeof value === 'bigint' ? value : toCel(value);
  }
  override has(key: Key): boolean {
    return this.get(key) !== undefined;
  }
  override *entries(): MapIterator<[Key, CelInput]> {
    for (const name of this.#names()) {
      const value = this.get(name);
      if (value !== undefined) yield [name, value];
    }
  }
  override *keys(): MapIterator<Key> {
    for (const [key] of this.entries()) yield key;
  }
  override *values(): MapIterator<CelInput> {
    for (const [, value] of this.entries()) yield value;
  }
  override [Symbol.iterator](): MapIterator<[Key, CelInput]> {
    return this.entries();
  }
}

export function lazyMap(read: (name: string) => Json | bigint | undefined, names: () => readonly string[]): CelMap {
  return celMap(new LazyMap(read, names) as ReadonlyMap<string, CelInput>);
}
