import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, keyPart, labelsOf, linkOf, severityOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, filled, newsTime, present, proofOptions, textsOf, timingOptions } from '../webhook/sender.ts';
import { stateOf } from '../webhook/words.ts';
import { examples } from './examples.ts';

const options = z.strictObject({
  ...proofOptions,
  ...timingOptions,
  by: z.array(z.string().min(1).max(100)).max(8).default([]).meta({
    description:
      'Fields of the body that tell conditions of one watch apart, such as host, for an action with `foreach`.',
  }),
});
type Options = z.infer<typeof options>;

/** A variable of a template that has no value leaves nothing. */
const text = filled(/^(\{\{.*\}\}|null)$/);

/** The body that docs/alert-services.md gives to copy. Source of the variables: elastic.co, Watcher, watch execution context. */
const body = z.looseObject({
  watch_id: z.string().trim().min(1),
  condition: text,
  state: text,
  title: text,
  description: text,
  severity: text,
  link: text,
  watch_record: text,
  execution_time: text,
  triggered_time: text,
  scheduled_time: text,
});
type Body = z.infer<typeof body>;

const own = new Set([...Object.keys(body.shape), 'schema']);

export default defineSender<Options, Body>({
  id: 'elasticsearch-watcher',
  name: 'Watcher',
  about:
    'Watches of Elasticsearch Watcher, from a webhook action with the body of the documentation. It tells no end: a second action or watch does, with the state resolved in its body.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the body of the documentation, with watch_id',
  remedy: 'Copy the body from docs/alert-services.md into the webhook action of the watch.',
  setup: {
    options: { header: { name: 'X-Tocsin-Token', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'Give the watch two webhook actions that post to {url} with the header X-Tocsin-Token: {secret}',
      'Take their bodies, and when each runs, from the page below: the second one tells the end.',
    ],
    page: 'docs/alert-services.md#elasticsearch-watcher',
  },
  examples,
  read: (given, delivery, chosen) => ({ events: [eventOf(given, delivery, chosen)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery, { by }: Options): IncomingEvent {
  const newsAt = newsTime(timeOf(given.execution_time), delivery.at);
  const at = newsAt ?? delivery.at;
  const fields = fieldsOf(given);
  const condition = given.condition ?? given.watch_id;
  // What a search finds must not be able to name another condition than its own.
  const group = by.map(field => `${field}=${keyPart(fields[field] ?? '')}`);
  const fingerprint = keyOf([condition, ...group].join('/'));
  const title = titleOf(given.title, [condition, ...by.flatMap(field => fields[field] ?? [])].join(': '));
  const labels = labelsOf({ ...fields, ...present({ watch: given.watch_id, condition: given.condition }) });
  const links = linkOf('Watch', given.link);
  const state = stateOf(given.state ?? 'firing', new Map());
  if (state !== 'firing' && state !== 'resolved')
    return { kind: 'notice', type: 'watch', about: fingerprint, title, labels, links, occurredAt: at };
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: severityOf(given.severity) ?? 'warning',
    labels,
    annotations: labelsOf(present({ description: given.description, watcher_record: given.watch_record })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}

/** What else stands in the body, such as hits and service. */
function fieldsOf(given: Body): Record<string, string> {
  const all = Object.entries(given).filter(([name]) => !own.has(name) && name !== '__proto__');
  return textsOf(Object.fromEntries(all));
}
