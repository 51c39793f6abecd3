import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** Its notification of the type webhook with the body JSON. Source: louislam/uptime-kuma server/notification-providers/webhook.js. */
const body = z.looseObject({
  msg: z.string(),
  heartbeat: z
    .looseObject({ monitorID: text, status: text, time: text, msg: text, important: text })
    .nullish()
    .catch(null),
  monitor: z
    .looseObject({
      id: text,
      name: text,
      url: text,
      hostname: text,
      port: text,
      type: text,
      pathName: text,
      tags: z.array(z.unknown()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});
type Body = z.infer<typeof body>;

/** Of a heartbeat: 0 is down, 1 up, 2 pending (tried again), 3 maintenance. */
const states = new Map([
  ['0', 'firing'],
  ['1', 'resolved'],
] as const);

export default defineSender<z.infer<typeof options>, Body>({
  id: 'uptime-kuma',
  name: 'Uptime Kuma',
  about: 'Monitors of Uptime Kuma that go down and come up, from its notification of the type webhook.',
  options,
  body,
  fields: [...Object.keys(body.shape), 'monitorID', 'status', 'id', 'name'],
  allowed: 'its notification Webhook with the request body JSON, with msg, heartbeat and monitor',
  remedy: 'Choose the request body Preset, application/json, in the notification.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Settings, Notifications, Setup Notification, Webhook: Post URL {url}, request body Preset application/json, additional headers {"Authorization": "Bearer {secret}"}',
      'Choose Default enabled and Apply on all existing monitors, press Test, and save.',
    ],
    page: 'docs/alert-services.md#uptime-kuma',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf({ msg, heartbeat, monitor }: Body, delivery: Delivery): IncomingEvent {
  const id = monitor?.id ?? heartbeat?.monitorID ?? null;
  const newsAt = newsTime(utcOf(heartbeat?.time ?? null), delivery.at);
  const at = startOf(newsAt, delivery.at);
  const tags = tagsOf(monitor?.tags);
  const labels = labelsOf({
    ...tags,
    ...present({
      monitor: monitor?.name,
      type: monitor?.type,
      host: monitor?.hostname,
      port: monitor?.port,
      path: monitor?.pathName,
    }),
  });
  const links = linkOf('Monitored', monitor?.url);
  const state = states.get((heartbeat?.status ?? '') as '0' | '1');
  // Its button Test, the end of a certificate, and what is tried again or maintained.
  if (id === null || state === undefined) {
    const about = id === null ? {} : { about: keyOf(`monitor:${id}`) };
    return { kind: 'notice', type: 'message', ...about, title: titleOf(msg), labels, links, occurredAt: at };
  }
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(`monitor:${id}`),
    title: titleOf(monitor?.name, msg),
    severity: severityOf(tags['severity']) ?? 'error',
    labels,
    annotations: labelsOf(present({ description: heartbeat?.msg })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}

/** `2026-11-20 11:00:03.120` is in UTC; `localDateTime` beside it is not. */
function utcOf(time: string | null): number | null {
  return time !== null && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/.test(time)
    ? timeOf(`${time.replace(' ', 'T')}Z`)
    : timeOf(time);
}

/** A tag has a name and may have a value. */
function tagsOf(tags: readonly unknown[] | null | undefined): Record<string, string> {
  const read = z.looseObject({ name: text, value: text });
  const all = (tags ?? []).flatMap(one => read.safeParse(one).data ?? []);
  return present(
    Object.fromEntries(all.flatMap(({ name, value }) => (name === null ? [] : [[name, value ?? 'true']]))),
  );
}
