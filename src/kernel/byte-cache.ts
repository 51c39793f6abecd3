/** A cache that forgets what was used longest ago, so that its values stay within a number of bytes. */
export interface ByteCache<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  /** A value that is larger than the whole cache is not kept, and neither is an older one of its key. */
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** Within `most` bytes, by `sizeOf` of each value. */
export function createByteCache<T>(most: number, sizeOf: (value: T) => number = roughSize): ByteCache<T> {
  const known = new Map<string, { value: T; size: number }>();
  let bytes = 0;

  function remove(key: string): void {
    bytes -= known.get(key)?.size ?? 0;
    known.delete(key);
  }

  return {
    get(key) {
      const found = known.get(key);
      if (found === undefined) return undefined;
      known.delete(key);
      known.set(key, found);
      return found.value;
    },
    has: key => known.has(key),
    set(key, value) {
      remove(key);
      const size = sizeOf(value);
      if (size > most) return;
      known.set(key, { value, size });
      bytes += size;
      for (const oldest of known.keys()) {
        if (bytes <= most) return;
        remove(oldest);
      }
    },
    delete: remove,
  };
}

/** What an object, a member and any value that is no text cost, bytes; measured with documents of alerts and posts. */
const node = 32;
const member = 16;

/** About how many bytes a document takes in memory: its texts, and what holds them. Names of members are shared and count little. */
export function roughSize(value: unknown): number {
  if (typeof value === 'string') return member + value.length;
  if (typeof value !== 'object' || value === null) return member;
  let size = node;
  if (Array.isArray(value)) for (const one of value) size += roughSize(one);
  else for (const name in value) size += member + roughSize((value as Record<string, unknown>)[name]);
  return size;
}
