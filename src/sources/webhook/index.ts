import type { Json } from '../../kernel/canonical.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { shareWork } from '../../model/expression/expression.ts';
import { toCel } from '../../model/expression/values.ts';
import { keyOf, titleOf } from '../../model/incoming.ts';
import { type Delivery, defineSource } from '../../ports/source.ts';
import { evaluate, eventOf, unmapped } from './events.ts';
import { examples } from './examples.ts';
import { Lines } from './lines.ts';
import { type Facts, mostElements, type Options, options } from './options.ts';
import { verify, verifyHeaders } from './proof.ts';
import { encodings, largest, readBody } from './read.ts';

/** The most bad elements that are named; the rest is counted. */
const mostNamed = 10;

export default defineSource<Options>({
  id: 'webhook',
  about: 'Any JSON, form, lines or text that something posts, made into events by CEL expressions in tocsin.yaml.',
  options,
  contentTypes: 'any',
  encodings,
  maxBody: largest,
  examples,
  verify,
  verifyHeaders,
  timing: ({ reopenAfter, repeatInterval }) => ({ reopenAfter, repeatInterval }),
  parse: readBody,
  normalise: (body, delivery, given) => shareWork(() => normalise(body, delivery, given)),
});

function normalise(body: unknown, delivery: Delivery, given: Options) {
  const lines = body instanceof Lines ? body : null;
  const whole = toCel(lines === null ? (body as Json) : lines.good.map(one => one.value));
  const facts: Facts = { body: whole, item: whole, headers: delivery.headers };
  const id = given.deliveryId === undefined ? '' : evaluate('deliveryId', given.deliveryId, facts);
  const elements = elementsOf(facts, given, lines);
  const events =
    elements === null
      ? [eventOf(facts, given, delivery)]
      : eventsOf(elements, lines?.bad ?? [], item => eventOf({ ...facts, item }, given, delivery), delivery);
  return { events, deliveryId: id === '' ? null : keyOf(id) };
}

/** An element and what people call it. */
interface Element {
  name: string;
  item: unknown;
}

/** The elements that make one event each; null when the body is one. */
function elementsOf(facts: Facts, { map }: Options, lines: Lines | null): Element[] | null {
  if (map.each === undefined) {
    return lines?.good.map(({ line, value }) => ({ name: `line ${line}`, item: toCel(value) })) ?? null;
  }
  const list = evaluate('map.each', map.each, facts);
  if (!Array.isArray(list)) throw unmapped('map.each', 'a list');
  if (list.length > mostElements) throw unmapped('map.each', `a list of at most ${mostElements} elements`);
  return list.map((value, index) => ({ name: `element ${index}`, item: toCel(value) }));
}

/** The events of the good elements, and a notice that names the bad ones. Throws TocsinError `bad-body` when none is good. */
function eventsOf(
  elements: readonly Element[],
  badLines: readonly string[],
  make: (item: unknown) => IncomingEvent,
  delivery: Delivery,
): IncomingEvent[] {
  const events: IncomingEvent[] = [];
  const bad = [...badLines];
  let first: TocsinError | null = null;
  for (const { name, item } of elements) {
    try {
      events.push(make(item));
    } catch (error) {
      if (!isCode(error, 'bad-body')) throw error;
      const at = `${error.at} of ${name}`;
      first ??= new TocsinError('bad-body', { ...factsOf(error), at });
      bad.push(at);
    }
  }
  if (first !== null && events.length === 0) throw first;
  return bad.length === 0 ? events : [...events, leftOut(bad, elements.length + badLines.length, delivery)];
}

function factsOf({ message, allowed, given, remedy, cause }: TocsinError) {
  return {
    message,
    remedy,
    cause,
    ...(allowed === undefined ? {} : { allowed }),
    ...(given === undefined ? {} : { given }),
  };
}

function leftOut(bad: readonly string[], all: number, delivery: Delivery): IncomingEvent {
  const named = bad.slice(0, mostNamed).join(', ');
  const more = bad.length > mostNamed ? ` and ${bad.length - mostNamed} more` : '';
  return {
    kind: 'notice',
    type: 'left-out',
    title: titleOf(`${bad.length} of ${all} elements could not be taken: ${named}${more}`),
    labels: {},
    links: [],
    occurredAt: delivery.at,
  };
}
