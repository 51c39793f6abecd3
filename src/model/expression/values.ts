import { type CelInput, type CelMap, celList, celMap, isCelList, isCelMap, isCelUint } from '@bufbuild/cel';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
  timestampFromMs,
} from '@bufbuild/protobuf/wkt';
import type { Json } from '../../kernel/canonical.ts';
import type { Alert } from '../alert.ts';
import type { ChangeState } from '../change.ts';
import type { Event, IncomingChange } from '../event.ts';
import { spend } from './work.ts';

type Key = Parameters<CelMap['get']>[0];

/** Labels for CEL: a map in which a missing label reads as the empty string. */
class LabelMap extends Map<Key, string> {
  override get(key: Key): string | undefined {
    return super.get(key) ?? (typeof key === 'string' ? '' : undefined);
  }
}

/** Headers for CEL: a LabelMap in which the case of a name does not matter. The names it is made from are lower case. */
class HeaderMap extends LabelMap {
  override get(key: Key): string | undefined {
    return super.get(typeof key === 'string' ? key.toLowerCase() : key);
  }
  override has(key: Key): boolean {
    return super.has(typeof key === 'string' ? key.toLowerCase() : key);
  }
}

const knownLabels = new WeakMap<object, CelMap>();
const knownHeaders = new WeakMap<object, CelMap>();

/** The labels as a CEL map, cached by object, because many expressions read the same labels. A missing one reads as the empty text. */
export function labelMap(labels: Readonly<Record<string, string | undefined>>): CelMap {
  const made = knownLabels.get(labels) ?? fill(new LabelMap(), labels);
  knownLabels.set(labels, made);
  return made;
}

/** The headers of a delivery, whose names are lower case, as a map that takes a name in any case. Cached by object. */
export function headerMap(headers: Readonly<Record<string, string | undefined>>): CelMap {
  const made = knownHeaders.get(headers) ?? fill(new HeaderMap(), headers);
  knownHeaders.set(headers, made);
  return made;
}

function fill(map: LabelMap, given: Readonly<Record<string, string | undefined>>): CelMap {
  for (const [key, value] of Object.entries(given)) if (value !== undefined) map.set(key, value);
  const made = celMap(map as ReadonlyMap<string, string>);
  // The library takes a key for present when its value is not undefined, and a missing label reads as ''.
  made.has = key => map.has(key);
  return made;
}

const noLabels: Record<string, string> = {};

/**
 * An event as expressions see it. Without an event (a person pressed Run) its fields come from the alert, and `kind` is "none". Without
 * both its texts are empty.
 */
class EventFields {
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
  /** Of an event that is no change all of its texts are empty. */
  get change() {
    return fieldMap(new ChangeFields(this.#body?.kind === 'change' ? this.#body : null), changeNames);
  }
  get startsAt() {
    return timestampFromMs(this.#asAlert?.startsAt ?? this.#standIn?.startsAt ?? 0);
  }
  get occurredAt() {
    return timestampFromMs(this.#body?.occurredAt ?? this.#standIn?.startsAt ?? 0);
  }
  get receivedAt() {
    return timestampFromMs(this.#event?.receivedAt ?? this.#standIn?.lastSeen ?? 0);
  }
}

/** A change as expressions see it. What is not known is empty. */
class ChangeFields {
  readonly #change: IncomingChange | null;

  constructor(change: IncomingChange | null) {
    this.#change = change;
  }
  get actor() {
    const { name = '', id = '', type = '' } = this.#change?.actor ?? {};
    return record({ name, id, type });
  }
  get action() {
    return this.#change?.action ?? '';
  }
  get resource() {
    const { type = '', id = '', name = '' } = this.#change?.resource ?? {};
    return record({ type, id, name });
  }
  get before() {
    return stateValue(this.#change?.before);
  }
  get after() {
    return stateValue(this.#change?.after);
  }
  get account() {
    return this.#change?.account ?? '';
  }
  get environment() {
    return this.#change?.environment ?? '';
  }
  get outcome() {
    return this.#change?.outcome.state ?? '';
  }
  get error() {
    const outcome = this.#change?.outcome;
    return outcome?.state === 'failure' ? (outcome.error ?? '') : '';
  }
  get id() {
    return this.#change?.changeId ?? '';
  }
}

function stateValue(state: ChangeState | undefined): CelMap {
  return record({
    digest: state?.as === 'digest' ? state.digest : '',
    facts: labelMap(state?.as === 'facts' ? state.facts : noLabels),
  });
}

/** An alert as expressions see it. Without an alert its texts are empty and its state is "none". */
class AlertFields {
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
    return timestampFromMs(this.#alert?.startsAt ?? 0);
  }
  get firstSeen() {
    return timestampFromMs(this.#alert?.firstSeen ?? 0);
  }
  get lastSeen() {
    return timestampFromMs(this.#alert?.lastSeen ?? 0);
  }
}

/** The getters of an object as a CEL map, each read when it is asked for. It cannot be listed: its JSON would be an accident. */
class FieldMap extends Map<Key, CelInput> {
  readonly #fields: object;
  readonly #names: ReadonlySet<Key>;

  constructor(fields: object, names: ReadonlySet<Key>) {
    super();
    this.#fields = fields;
    this.#names = names;
  }
  override get(key: Key): CelInput | undefined {
    return this.#names.has(key) ? this.#fields[key as never] : undefined;
  }
  override entries(): MapIterator<[Key, CelInput]> {
    throw new Error('this value cannot be used here; take one of its fields');
  }
}

const eventNames = gettersOf(EventFields);
const alertNames = gettersOf(AlertFields);
const changeNames = gettersOf(ChangeFields);

export function gettersOf(fields: { prototype: object }): ReadonlySet<Key> {
  return new Set(Object.getOwnPropertyNames(fields.prototype).filter(name => name !== 'constructor'));
}

/** The getters of an object, by the names that gettersOf() found, as a CEL map. */
export function fieldMap(fields: object, names: ReadonlySet<Key>): CelMap {
  return celMap(new FieldMap(fields, names) as ReadonlyMap<string, CelInput>);
}

/** An alert as expressions see it. Without an alert its texts are empty and its state is "none". */
export function alertValue(alert: Alert | null): CelMap {
  return fieldMap(new AlertFields(alert), alertNames);
}

const eventValues = new WeakMap<Event, { alert: Alert | null; fields: EventFields; value: CelMap }>();

/** An event as expressions see it, with the object that its fields are read from. Cached by event and alert. */
export function eventValue(event: Event | null, alert: Alert | null): { fields: EventFields; value: CelMap } {
  const made = event === null ? undefined : eventValues.get(event);
  if (made !== undefined && made.alert === alert) return made;
  const fields = new EventFields(event, alert);
  const fresh = { alert, fields, value: fieldMap(fields, eventNames) };
  if (event !== null) eventValues.set(event, fresh);
  return fresh;
}

/** An object of CEL values as a map. */
export function record(members: Readonly<Record<string, CelInput>>): CelMap {
  return celMap(new Map(Object.entries(members)));
}

/** JSON as CEL values: every number becomes a double, as in CEL's own reading of JSON; objects become maps. */
export function toCel(value: Json): CelInput {
  if (Array.isArray(value)) return celList(value.map(toCel));
  if (value !== null && typeof value === 'object')
    return celMap(new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)])));
  return value;
}

/** A CEL result as JSON. Times become ISO 8601 texts, durations milliseconds. Throws an Error for a value without a JSON form. */
export function fromCel(value: unknown): Json {
  switch (typeof value) {
    case 'string':
      spend(value.length / 128);
      return value;
    case 'boolean':
      return value;
    case 'bigint':
      return fromBigInt(value);
    case 'number':
      if (!Number.isFinite(value)) throw new Error(`${value} is not a number that can be written down`);
      return value;
    case 'object':
      return value === null ? null : fromObject(value);
    default:
      throw new Error(`a ${typeof value} is not a value that can be used here`);
  }
}

function fromBigInt(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new Error(`${value} is too large a whole number; string(...) keeps its digits`);
  return number;
}

function fromObject(value: object): Json {
  if (isCelUint(value)) return fromCel(value.value);
  if (isCelList(value)) {
    spend(value.size / 8);
    return [...value].map(fromCel);
  }
  if (isCelMap(value)) return members(value);
  if (isReflectMessage(value, TimestampSchema))
    return new Date(toMilliseconds(value.message as Timestamp)).toISOString();
  if (isReflectMessage(value, DurationSchema)) return toMilliseconds(value.message as Duration);
  throw new Error('this value cannot be used here; take one of its fields');
}

function toMilliseconds({ seconds, nanos }: Timestamp | Duration): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}

function members(map: CelMap): Json {
  const out: Record<string, Json> = Object.create(null);
  spend(map.size / 4);
  for (const [key, member] of map) out[isCelUint(key) ? String(key.value) : String(key)] = fromCel(member);
  return out;
}
