import { z } from 'zod';
import { type DeliveryCount, type DeliveryRecord, deliveryRing } from '../model/delivery.ts';
import { eventKind } from '../model/event.ts';
import type { Recorded, Recording } from '../model/recording.ts';
import type { SourceDetail, SourceView } from '../ports/chat.ts';

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC, with milliseconds.' });
const iso = (at: number) => new Date(at).toISOString();

const countDoc = z.object({
  what: z.string().meta({ description: 'accepted, events, duplicate, stale, notice, echo, test, or refused/CODE.' }),
  count: z.int(),
  last: time,
});

const sourceShape = {
  name: z.string(),
  type: z.string(),
  about: z.string(),
  url: z.string().nullable().meta({ description: 'Where its sender posts to; null when it takes no deliveries.' }),
  maxBody: z.int().nullable().meta({ description: 'The largest body, bytes.' }),
  proof: z
    .boolean()
    .nullable()
    .meta({ description: 'False when nothing proves who sends: its events can only ask or notify.' }),
  trouble: z
    .string()
    .nullable()
    .meta({ description: 'Why the asked node refuses deliveries of its proven sender; null when it is well.' }),
  counts: z.array(countDoc),
};

export const sourceDoc = z.object(sourceShape).meta({ id: 'Source' });

export const sourceDetailDoc = z
  .object({
    ...sourceShape,
    setup: z.array(z.string()).meta({ description: 'What to do at the sender, in order.' }),
    page: z.string().nullable().meta({ description: 'The page of the documentation.' }),
    options: z.string().meta({ description: 'Its options in tocsin.yaml, as YAML, with secrets masked.' }),
  })
  .meta({ id: 'SourceDetail' });

export function showSource(
  source: SourceView,
  url: string | null,
  counts: readonly DeliveryCount[],
): z.infer<typeof sourceDoc> {
  const { name, type, about, maxBody, proof, trouble } = source;
  const own = counts.filter(one => one.source === name);
  const shown = own.map(({ what, count, at }) => ({ what, count, last: iso(at) }));
  return { name, type, about, url, maxBody, proof, trouble, counts: shown };
}

export function showSourceDetail(
  source: SourceDetail,
  counts: readonly DeliveryCount[],
): z.infer<typeof sourceDetailDoc> {
  const { steps, page, options } = source;
  return { ...showSource(source, source.url, counts), setup: [...steps], page, options };
}

export const deliveryDoc = z
  .object({
    ring: deliveryRing.meta({
      description: 'proven; unproven: accepted from a source that asks for no proof; stranger: refused and not proven.',
    }),
    outcome: z.enum(['accepted', 'refused']),
    at: time,
    first: time.meta({ description: 'When the first of these came. Refusals for one cause from one address are one.' }),
    count: z.int(),
    address: z.string().nullable().meta({ description: 'The client. Null for a test, and for one of many addresses.' }),
    bytes: z.int().nullable(),
    test: z.boolean().meta({ description: 'Made by the test button.' }),
    echo: z.string().nullable().meta({ description: 'Which action of Tocsin itself came back, and was dropped.' }),
    total: z.int().meta({ description: 'How many events it had.' }),
    records: z.int().nullable().meta({ description: 'How many raw records were read; null when it was no batch.' }),
    events: z
      .array(
        z.object({
          event: z.string(),
          kind: eventKind,
          alert: z.string().nullable(),
          episode: z.int().nullable(),
          effect: z.string().nullable().meta({ description: 'opened, refreshed, resolved, stale and so on.' }),
          duplicate: z.boolean(),
        }),
      )
      .meta({ description: 'The first events.' }),
    code: z.string().nullable().meta({ description: 'Of a refusal.' }),
    where: z.string().nullable().meta({ description: 'The mapping, field, limit or place; of proven senders only.' }),
    because: z.string().nullable(),
  })
  .meta({ id: 'Delivery' });

export function showDelivery(record: DeliveryRecord): z.infer<typeof deliveryDoc> {
  const { ring, at, first, count, address, bytes, outcome } = record;
  const common = { ring, outcome: outcome.what, at: iso(at), first: iso(first), count, address, bytes };
  const taken = { test: false, echo: null, total: 0, records: null, events: [] };
  const refusal = { code: null, where: null, because: null };
  if (outcome.what === 'refused')
    return { ...common, ...taken, code: outcome.code, where: outcome.at, because: outcome.because };
  const { test, echo, total, records = null, events } = outcome;
  return { ...common, ...refusal, test, echo, total, records, events: [...events] };
}

export const recordingDoc = z
  .object({
    id: z.string(),
    source: z.string(),
    by: z.string(),
    at: time,
    until: time,
    most: z.int(),
    unproven: z.boolean(),
    open: z.boolean().meta({ description: 'False when it has all, or its time is over.' }),
    deliveries: z.array(
      z.object({
        number: z.int(),
        at: time,
        outcome: z.string().meta({ description: 'accepted, or the code of the refusal.' }),
        headers: z.record(z.string(), z.string()),
        body: z.string().meta({ description: 'The bytes, in base64.' }),
        removed: z.array(z.string()).meta({ description: 'What was taken out.' }),
      }),
    ),
  })
  .meta({ id: 'Recording' });

export function showRecording(
  recording: Recording,
  kept: readonly (Recorded & { body: Uint8Array })[],
  now: number,
  after: number,
): z.infer<typeof recordingDoc> {
  const { id, source, by, at, until, most, unproven } = recording;
  const open = kept.length < most && until > now;
  const shown = kept.filter(one => one.number > after);
  const deliveries = shown.map(({ body, at: came, ...one }) => ({
    ...one,
    at: iso(came),
    body: Buffer.from(body).toString('base64'),
  }));
  return { id, source, by, at: iso(at), until: iso(until), most, unproven, open, deliveries };
}
