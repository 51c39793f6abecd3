import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { shareWork } from '../../model/expression/expression.ts';
import { keyOf } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Normalised } from '../../ports/source.ts';
import { makeEach, mostElements } from '../webhook/elements.ts';
import { prove, verify, verifyHeaders } from '../webhook/proof.ts';
import { coreNames, wrong } from './attributes.ts';
import { check } from './check.ts';
import { eventOf } from './events.ts';
import { examples } from './examples.ts';
import { type Options, options } from './options.ts';
import { type CloudEvent, formats, modeOf, readBinary, readBody, readStructured } from './read.ts';

export default defineSource<Options>({
  id: 'cloudevents',
  about:
    'CloudEvents 1.0 over HTTP: one JSON document, a batch, or attributes in headers. Each event is one alert or notice, by its type; a second one with the same source and id is dropped.',
  options,
  contentTypes: 'any',
  fields: [...coreNames, 'attributes', 'data', 'data_base64'],
  setup: {
    options: { auth: { bearer: '{secret}' } },
    secret: 'ours',
    steps: [
      'Let the sender post CloudEvents 1.0 to {url} with the header Authorization: Bearer {secret}',
      'Say under sources.{name}.types which types fire and which end: without it each is a notice.',
    ],
    page: 'docs/cloudevents.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  consent,
  check,
  timing: ({ reopenAfter, repeatInterval }) => ({
    reopenAfter,
    repeatInterval: repeatInterval ?? Number.POSITIVE_INFINITY,
  }),
  parse(delivery, { auth }) {
    if ((auth?.hmac ?? auth?.standardWebhooks) !== undefined && modeOf(delivery) === 'binary') {
      throw new TocsinError('wrong-content-type', {
        message: 'Attributes in headers are not taken with a signature, since the signature covers the body alone.',
        allowed: formats,
      });
    }
    return readBody(delivery);
  },
  normalise: (body, delivery, given) => shareWork(() => normalise(body as Json, delivery, given)),
});

interface Made {
  event: ReturnType<typeof eventOf>;
  id: string | null;
}

function normalise(body: Json, delivery: Delivery, given: Options): Normalised {
  const mode = modeOf(delivery);
  const make = (read: CloudEvent): Made => ({ event: eventOf(read, given, delivery), id: idOf(read) });
  if (mode !== 'batch') {
    return normalised([make(mode === 'binary' ? readBinary(delivery, body) : readStructured(body))]);
  }
  if (!Array.isArray(body)) throw wrong('the document', 'a list of events');
  if (body.length > mostElements) throw wrong('the document', `a list of at most ${mostElements} events`);
  const elements = body.map((item, index) => ({
    item,
    placeOf: (at: string | undefined) => (at === undefined || at === 'the document' ? `${index}` : `${index}.${at}`),
  }));
  const { made, leftOut } = makeEach(elements, [], item => make(readStructured(item)), delivery);
  return normalised(leftOut === null ? made : [...made, { event: leftOut, id: null }]);
}

function normalised(made: readonly Made[]): Normalised {
  return { events: made.map(({ event }) => event), deliveryId: null, eventIds: made.map(({ id }) => id) };
}

/** Source and id together are unique. A source has no space, so no two pairs look the same. */
function idOf({ attributes }: CloudEvent): string {
  return keyOf(`${attributes['source']} ${attributes['id']}`);
}

/**
 * The answer to a sender that asks whether it may deliver. `WebHook-Request-Callback`, by which it could be answered later, is not called:
 * it is an address that anybody can send. Source: CloudEvents 1.0.2, http-webhook.md, section 4.
 */
function consent(headers: Delivery['headers'], { origins, rate }: Options): Record<string, string> | null {
  const origin = headers['webhook-request-origin']?.trim() ?? '';
  if (!origins.includes(origin.toLowerCase())) return null;
  return { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': rate === undefined ? '*' : String(rate) };
}
