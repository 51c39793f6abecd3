import { TocsinError } from '../../../src/kernel/errors.ts';
import { hasMembers, loadShelf } from '../../../src/kernel/shelf.ts';
import { type IncomingAlert, type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import {
  type Delivery,
  type Normalised,
  parseDelivery,
  type Source,
  type SourceExample,
} from '../../../src/ports/source.ts';

/** When everything arrives: after what the examples tell of. */
export const now = 1_795_604_410_000;

/** An example that is taken, as something that its sender could send again and otherwise. */
export interface Sample {
  source: Source;
  title: string;
  /** As a user writes them, and parsed. */
  given: unknown;
  options: unknown;
  /** Without those by which the sender proves itself. */
  headers: Record<string, string>;
  body: Buffer;
  events: readonly IncomingEvent[];
}

/** Every source on the shelf. */
export function loadSources(): Promise<Map<string, Source>> {
  const members = hasMembers<Source>('about', 'options', 'examples', 'verify', 'normalise');
  return loadShelf(new URL('../../../src/sources', import.meta.url).pathname, members);
}

/** The examples of a source that are taken, and that another sender with its secret can make. */
export function samplesOf(source: Source): Sample[] {
  const made = source.examples.filter(example => 'events' in example.expect && example.key === undefined);
  return made.map(example => sampleOf(source, example));
}

function sampleOf(source: Source, example: SourceExample): Sample {
  const options = source.options.parse(example.options);
  const body = Buffer.from(example.body);
  const bare = { source, title: example.title, given: example.options, options, headers: {}, body, events: [] };
  const proof = source.prove?.({ headers: example.headers, body, at: now }, options) ?? {};
  const headers = Object.fromEntries(Object.entries(example.headers).filter(([name]) => !(name in proof)));
  const sample: Sample = { ...bare, headers };
  return { ...sample, events: take(sample, body).events };
}

/** A delivery of this body, proven. */
export function provenDelivery(sample: Sample, body = sample.body): Delivery {
  const delivery: Delivery = { headers: sample.headers, body, at: now };
  const proof = sample.source.prove?.(delivery, sample.options) ?? {};
  return { ...delivery, headers: { ...sample.headers, ...proof } };
}

/** The way of a proven body through the source. */
export function take(sample: Sample, body: Buffer): Normalised {
  const delivery = provenDelivery(sample, body);
  const verified = sample.source.verify(delivery, sample.options);
  if (!verified.ok)
    throw new Error(`${sample.source.id}, ${sample.title}: verify does not take what prove makes: ${verified.because}`);
  return sample.source.normalise(parseDelivery(sample.source, delivery, sample.options), delivery, sample.options);
}

const refusals = ['bad-body', 'body-too-large', 'wrong-content-type'];

/** The events of a body, each as the schema has it, or the error that it is refused with. Throws what is neither. */
export function outcomeOf(sample: Sample, body: Buffer): Normalised | TocsinError {
  try {
    const made = take(sample, body);
    for (const event of made.events) incomingEvent.parse(event);
    return made;
  } catch (error) {
    if (error instanceof TocsinError && refusals.includes(error.code)) return error;
    throw error;
  }
}

export function jsonOf({ body }: Sample): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

export function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value) ?? 'null');
}

/** The member of the body that holds the elements of a group; null when the body is one event, or no JSON. */
export function groupOf(sample: Sample): { name: string; elements: readonly unknown[] } | null {
  const body = jsonOf(sample);
  if (typeof body !== 'object' || body === null) return null;
  for (const [name, value] of Object.entries(body)) {
    if (!Array.isArray(value) || value.length !== sample.events.length) continue;
    const emptied = outcomeOf(sample, bytesOf({ ...body, [name]: [] }));
    if (emptied instanceof TocsinError || emptied.events.length === 0) return { name, elements: value };
  }
  return null;
}

/** A firing and its resolve, both with the options of the firing. Null for a sender that tells no end. */
export interface Pair {
  fires: Sample;
  firing: IncomingAlert;
  resolves: Buffer | null;
}

export function pairOf(samples: readonly Sample[]): Pair | null {
  for (const fires of samples) {
    const [firing] = fires.events;
    if (fires.events.length !== 1 || firing?.kind !== 'alert' || firing.state !== 'firing') continue;
    if (fires.source.tellsNoEnd === true) return { fires, firing, resolves: null };
    for (const { body } of samples) {
      const made = outcomeOf(fires, body);
      const [event] = made instanceof TocsinError ? [] : made.events;
      if (event?.kind !== 'alert' || event.state !== 'resolved' || event.noCure !== undefined) continue;
      if (event.fingerprint === firing.fingerprint) return { fires, firing, resolves: body };
    }
  }
  return null;
}
