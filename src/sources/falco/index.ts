import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, keyPart, labelsOf, severityOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import {
  defineSender,
  newsTime,
  present,
  proofOptions,
  quietOption,
  quietText,
  text,
  textsOf,
  timingOptions,
} from '../webhook/sender.ts';
import { examples } from './examples.ts';

/** Of Falco, worst first. Source: falco.org, rules, priority. */
const priorities = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'informational', 'debug'] as const;

const options = z.strictObject({
  ...proofOptions,
  ...timingOptions,
  quiet: quietOption.prefault('1h').meta({ description: `Falco tells no end: ${quietText}` }),
  from: z
    .enum(priorities)
    .default('notice')
    .meta({ description: 'The least priority that opens an alert. What is below it is a notice.' }),
  by: z
    .array(z.string().min(1).max(100))
    .max(8)
    .default(['k8s.ns.name', 'k8s.pod.name', 'container.name'])
    .meta({ description: 'Fields of the output that tell alerts of one rule on one host apart.' }),
});
type Options = z.infer<typeof options>;

/**
 * What http_output posts with json_output. Falcosidekick posts the same with a `uuid`, and its own fields among output_fields. Source:
 * falcosecurity/falco, userspace/engine/formats.cpp (hostname, output, message, output_fields, priority, rule, source, tags, time).
 */
const body = z.looseObject({
  rule: z.string().trim().min(1),
  priority: text,
  hostname: text,
  source: text,
  output: text,
  message: text,
  time: text,
  uuid: text,
  tags: z.array(z.unknown()).nullish().catch(null),
  output_fields: z.record(z.string(), z.unknown()).nullish().catch(null),
});
type Body = z.infer<typeof body>;

export default defineSender<Options, Body>({
  id: 'falco',
  name: 'Falco',
  about:
    'Events of Falco, from its http_output or from the webhook of Falcosidekick, by rule, host and container. It tells no end: an alert is over once nothing more came for `quiet`.',
  options,
  body,
  tellsNoEnd: true,
  // Arguments of a process can be long.
  json: { cutsTexts: true },
  fields: Object.keys(body.shape),
  allowed: 'an event of Falco as JSON, with rule',
  remedy: 'Set json_output: true in falco.yaml.',
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: [
      'In falco.yaml: json_output: true, and http_output: { enabled: true, url: "{url with password}" }',
      'Or in Falcosidekick: webhook.address {url}, webhook.customheaders Authorization: Bearer {secret}, with token instead of basic here.',
    ],
    page: 'docs/alert-services.md#falco',
  },
  examples,
  read: (given, delivery, chosen) => ({ events: [eventOf(given, delivery, chosen)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery, { by, from }: Options): IncomingEvent {
  const newsAt = newsTime(timeOf(given.time), delivery.at);
  const at = newsAt ?? delivery.at;
  const fields = textsOf(given.output_fields);
  // What a process writes must not be able to name another condition than its own.
  const parts = [given.rule, given.hostname ?? '', ...by.map(name => fields[name] ?? '')];
  const fingerprint = keyOf(parts.map(keyPart).join('/'));
  const title = titleOf(`${given.rule}: ${placeOf(given, fields)}`);
  const tags = (given.tags ?? []).flatMap(one => text.parse(one) ?? []).join(',');
  const { priority, hostname, source } = given;
  const labels = labelsOf({
    ...withoutTimes(fields),
    ...present({ rule: given.rule, priority, hostname, source, tags }),
  });
  const word = (priority ?? '').toLowerCase();
  const rank = priorities.findIndex(one => one === word || (one === 'informational' && word === 'info'));
  if (rank > priorities.indexOf(from))
    return { kind: 'notice', type: priorities[rank] ?? 'event', title, labels, links: [], occurredAt: at };
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint,
    title,
    severity: severityOf(word) ?? 'warning',
    labels,
    annotations: labelsOf(present({ description: given.message ?? given.output, falco_uuid: given.uuid })),
    links: [],
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: null,
    occurredAt: at,
  };
}

function placeOf({ hostname }: Body, fields: Record<string, string>): string {
  const pod = [fields['k8s.ns.name'], fields['k8s.pod.name']].filter(Boolean).join('/');
  return pod || fields['container.name'] || hostname || 'an unnamed host';
}

/** Without the time of the event in the forms of evt.time, which is another one each time. */
function withoutTimes(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !name.startsWith('evt.time')));
}
