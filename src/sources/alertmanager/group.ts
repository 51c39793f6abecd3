import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import {
  isMap,
  labelsOf,
  linkOf,
  plainText,
  severityOf,
  startOf,
  timeOf,
  titleOf,
  titleOfLabels,
} from '../../model/incoming.ts';
import type { Delivery, JsonShape, Normalised } from '../../ports/source.ts';
import { fingerprintOf } from './identity.ts';

/**
 * Webhook version 4. Unknown keys of newer releases are allowed. What only adds facts counts as left out when it is null or something else:
 * senders that imitate Alertmanager write what they like. Source: prometheus/alertmanager template/template.go.
 */
export const payload = z.looseObject({
  receiver: z.string().nullish().catch(null),
  externalURL: z.string().nullish().catch(null),
  truncatedAlerts: z.number().nullish().catch(null),
  groupLabels: z.record(z.string(), z.unknown()).nullish().catch(null),
  alerts: z.array(z.unknown()),
});
export type Payload = z.infer<typeof payload>;

export const alertFields = ['status', 'labels', 'annotations', 'startsAt', 'endsAt', 'generatorURL', 'fingerprint'];

/** What differs between the programs that send groups in this form. */
export interface Dialect {
  name: string;
  /** What it calls the limit of alerts in one body. */
  limit: string;
  /** The documented form, for an error. */
  allowed: string;
  remedy?: string;
  eventOf(alert: ReadAlert, group: Payload): IncomingEvent;
}

/** Senders send a group whole: 5,000 alerts with 4 KB of texts each are 21 MB. */
export const maxBody = 32 * 1024 * 1024;

/** An alert has about one key for 30 bytes. */
export const json: JsonShape = { list: 'alerts', bytesPerKey: 16, cutsTexts: true };

/** Pure: one event for each alert, and a notice for what could not be taken or was left out. Throws `bad-body`. */
export function normaliseGroup(body: unknown, delivery: Delivery, dialect: Dialect): Normalised {
  const parsed = payload.safeParse(body);
  if (!parsed.success) throw otherBody(parsed.error, dialect);
  const group = parsed.data;
  const first = delivery.part?.first ?? 0;
  const read = group.alerts.map((alert, index) => readAlert(alert, `alerts.${first + index}`));
  const events = read.flatMap(one => ('field' in one ? [] : [dialect.eventOf(one, group)]));
  const bad = read.flatMap(one => ('field' in one ? [one] : []));
  // The sender signs no unique id and sends identical bodies again for an alert that fires again, so there is no delivery id.
  return {
    events: [...events, ...badAlerts(bad, delivery), ...truncated(group, delivery, dialect)],
    deliveryId: null,
    receiver: group.receiver ?? undefined,
  };
}

export interface ReadAlert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string | null;
  endsAt: string | null;
  generatorURL: string | null;
  fingerprint: string | null;
  /** The alert as it was sent. */
  sent: Record<string, unknown>;
}

/** An alert that cannot be taken, and why: the path of the field, and what it must be. */
interface BadAlert {
  field: string;
  must: string;
  labels: Record<string, string>;
}

/**
 * Only what makes the alert is needed: its status, and its labels, which are its identity. Everything else is taken as far as it can be
 * read. A number or truth value as a label is the text that it is written as: labels are texts in Prometheus, so `9100` can only mean "9100".
 */
function readAlert(given: unknown, path: string): ReadAlert | BadAlert {
  if (!isMap(given)) return { field: path, must: 'an alert', labels: {} };
  const { labels, unread } = readTexts(given['labels']);
  if (!isMap(given['labels']) || unread > 0) return { field: `${path}.labels`, must: 'a map of texts', labels };
  const status = given['status'];
  if (status !== 'firing' && status !== 'resolved') {
    return { field: `${path}.status`, must: 'firing or resolved', labels };
  }
  return {
    status,
    labels,
    annotations: readAnnotations(given['annotations']),
    startsAt: plainText(given['startsAt']),
    endsAt: plainText(given['endsAt']),
    generatorURL: plainText(given['generatorURL']),
    fingerprint: plainText(given['fingerprint']),
    sent: given,
  };
}

/** The texts of a map; null values count as left out. `unread`: how many are neither. */
function readTexts(given: unknown): { labels: Record<string, string>; unread: number } {
  const labels: Record<string, string> = Object.create(null);
  let unread = 0;
  for (const [name, value] of Object.entries(isMap(given) ? given : {})) {
    // The schemas of what is stored do not carry this name.
    if (name === '__proto__') continue;
    const text = plainText(value);
    if (text !== null) labels[name] = text;
    else if (value !== null) unread += 1;
  }
  return { labels, unread };
}

/** Annotations are words for people, so an alert is not lost for them. */
function readAnnotations(given: unknown): Record<string, string> {
  const { labels, unread } = readTexts(given);
  if (unread > 0) labels['tocsin_unread'] = `${unread} annotations are no texts and were left out`;
  else if (given != null && !isMap(given) && !isEmptyList(given)) {
    labels['tocsin_unread'] = 'the annotations are no map of texts and were left out';
  }
  return labels;
}

/** PHP writes an empty map like this. */
function isEmptyList(given: unknown): boolean {
  return Array.isArray(given) && given.length === 0;
}

/** The event of an alert, as every program that has an Alertmanager in it tells it. */
export function eventOf(
  alert: ReadAlert,
  group: Payload,
  delivery: Delivery,
  given: { severityLabel: string },
): IncomingAlert {
  const { labels, annotations } = alert;
  const told = timeOf(alert.startsAt);
  const startsAt = startOf(told, delivery.at);
  const resolved = alert.status === 'resolved';
  const endsAt = resolved ? (timeOf(alert.endsAt) ?? delivery.at) : null;
  const { summary, description } = annotations;
  return {
    kind: 'alert',
    state: alert.status,
    fingerprint: fingerprintOf(alert),
    title: titleOf(summary, labels['alertname'], description, unnamed(labels)),
    severity: severityOf(labels[given.severityLabel]) ?? 'warning',
    labels: labelsOf(labels),
    annotations: labelsOf(startsAt === told ? annotations : { ...annotations, tocsin_start: noStart }),
    links: [
      ...linkOf('Source', alert.generatorURL),
      ...linkOf('Runbook', annotations['runbook_url'] ?? annotations['runbook']),
      ...linkOf('Dashboard', annotations['dashboard_url'] ?? annotations['dashboardURL'] ?? annotations['dashboard']),
      ...linkOf('Alertmanager', group.externalURL),
    ],
    startsAt,
    // Alertmanager sees an end between two starts. An arrival or a start that no clock shows yet names nothing.
    ...(startsAt === told && { stretch: 'startsAt' as const }),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** What an alert without any words is called; made only when it is needed. */
function unnamed(labels: Record<string, string>): string {
  return labels['alertname'] === undefined ? titleOfLabels(labels) || 'Alert without a name' : 'Alert without a name';
}

const noStart = 'the sender told no start that can be, so it is when this arrived';

/** How many alerts that cannot be taken are named, and of each further part of a delivery; the others are counted: nobody reads a thousand. */
const mostNamed = { first: 10, further: 1 };

/** A notice for each alert that cannot be taken. It names the field and has no words of the sender but its labels. */
function badAlerts(bad: readonly BadAlert[], delivery: Delivery): IncomingEvent[] {
  const common = { kind: 'notice' as const, type: 'bad-alert', links: [], occurredAt: delivery.at };
  const most = (delivery.part?.first ?? 0) === 0 ? mostNamed.first : mostNamed.further;
  const named = bad.slice(0, most).map(({ field, must, labels }) => ({
    ...common,
    title: `An alert of a group could not be taken: ${field} is not ${must}`,
    labels: labelsOf(labels),
  }));
  const next = bad[most];
  if (next === undefined) return named;
  const title = `${bad.length - most} more alerts of the group could not be taken, first ${next.field}: not ${next.must}`;
  return [...named, { ...common, title, labels: {} }];
}

/** A notice when alerts are missing: with a limit set, the sender leaves alerts out and sends their number. */
function truncated(group: Payload, delivery: Delivery, dialect: Dialect): IncomingEvent[] {
  const count = group.truncatedAlerts ?? 0;
  // Once for a delivery, with its last part.
  if (!(count > 0) || delivery.part?.last === false) return [];
  return [
    {
      kind: 'notice',
      type: 'truncated',
      title: `${dialect.name} left ${count} alerts of a group out (${dialect.limit})`,
      labels: labelsOf({ ...readTexts(group.groupLabels).labels, receiver: group.receiver ?? '' }),
      links: linkOf(dialect.name, group.externalURL),
      occurredAt: delivery.at,
    },
  ];
}

function otherBody(error: z.ZodError, dialect: Dialect): TocsinError {
  const at = error.issues[0]?.path.join('.') || 'the document';
  return new TocsinError('bad-body', {
    message: `The body is not a webhook of ${dialect.name}.`,
    at,
    allowed: dialect.allowed,
    ...(dialect.remedy === undefined ? {} : { remedy: dialect.remedy }),
  });
}
