import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, labelsOf, linkOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** Its webhook of uptime and transaction checks. Source: pingdom.com, resources, webhooks. */
const body = z.looseObject({
  check_id: z.union([z.string().min(1), z.number()]),
  check_name: text,
  check_type: text,
  check_params: z.looseObject({ full_url: text, hostname: text, port: text, url: text }).nullish().catch(null),
  tags: z.array(z.unknown()).nullish().catch(null),
  previous_state: text,
  current_state: text,
  importance_level: text,
  state_changed_timestamp: text,
  description: text,
  long_description: text,
});
type Body = z.infer<typeof body>;

/** FAILING and SUCCESS are the words of transaction checks. */
const states = new Map([
  ['down', 'firing'],
  ['failing', 'firing'],
  ['up', 'resolved'],
  ['success', 'resolved'],
] as const);

export default defineSender<z.infer<typeof options>, Body>({
  id: 'pingdom',
  name: 'Pingdom',
  about: 'Checks of Pingdom that go down and come up, from its integration of the type webhook.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'its webhook, with check_id and current_state',
  remedy: 'Take an integration of the type Webhook; a source of the type webhook takes any other JSON.',
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: ['Settings, Integrations, Add integration, Webhook: URL {url with password}', 'Choose it in each check.'],
    page: 'docs/alert-services.md#pingdom',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(is: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(readTime(is.state_changed_timestamp), delivery.at);
  const at = newsAt ?? delivery.at;
  const fingerprint = keyOf(`check:${is.check_id}`);
  const tags = (is.tags ?? []).flatMap(one => text.parse(one) ?? []).join(', ');
  const own = { check: is.check_name, type: is.check_type, host: is.check_params?.hostname, tags };
  const labels = labelsOf(present({ ...own, importance: is.importance_level }));
  const links = [
    ...linkOf('Checked', is.check_params?.full_url),
    ...linkOf(
      'Pingdom',
      `https://my.pingdom.com/app/reports/uptime#check=${encodeURIComponent(`${is.check_id}`.toWellFormed())}`,
    ),
  ];
  const title = titleOf(is.check_name, is.description, 'Check of Pingdom without a name');
  const state = states.get((is.current_state ?? '').toLowerCase() as 'down');
  if (state === undefined)
    return { kind: 'notice', type: 'check', about: fingerprint, title, labels, links, occurredAt: at };
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: is.importance_level?.toUpperCase() === 'LOW' ? 'warning' : 'critical',
    labels,
    annotations: labelsOf(present({ description: is.long_description ?? is.description })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}
