import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingEvent } from '../../model/event.ts';
import { isMap, keyOf, keyPart, labelsOf, plainText, severityOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { stateOf } from '../webhook/words.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** The most notifications of one delivery. collectd sends each by itself, in a list. */
const most = 1000;

/** What write_http posts for a notification with `Format "JSON"`. Source: captured from collectd 5.12. */
const notification = z.object({
  labels: z.record(z.string(), z.unknown()).refine(labels => text.parse(labels['severity']) !== null),
  annotations: z.record(z.string(), z.unknown()).catch({}),
  startsAt: text,
});
type Notification = z.infer<typeof notification>;

export default defineSender<z.infer<typeof options>, unknown[]>({
  id: 'collectd',
  name: 'collectd',
  about:
    'Notifications of collectd, from its plugin write_http. FAILURE and WARNING fire, OKAY resolves; the first OKAY of a value ends nothing.',
  options,
  body: z.array(z.unknown()).min(1).max(most),
  fields: ['labels', 'severity', 'annotations', 'startsAt'],
  allowed: `a list of 1 to ${most} notifications, each with labels and among them severity`,
  remedy: 'Set Format "JSON", Notifications true and Metrics false in the Node of write_http.',
  setup: {
    options: { header: { name: 'X-Api-Key', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'In collectd.conf load write_http with a node: URL "{url}", Format "JSON", Notifications true, Metrics false, Header "X-Api-Key: {secret}"',
      'Restart collectd.',
    ],
    page: 'docs/alert-services.md#collectd',
  },
  examples,
  read,
});

function read(body: unknown[], delivery: Delivery): Normalised {
  const bad: number[] = [];
  const events = body.flatMap((one, index) => {
    const parsed = notification.safeParse(one);
    if (parsed.success) return [eventOf(parsed.data, delivery)];
    bad.push(index);
    return [];
  });
  if (events.length === 0)
    throw new TocsinError('bad-body', {
      message: 'No element is a notification of collectd.',
      at: String(bad[0] ?? 0),
      allowed: 'labels, and among them severity',
      remedy: 'Set Metrics false in the Node of write_http: values are sent as lists too.',
    });
  if (bad.length === 0) return { events, deliveryId: null };
  const title = `${bad.length} of ${body.length} notifications of collectd could not be taken`;
  const note: IncomingEvent = {
    kind: 'notice',
    type: 'left-out',
    title,
    labels: labelsOf({ elements: bad.slice(0, 20).join(', ') }),
    links: [],
    occurredAt: delivery.at,
  };
  return { events: [...events, note], deliveryId: null };
}

function eventOf({ labels: told, annotations, startsAt }: Notification, delivery: Delivery): IncomingEvent {
  // Named like the start of an alert, it is the time of this notification.
  const newsAt = newsTime(timeOf(startsAt), delivery.at);
  const at = newsAt ?? delivery.at;
  const { severity: word, ...rest } = textsOf(told);
  const names = Object.keys(rest).sort();
  const fingerprint = keyOf(names.map(name => `${name}=${keyPart(rest[name] ?? '')}`).join(','));
  const { summary, ...more } = textsOf(annotations);
  const title = titleOf(summary, rest['alertname'], 'A notification of collectd');
  const labels = labelsOf(rest);
  const state = stateOf(word ?? '', new Map());
  if (state !== 'firing' && state !== 'resolved')
    return { kind: 'notice', type: 'notification', about: fingerprint, title, labels, links: [], occurredAt: at };
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: severityOf(word) ?? 'warning',
    labels,
    annotations: labelsOf(more),
    links: [],
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}

/** The texts of a map; a limit that is not set is `nan`. */
function textsOf(map: unknown): Record<string, string> {
  const all = Object.entries(isMap(map) ? map : {}).filter(([name]) => name !== '__proto__');
  const texts = all.map(([name, value]) => [name, plainText(value)] as const);
  return present(Object.fromEntries(texts.filter(([, value]) => value !== 'nan')));
}
