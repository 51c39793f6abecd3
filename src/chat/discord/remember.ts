/** A bounded map that evicts the entry that was set longest ago. */
export interface Remembered<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

const mostRemembered = 5000;

export function remember<T>(most: number = mostRemembered): Remembered<T> {
  const map = new Map<string, T>();
  return {
    get: key => map.get(key),
    set(key, value) {
      map.delete(key);
      map.set(key, value);
      if (map.size > most) map.delete(map.keys().next().value ?? '');
    },
    delete: key => void map.delete(key),
  };
}
