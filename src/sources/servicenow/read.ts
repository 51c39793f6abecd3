import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { ticketOf } from '../jira/own.ts';
import { markWith } from '../webhook/mark.ts';
import { newsTime, present, text } from '../webhook/sender.ts';
import type { Options } from './options.ts';

/** What the business rule of docs/servicenow.md posts. Times are in UTC, `2026-11-20 11:00:00`, as GlideRecord has them. */
export const body = z.looseObject({
  sys_id: z.string().min(1).max(100),
  number: z.string().min(1).max(100),
  operation: text,
  correlation_id: text,
  short_description: text,
  state: text,
  state_name: text,
  was_state_name: text,
  priority: text,
  comment: text,
  opened_at: text,
  updated_at: text,
  updated_by: text,
});
export type Body = z.infer<typeof body>;
export const fields = Object.keys(body.shape);

/** By the number of the priority. */
const severities: ReadonlyMap<string, Severity> = new Map([
  ['1', 'critical'],
  ['2', 'error'],
  ['3', 'warning'],
  ['4', 'info'],
  ['5', 'info'],
]);

/** Resolved and closed; canceled is no cure. */
const done = new Set(['6', '7', '8']);

/** Pure. */
export function read(given: Body, delivery: Delivery, options: Options): Normalised {
  const { password, user } = options;
  const id = sha256(delivery.body);
  const ticket = password === undefined ? null : ticketOf([given.correlation_id ?? ''], password);
  if (ticket === null) return { events: [alertOf(given, delivery, options)], deliveryId: null, eventIds: [id] };
  // Who copies the mark below a note hides the note at most, and not what was done to the ticket with it.
  const isMarked = password !== undefined && markWith(password).isOwn(given.comment ?? '');
  const isOwn = given.updated_by === user || (isMarked && !isMoved(given) && given.operation !== 'delete');
  const title = isOwn ? null : newsOf(given);
  // What Tocsin did to its own ticket, and fields that people fill in, are no news for the thread.
  if (title === null) return { events: [], deliveryId: null, echo: 'ticket' };
  const notice: IncomingEvent = {
    kind: 'notice',
    type: boundText(given.operation ?? 'update', 100),
    title: titleOf(title),
    labels: labelsFor(given),
    links: linksOf(given, options),
    ticketOf: ticket,
    occurredAt: newsAt(given, delivery) ?? delivery.at,
  };
  return { events: [notice], deliveryId: null, eventIds: [id] };
}

/** What people did to a ticket, in a sentence; null for what the thread need not know. */
function newsOf(given: Body): string | null {
  const who = given.updated_by ?? 'Somebody';
  if (given.operation === 'delete') return `${who} deleted ${given.number}`;
  if (isMoved(given)) {
    const verb = done.has(given.state ?? '') ? 'closed' : 'moved';
    return `${who} ${verb} ${given.number}: ${given.was_state_name} → ${given.state_name}`;
  }
  return given.comment === null ? null : `${who} on ${given.number}: ${boundText(given.comment, 500)}`;
}

function isMoved({ was_state_name: from, state_name: to }: Body): boolean {
  return from !== null && to !== null && from !== to;
}

/** A record is an alert from its creation until it is resolved. */
function alertOf(given: Body, delivery: Delivery, options: Options): IncomingAlert {
  const at = newsAt(given, delivery);
  const happened = at ?? delivery.at;
  const isDeleted = given.operation === 'delete';
  const isOver = isDeleted || done.has(given.state ?? '');
  const noCure = isDeleted ? 'it was deleted' : given.state === '8' ? 'it was canceled' : null;
  return {
    kind: 'alert',
    state: isOver ? 'resolved' : 'firing',
    fingerprint: keyOf(given.sys_id),
    title: titleOf(`${given.number}: ${given.short_description ?? 'without a description'}`),
    severity: severities.get(given.priority ?? '') ?? 'warning',
    labels: labelsFor(given),
    annotations: labelsOf(present({ comment: given.comment })),
    links: linksOf(given, options),
    startsAt: startOf(readUtc(given.opened_at), happened),
    ...(at === null ? {} : { newsAt: at }),
    ...(noCure === null ? {} : { noCure: `${noCure} in ServiceNow, which says nothing about its cause` }),
    endsAt: isOver ? happened : null,
    occurredAt: happened,
  };
}

function readUtc(told: string | null): number | null {
  return timeOf(told === null ? null : told.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/, '$1T$2Z'));
}

function newsAt({ updated_at }: Body, { at }: Delivery): number | null {
  return newsTime(readUtc(updated_at), at);
}

function labelsFor({ number, state_name, priority, updated_by }: Body): IncomingAlert['labels'] {
  return labelsOf(present({ number, state: state_name, priority, by: updated_by }));
}

function linksOf({ sys_id }: Body, { url, table }: Options): IncomingAlert['links'] {
  const page = `${url?.replace(/\/+$/, '')}/${table}.do?sys_id=${encodeURIComponent(sys_id.toWellFormed())}`;
  return url === undefined ? [] : linkOf('ServiceNow', page);
}
