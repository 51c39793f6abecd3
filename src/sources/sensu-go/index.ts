import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { isMap, keyOf, keyPart, labelsOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, textsOf, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

const metadata = z
  .looseObject({ name: text, namespace: text, labels: z.record(z.string(), z.unknown()).nullish().catch(null) })
  .nullish()
  .catch(null);

/**
 * An event as a pipe handler gets it on its standard input. Its contents vary, so little is asked for. Source: sensu-docs 6.10, events
 * reference, "JSON format" (check, entity, metadata, timestamp in seconds).
 */
const event = z.looseObject({
  entity: z.looseObject({ metadata, entity_class: text }),
  check: z
    .looseObject({
      metadata,
      status: z.number().nullish().catch(null),
      state: text,
      output: text,
      occurrences: text,
      is_silenced: z.boolean().nullish().catch(null),
    })
    .nullish()
    .catch(null),
  id: text,
  metadata,
  timestamp: text,
});
type Event = z.infer<typeof event>;

/** `sensuctl event info --format wrapped-json` has it inside of `spec`. */
const body = z.preprocess(
  given => (isMap(given) && given['type'] === 'Event' && isMap(given['spec']) ? given['spec'] : given),
  event,
);

export default defineSender<z.infer<typeof options>, Event>({
  id: 'sensu-go',
  name: 'Sensu Go',
  about:
    'Events of Sensu Go 6, from a pipe handler that posts them as they are. A check of an entity is one alert, keepalives too; while it flaps it fires.',
  options,
  body,
  // The history and network of an entity.
  json: { bytesPerKey: 16, cutsTexts: true },
  fields: ['spec', ...Object.keys(event.shape), 'metadata', 'name', 'namespace', 'status', 'state', 'output'],
  allowed: 'an event of Sensu Go, with entity',
  remedy: 'Let the handler post its standard input as it is, as on the page of the documentation.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Write into /etc/sensu/tocsin.header on each backend, readable by the user sensu alone: Authorization: Bearer {secret}',
      'sensuctl create the handler and the pipeline of the page below, with the address {url}, and name the pipeline in the checks.',
    ],
    page: 'docs/alert-services.md#sensu-go',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(given: Event, delivery: Delivery): IncomingEvent {
  const { entity, check } = given;
  const newsAt = newsTime(readTime(given.timestamp), delivery.at);
  const at = newsAt ?? delivery.at;
  const namespace = given.metadata?.namespace ?? entity.metadata?.namespace ?? 'default';
  const names = { namespace, entity: entity.metadata?.name, check: check?.metadata?.name };
  const { status, state } = check ?? {};
  const labels = labelsOf({
    ...textsOf(entity.metadata?.labels),
    ...textsOf(check?.metadata?.labels),
    ...present({ ...names, status: status == null ? null : String(status), state, class: entity.entity_class }),
  });
  const output = check?.output ?? null;
  const title = titleOf(
    `${names.check ?? 'An event'} on ${names.entity ?? 'an entity'}: ${firstLine(output ?? state ?? '')}`,
  );
  // Of metrics, and of a check that nobody named, nothing tells an end.
  if (status == null || names.check == null || names.entity == null)
    return { kind: 'notice', type: 'event', title, labels, links: [], occurredAt: at };
  const fingerprint = keyOf([namespace, names.entity, names.check].map(keyPart).join('/'));
  const resolved = status === 0 && state !== 'flapping';
  if (!resolved && check?.is_silenced === true)
    return { kind: 'notice', type: 'silenced', about: fingerprint, title, labels, links: [], occurredAt: at };
  return {
    kind: 'alert',
    state: resolved ? 'resolved' : 'firing',
    fingerprint,
    title,
    severity: status === 2 ? 'critical' : 'warning',
    labels,
    annotations: labelsOf(present({ description: output, occurrences: check?.occurrences, sensu_event_id: given.id })),
    links: [],
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: resolved ? at : null,
    occurredAt: at,
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() ?? '';
}
