import type { Json } from '../../../kernel/canonical.ts';
import { isMap, timeOf } from '../../incoming.ts';
import type { FormatOptions, LogRecord } from '../types.ts';

/** When an object happened, milliseconds since the epoch. */
export type ReadTime = (value: Readonly<Record<string, unknown>>) => number | null;

/** A JSON object as a record. */
export class JsonRecord implements LogRecord {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #at: ReadTime;
  readonly #text: string;

  constructor(value: Readonly<Record<string, unknown>>, at: ReadTime, text: string) {
    this.#value = value;
    this.#at = at;
    this.#text = text;
  }
  get(name: string): Json | undefined {
    return Object.hasOwn(this.#value, name) ? (this.#value[name] as Json) : undefined;
  }
  names(): readonly string[] {
    return Object.keys(this.#value);
  }
  at(): number | null {
    return this.#at(this.#value);
  }
  text(): string {
    return this.#text;
  }
}

/** Reads the time under a name with dots: RFC 3339, or seconds, milliseconds, micro- or nanoseconds since the epoch. */
export function timeReader(path: FormatOptions['time']): (value: Readonly<Record<string, unknown>>) => number | null {
  if (path === undefined) return () => null;
  const names = path.split('.');
  return value => {
    let found: unknown = value;
    for (const name of names) found = isMap(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    return typeof found === 'string' ? (timeOf(found) ?? epochOf(Number(found))) : epochOf(found);
  };
}

/** Milliseconds since the epoch of a number whose unit its size tells: those of the years 2001 to 2286 do not overlap. */
export function epochOf(value: unknown): number | null {
  if (typeof value !== 'number' || !(value >= 1e9)) return null;
  const ms = value < 1e10 ? value * 1000 : value < 1e13 ? value : value < 1e16 ? value / 1e3 : value / 1e6;
  return ms < 1e13 ? Math.floor(ms) : null;
}
