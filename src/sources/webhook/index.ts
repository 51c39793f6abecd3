import type { Json } from '../../kernel/canonical.ts';
import { shareWork } from '../../model/expression/expression.ts';
import { toCel } from '../../model/expression/values.ts';
import { keyOf } from '../../model/incoming.ts';
import { type Delivery, defineSource } from '../../ports/source.ts';
import { evaluate, unmapped } from './cel.ts';
import { type Element, makeEach, mostElements } from './elements.ts';
import { eventOf } from './events.ts';
import { examples } from './examples.ts';
import { Lines } from './lines.ts';
import { type Facts, type Options, options } from './options.ts';
import { prove, verify, verifyHeaders } from './proof.ts';
import { encodings, largest, readBody } from './read.ts';
import { standardHeaders } from './standard.ts';

export default defineSource<Options>({
  id: 'webhook',
  about: 'Any JSON, form, lines or text that something posts, made into events by CEL expressions in tocsin.yaml.',
  options,
  contentTypes: 'any',
  encodings,
  maxBody: largest,
  setup: {
    options: {
      auth: { bearer: '{secret}' },
      map: { fingerprint: 'body.id', state: 'body.state', title: 'body.title' },
    },
    secret: 'ours',
    steps: [
      'Let the sender post JSON to {url} with the header Authorization: Bearer {secret}',
      'Say under sources.{name}.map what its fields mean: what stands there now is only a beginning.',
    ],
    page: 'docs/senders.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  timing: ({ reopenAfter, repeatInterval, quiet }) => ({ reopenAfter, repeatInterval, endsAfter: quiet }),
  parse: readBody,
  normalise: (body, delivery, given) => shareWork(() => normalise(body, delivery, given)),
});

function normalise(body: unknown, delivery: Delivery, given: Options) {
  const lines = body instanceof Lines ? body : null;
  const whole = toCel(lines === null ? (body as Json) : lines.good.map(one => one.value));
  const facts: Facts = { body: whole, item: whole, headers: delivery.headers };
  const id =
    given.deliveryId === undefined ? signedId(delivery, given) : evaluate('deliveryId', given.deliveryId, facts);
  const elements = elementsOf(facts, given, lines);
  const deliveryId = id === '' ? null : keyOf(id);
  if (elements === null) return { events: [eventOf(facts, given, delivery)], deliveryId };
  const make = (item: unknown) => eventOf({ ...facts, item }, given, delivery);
  const { made, leftOut } = makeEach(elements, lines?.bad ?? [], make, delivery);
  return { events: leftOut === null ? made : [...made, leftOut], deliveryId };
}

/** Standard Webhooks signs its id, the same in each try. */
function signedId({ headers }: Delivery, { auth }: Options): string {
  return auth?.standardWebhooks === undefined ? '' : (headers[standardHeaders.id] ?? '');
}

function named(name: string, value: unknown): Element<unknown> {
  return { item: toCel(value as Json), placeOf: at => `${at} of ${name}` };
}

/** The elements that make one event each; null when the body is one. */
function elementsOf(facts: Facts, { map }: Options, lines: Lines | null): Element<unknown>[] | null {
  if (map.each === undefined) {
    return lines?.good.map(({ line, value }) => named(`line ${line}`, value)) ?? null;
  }
  const list = evaluate('map.each', map.each, facts);
  if (!Array.isArray(list)) throw unmapped('map.each', 'a list');
  if (list.length > mostElements) throw unmapped('map.each', `a list of at most ${mostElements} elements`);
  return list.map((value, index) => named(`element ${index}`, value));
}
