import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../../model/event.ts';
import type { Expression } from '../../model/expression/expression.ts';
import { toCel } from '../../model/expression/values.ts';
import { keyOf, labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import { type Delivery, defineSource } from '../../ports/source.ts';
import { type Facts, type Options, options } from './options.ts';
import { verify } from './proof.ts';

/** The most events that one delivery may make. */
const mostEvents = 1000;

export default defineSource<Options>({
  id: 'webhook',
  about: 'Any JSON that something posts, made into events by CEL expressions in tocsin.yaml.',
  options,
  contentTypes: ['application/json', 'application/cloudevents+json'],
  examples: [
    {
      title: 'A backup check that signs the time and the body',
      options: {
        auth: {
          hmac: { secret: 'an example secret', header: 'X-Signature', prefix: 'sha256=', timestampHeader: 'X-Time' },
        },
        map: {
          fingerprint: 'body.check + "/" + body.host',
          state: 'body.ok ? "resolved" : "firing"',
          title: 'body.check + " failed on " + body.host',
          severity: '"error"',
          labels: { host: 'body.host' },
        },
      },
      headers: {
        'x-time': '1795604410',
        'x-signature': 'sha256=90c434ebabb73fb56464b30e6d8bcdd5012ae2ba8543fa2569a4ba184b1d2269',
      },
      at: 1_795_604_412_000,
      body: '{"check":"backup","host":"db-1","ok":false}',
      expect: {
        deliveryId: null,
        events: [
          {
            kind: 'alert',
            state: 'firing',
            fingerprint: 'backup/db-1',
            title: 'backup failed on db-1',
            severity: 'error',
            labels: { host: 'db-1' },
            startsAt: 1_795_604_412_000,
          },
        ],
      },
    },
    {
      title: 'One event for each element of a list',
      options: {
        auth: { bearer: 'an example token' },
        deliveryId: 'body.id',
        map: {
          each: 'body.checks',
          fingerprint: 'item.name',
          state: 'item.up ? "resolved" : "firing"',
          title: 'item.name',
          severity: 'has(item.level) ? item.level : "warning"',
          startsAt: 'item.since',
        },
      },
      headers: { authorization: 'Bearer an example token' },
      body: '{"id":17,"checks":[{"name":"web","up":false,"level":"P1","since":1795604410},{"name":"db","up":true,"since":"2026-11-25T10:00:00Z"}]}',
      expect: {
        deliveryId: '17',
        events: [
          { kind: 'alert', fingerprint: 'web', state: 'firing', severity: 'critical', startsAt: 1_795_604_410_000 },
          {
            kind: 'alert',
            fingerprint: 'db',
            state: 'resolved',
            severity: 'warning',
            startsAt: Date.UTC(2026, 10, 25, 10),
          },
        ],
      },
    },
    {
      title: 'A field that a mapping needs is not there',
      options: { map: { fingerprint: 'body.name', state: '"firing"', title: 'body.title' } },
      headers: {},
      body: '{"name":"web"}',
      expect: { refused: 'bad-body' },
    },
  ],
  verify,
  normalise(body, delivery, given) {
    const whole = toCel(body as Json);
    const facts: Facts = { body: whole, item: whole, headers: delivery.headers };
    const items = given.map.each === undefined ? [whole] : elements(evaluate('map.each', given.map.each, facts));
    const events = items.map(item => eventOf({ ...facts, item }, given, delivery));
    const id = given.deliveryId === undefined ? '' : evaluate('deliveryId', given.deliveryId, facts);
    return { events, deliveryId: id === '' ? null : keyOf(id) };
  },
});

function elements(list: Json): unknown[] {
  if (!Array.isArray(list)) throw unmapped('map.each', 'a list');
  if (list.length > mostEvents) throw unmapped('map.each', `a list of at most ${mostEvents} elements`);
  return list.map(toCel);
}

function eventOf(facts: Facts, given: Options, delivery: Delivery): IncomingEvent {
  const { map } = given;
  const state = evaluate('map.state', map.state, facts).trim().toLowerCase();
  const title = titleOf(evaluate('map.title', map.title, facts));
  const labels = textsOf('map.labels', map.labels, facts);
  const urls = textsOf('map.links', map.links, facts);
  const links = Object.entries(urls).flatMap(([label, url]) => linkOf(label, url));
  const fingerprint = evaluate('map.fingerprint', map.fingerprint, facts);
  if (state === 'notice') return { kind: 'notice', type: 'notice', title, labels, links, occurredAt: delivery.at };
  if (!isState(state)) throw unmapped('map.state', 'firing, resolved, acknowledged or notice');
  if (fingerprint === '') throw unmapped('map.fingerprint', 'a text that is not empty');
  const startsAt =
    map.startsAt === undefined ? delivery.at : startIn(evaluate('map.startsAt', map.startsAt, facts), delivery);
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(fingerprint),
    title,
    severity: (map.severity && severityOf(evaluate('map.severity', map.severity, facts))) ?? 'warning',
    labels,
    annotations: textsOf('map.annotations', map.annotations, facts),
    links,
    startsAt,
    endsAt: state === 'resolved' ? delivery.at : null,
    occurredAt: state === 'firing' ? startsAt : delivery.at,
  };
}

function isState(text: string): text is IncomingAlert['state'] {
  return text === 'firing' || text === 'resolved' || text === 'acknowledged';
}

function startIn(value: Json, delivery: Delivery): number {
  // 1e11 separates the units: seconds reach it in the year 5138, milliseconds reached it in 1973.
  const number = typeof value === 'number' ? value * (value < 1e11 ? 1000 : 1) : null;
  const at = typeof value === 'string' ? timeOf(value) : number;
  if (at === null || !(at > 0) || !Number.isSafeInteger(Math.floor(at))) {
    throw unmapped('map.startsAt', 'RFC 3339, or seconds or milliseconds since the epoch');
  }
  return startOf(Math.floor(at), delivery.at);
}

function textsOf(where: string, given: Record<string, Expression<Facts, string>>, facts: Facts): Labels {
  const out: Labels = Object.create(null);
  for (const [key, expression] of Object.entries(given)) out[key] = evaluate(`${where}.${key}`, expression, facts);
  return labelsOf(out);
}

function evaluate<R>(where: string, expression: Expression<Facts, R>, facts: Facts): R {
  try {
    return expression.evaluate(facts);
  } catch (error) {
    // The cause may quote the body, so only the mapping is named.
    throw new TocsinError('bad-body', {
      message: 'The body does not fit a mapping of this source.',
      at: where,
      given: expression.text,
      remedy: 'Correct the mapping in tocsin.yaml; has() asks whether a field is there.',
      cause: error,
    });
  }
}

function unmapped(where: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'A mapping of this source makes something else than it must.',
    at: where,
    allowed,
  });
}
