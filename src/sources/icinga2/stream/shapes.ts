import { z } from 'zod';

/**
 * The types of events that are asked for. Each needs the permission `events/<type>`. No filter is given: newer versions of Icinga ask for
 * the permission `filter-expression` then (lib/remote/eventshandler.cpp).
 */
export const eventTypes = [
  'StateChange',
  'AcknowledgementSet',
  'AcknowledgementCleared',
  'DowntimeStarted',
  'DowntimeRemoved',
  'Flapping',
  'Notification',
] as const;

const text = z
  .string()
  .nullish()
  .transform(found => found ?? '');
const whole = z.number().nullish();
/** Seconds with a fraction, as milliseconds. */
const time = z.number().transform(seconds => Math.floor(seconds * 1000));

const result = z.object({
  output: text,
  vars_after: z.object({ reachable: z.boolean().nullish() }).nullish(),
});

/** One line of the stream, as far as it is read. Recorded from version 2.13.6: `state` of a host is 1 when `check_result.state` is 2. */
export const streamEvent = z.object({
  type: z.string(),
  host: text,
  service: text,
  timestamp: time,
  state: whole,
  state_type: whole,
  downtime_depth: whole,
  check_result: result.nullish(),
  author: text,
  comment: text,
  text,
  notification_type: text,
  is_flapping: z.boolean().nullish(),
  downtime: z.object({ host_name: text, service_name: text, author: text, comment: text }).nullish(),
});
export type StreamEvent = z.infer<typeof streamEvent>;

/** The attributes of a host or service that are asked for. */
export const attributes = [
  'name',
  'host_name',
  'state',
  'state_type',
  'last_state_change',
  'last_hard_state_change',
  'last_check_result',
  'last_reachable',
  'downtime_depth',
  'acknowledgement',
];

/** The list of hosts or services. A host has no `host_name`. */
export const checkables = z.object({
  results: z.array(
    z.object({
      attrs: z.object({
        name: z.string(),
        host_name: text,
        state: z.number(),
        state_type: z.number(),
        last_state_change: time,
        last_hard_state_change: time,
        last_check_result: z.object({ output: text }).nullish(),
        last_reachable: z.boolean(),
        downtime_depth: z.number(),
        acknowledgement: z.number(),
      }),
    }),
  ),
});

export const comments = z.object({
  results: z.array(z.object({ attrs: z.object({ author: text, text, entry_type: z.number() }) })),
});
