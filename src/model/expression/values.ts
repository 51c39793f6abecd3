import type { Json } from '../../kernel/canonical.ts';
import type { Alert } from '../alert.ts';
import type { Event } from '../event.ts';

/** Labels for CEL: a map in which a missing label reads as the empty string. */
export class LabelMap extends Map<string, string> {
  override get(key: string): string {
    return super.get(key) ?? '';
  }
}
// The evaluator accepts as a map only an object whose constructor is Map itself.
Object.defineProperty(LabelMap.prototype, 'constructor', { value: Map });

/** Headers for CEL: a LabelMap in which the case of a name does not matter. The names it is made from are lower case. */
class HeaderMap extends LabelMap {
  override get(key: string): string {
    return super.get(key.toLowerCase());
  }
  override has(key: string): boolean {
    return super.has(key.toLowerCase());
  }
}
Object.defineProperty(HeaderMap.prototype, 'constructor', { value: Map });

const known = new WeakMap<object, LabelMap>();

/** The labels as a LabelMap, cached by object, because many expressions read the same labels. */
export function labelMap(labels: Readonly<Record<string, string | undefined>>): LabelMap {
  const made = known.get(labels);
  if (made !== undefined) return made;
  return fill(new LabelMap(), labels);
}

/** The headers of a delivery, whose names are lower case, as a map that takes a name in any case. Cached by object. */
export function headerMap(headers: Readonly<Record<string, string | undefined>>): LabelMap {
  const made = known.get(headers);
  return made instanceof HeaderMap ? made : fill(new HeaderMap(), headers);
}

function fill(map: LabelMap, given: Readonly<Record<string, string | undefined>>): LabelMap {
  for (const [key, value] of Object.entries(given)) if (value !== undefined) map.set(key, value);
  known.set(given, map);
  return map;
}

const noLabels: Record<string, string> = {};

/**
 * An event as expressions see it. Without an event (a person pressed Run) its fields come from the alert, and `kind` is "none". Without
 * both its texts are empty.
 */
export class EventValue {
  readonly #event: Event | null;
  readonly #alert: Alert | null;

  constructor(event: Event | null, alert: Alert | null) {
    this.#event = event;
    this.#alert = alert;
  }

  get #body() {
    return this.#event?.body;
  }
  get #asAlert() {
    return this.#body?.kind === 'alert' ? this.#body : null;
  }
  /** The alert is used only when there is no event. */
  get #standIn() {
    return this.#event === null ? this.#alert : null;
  }

  get id() {
    return this.#event?.id ?? '';
  }
  get source() {
    return this.#event?.source ?? this.#standIn?.source ?? '';
  }
  get kind() {
    return this.#body?.kind ?? 'none';
  }
  get title() {
    return this.#body?.title ?? this.#standIn?.title ?? '';
  }
  get labels() {
    return labelMap(this.#body?.labels ?? this.#standIn?.labels ?? noLabels);
  }
  get annotations() {
    return labelMap(this.#asAlert?.annotations ?? this.#standIn?.annotations ?? noLabels);
  }
  get severity() {
    return this.#asAlert?.severity ?? this.#standIn?.severity ?? '';
  }
  get state() {
    return this.#asAlert?.state ?? this.#standIn?.state ?? '';
  }
  get fingerprint() {
    return this.#asAlert?.fingerprint ?? this.#standIn?.fingerprint ?? '';
  }
  get trusted() {
    return this.#event?.trusted ?? this.#standIn?.trusted ?? false;
  }
  get schedule() {
    return this.#body?.kind === 'tick' ? this.#body.schedule : '';
  }
  get type() {
    return this.#body?.kind === 'notice' ? this.#body.type : '';
  }
  get startsAt() {
    return new Date(this.#asAlert?.startsAt ?? this.#standIn?.startsAt ?? 0);
  }
  get occurredAt() {
    return new Date(this.#body?.occurredAt ?? this.#standIn?.startsAt ?? 0);
  }
  get receivedAt() {
    return new Date(this.#event?.receivedAt ?? this.#standIn?.lastSeen ?? 0);
  }
}

/** An alert as expressions see it. Without an alert its texts are empty and its state is "none". */
export class AlertValue {
  readonly #alert: Alert | null;

  constructor(alert: Alert | null) {
    this.#alert = alert;
  }
  get id() {
    return this.#alert?.id ?? '';
  }
  get source() {
    return this.#alert?.source ?? '';
  }
  get fingerprint() {
    return this.#alert?.fingerprint ?? '';
  }
  get title() {
    return this.#alert?.title ?? '';
  }
  get severity() {
    return this.#alert?.severity ?? '';
  }
  get state() {
    return this.#alert?.state ?? 'none';
  }
  get labels() {
    return labelMap(this.#alert?.labels ?? noLabels);
  }
  get annotations() {
    return labelMap(this.#alert?.annotations ?? noLabels);
  }
  get trusted() {
    return this.#alert?.trusted ?? false;
  }
  get episode() {
    return BigInt(this.#alert?.episode ?? 0);
  }
  get count() {
    return BigInt(this.#alert?.count ?? 0);
  }
  get acknowledgedBy() {
    return this.#alert?.acknowledgedBy ?? '';
  }
  get startsAt() {
    return new Date(this.#alert?.startsAt ?? 0);
  }
  get firstSeen() {
    return new Date(this.#alert?.firstSeen ?? 0);
  }
  get lastSeen() {
    return new Date(this.#alert?.lastSeen ?? 0);
  }
}

const eventValues = new WeakMap<Event, { alert: Alert | null; value: EventValue }>();

export function eventValue(event: Event | null, alert: Alert | null): EventValue {
  if (event === null) return new EventValue(null, alert);
  const made = eventValues.get(event);
  if (made !== undefined && made.alert === alert) return made.value;
  const value = new EventValue(event, alert);
  eventValues.set(event, { alert, value });
  return value;
}

/** JSON as CEL values: safe integers become bigint (CEL int), objects become maps, other values stay. */
export function toCel(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (value !== null && typeof value === 'object')
    return new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
  return value;
}

/** A CEL result as JSON. Times become ISO 8601 texts, durations milliseconds. Throws an Error for a value without a JSON form. */
export function fromCel(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'bigint':
      return fromBigInt(value);
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`${value} is not a number that can be written down`);
      return value;
    case 'object':
      return fromObject(value);
    default:
      throw new Error(`a ${typeof value} is not a value that can be used here`);
  }
}

function fromBigInt(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is too large a whole number`);
  return number;
}

function fromObject(value: object | null): Json {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) return members(value.entries());
  const proto = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return members(Object.entries(value));
  if ('seconds' in value && 'nanos' in value) return Number(value.valueOf());
  throw new Error('this value cannot be used here; take one of its fields');
}

function members(entries: Iterable<[unknown, unknown]>): Json {
  const out: Record<string, Json> = Object.create(null);
  for (const [key, member] of entries) out[String(key)] = fromCel(member);
  return out;
}
