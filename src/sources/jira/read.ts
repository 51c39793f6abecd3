import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { newsTime, present, text } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import type { Options } from './options.ts';
import { isOwnComment, ticketOf } from './own.ts';

const named = z.object({ name: text, key: text }).nullish().catch(null);
const user = z.object({ accountId: text, name: text, displayName: text }).nullish().catch(null);

/** Source: developer.atlassian.com, Jira Cloud, webhooks. */
export const body = z.looseObject({
  timestamp: z.unknown().optional(),
  webhookEvent: z.string().min(1),
  issue_event_type_name: text,
  user,
  issue: z
    .looseObject({
      id: z.union([z.string(), z.int()]).transform(String).pipe(z.string().min(1)),
      key: z.string().min(1),
      self: text,
      fields: z
        .looseObject({
          summary: text,
          description: text,
          created: text,
          status: z.object({ name: text, statusCategory: named }).nullish().catch(null),
          priority: named,
          issuetype: named,
          project: named,
          labels: z.array(z.string()).nullish().catch(null),
        })
        .nullish()
        .catch(null),
    })
    .optional(),
  comment: z.object({ body: text, author: user }).nullish().catch(null),
  changelog: z
    .object({ items: z.array(z.record(z.string(), z.unknown())) })
    .nullish()
    .catch(null),
});
export type Body = z.infer<typeof body>;
type Issue = NonNullable<Body['issue']>;
export const fields = Object.keys(body.shape);

/** The priorities that Jira comes with, now and before. */
const severities: ReadonlyMap<string, Severity> = new Map([
  ['highest', 'critical'],
  ['blocker', 'critical'],
  ['critical', 'critical'],
  ['high', 'error'],
  ['major', 'error'],
  ['medium', 'warning'],
  ['low', 'info'],
  ['lowest', 'info'],
  ['minor', 'info'],
  ['trivial', 'info'],
]);

/** Pure. The bytes make a repetition of a delivery: they have its time, and Jira signs no id. */
export function read(given: Body, delivery: Delivery, options: Options): Normalised {
  const deliveryId = sha256(delivery.body);
  const said = given.comment?.body ?? null;
  const { apiToken, account } = options;
  // Who copies the mark below a comment hides the comment at most, and not what was done to the issue with it.
  const isAlone = (given.changelog?.items ?? []).length === 0 && given.webhookEvent !== 'jira:issue_created';
  if (apiToken !== undefined && said !== null && isAlone && isOwnComment(said, apiToken))
    return { events: [], deliveryId, echo: 'note' };
  const { issue } = given;
  const ticket = apiToken === undefined ? null : ticketOf(issue?.fields?.labels ?? [], apiToken);
  if (ticket === null || issue === undefined) return { events: [eventOf(given, delivery, options)], deliveryId };
  const isOwn = account !== undefined && (given.user?.accountId ?? given.user?.name) === account;
  const title = isOwn ? null : newsOf(given, issue);
  // What Tocsin did to its own ticket, and fields that people fill in, are no news for the thread.
  if (title === null) return { events: [], deliveryId, echo: 'ticket' };
  const { about: _, ...notice } = noticeOf(given, issue, title, delivery, options);
  return { events: [{ ...notice, ticketOf: ticket }], deliveryId };
}

/** What people did to an issue, in a sentence; null for what a thread need not know. */
function newsOf(given: Body, issue: Issue): string | null {
  const who = given.user?.displayName ?? given.comment?.author?.displayName ?? given.user?.name ?? 'Somebody';
  if (given.webhookEvent === 'jira:issue_deleted') return `${who} deleted ${issue.key}`;
  const moved = given.changelog?.items.find(item => item['field'] === 'status');
  if (moved !== undefined) {
    const [from, to] = ['fromString', 'toString'].map(name =>
      Object.hasOwn(moved, name) ? text.parse(moved[name]) : null,
    );
    const isDone = issue.fields?.status?.statusCategory?.key === 'done';
    return `${who} ${isDone ? 'closed' : 'moved'} ${issue.key}: ${from ?? '?'} → ${to ?? '?'}`;
  }
  const said = given.comment?.body ?? null;
  const isGone = /comment_deleted$/.test(given.issue_event_type_name ?? given.webhookEvent);
  return said === null || isGone ? null : `${who} on ${issue.key}: ${boundText(said, 500)}`;
}

/** An issue is an alert from its creation until it is done. */
function eventOf(given: Body, delivery: Delivery, options: Options): IncomingEvent {
  const { issue, webhookEvent } = given;
  if (issue === undefined || !/^jira:issue_(created|updated|deleted)$/.test(webhookEvent)) {
    const said = issue === undefined ? null : newsOf(given, issue);
    return noticeOf(given, issue, said ?? `Jira: ${webhookEvent}`, delivery, options);
  }
  const its = issue.fields;
  const at = newsAt(given, delivery);
  const happened = at ?? delivery.at;
  const isDeleted = webhookEvent === 'jira:issue_deleted';
  const isDone = isDeleted || its?.status?.statusCategory?.key === 'done';
  return {
    kind: 'alert',
    state: isDone ? 'resolved' : 'firing',
    fingerprint: keyOf(issue.id),
    title: titleOf(`${issue.key}: ${its?.summary ?? 'an issue without a summary'}`),
    severity: severities.get(its?.priority?.name?.toLowerCase() ?? '') ?? 'warning',
    labels: labelsFor(given, issue),
    annotations: labelsOf(present({ description: its?.description })),
    links: linksOf(issue, options),
    startsAt: startOf(timeOf(its?.created), happened),
    ...(at === null ? {} : { newsAt: at }),
    ...(isDeleted ? { noCure: 'it was deleted in Jira, which says nothing about its cause' } : {}),
    endsAt: isDone ? happened : null,
    occurredAt: happened,
  };
}

/** `timestamp` is in milliseconds. */
function newsAt({ timestamp }: Body, { at }: Delivery): number | null {
  return newsTime(readTime(text.parse(timestamp)), at);
}

function noticeOf(given: Body, issue: Issue | undefined, title: string, delivery: Delivery, options: Options) {
  return {
    kind: 'notice' as const,
    type: boundText(given.issue_event_type_name ?? given.webhookEvent.replace(/^jira:/, ''), 100),
    ...(issue === undefined ? {} : { about: keyOf(issue.id) }),
    title: titleOf(title),
    labels: issue === undefined ? {} : labelsFor(given, issue),
    links: issue === undefined ? [] : linksOf(issue, options),
    occurredAt: newsAt(given, delivery) ?? delivery.at,
  };
}

function labelsFor(given: Body, { key, fields: its }: Issue): IncomingAlert['labels'] {
  return labelsOf(
    present({
      issue: key,
      project: its?.project?.key,
      type: its?.issuetype?.name,
      status: its?.status?.name,
      priority: its?.priority?.name,
      labels: its?.labels?.join(','),
      by: given.user?.displayName,
    }),
  );
}

/** The page for people: below the address of the options, else of the API. */
function linksOf({ key, self }: Issue, { url }: Options): IncomingAlert['links'] {
  const root = url?.replace(/\/+$/, '') ?? (self === null ? null : URL.parse(self)?.origin);
  return root == null ? [] : linkOf('Jira', `${root}/browse/${encodeURIComponent(key.toWellFormed())}`);
}
