import { z } from 'zod';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import {
  boundText,
  isMap,
  keyOf,
  labelsOf,
  linkOf,
  severityOf,
  startOf,
  timeOf,
  titleOf,
} from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { present, text } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import type { Options } from './options.ts';

const map = z.record(z.string(), z.unknown()).nullish().catch(null);

/**
 * What the body is about is told by what is in `data`: the header with the resource is not signed. Source: docs.sentry.io, integration
 * platform, webhooks (issue alerts, metric alerts, issues).
 */
export const body = z.looseObject({
  action: z.string().min(1),
  actor: map,
  data: z.looseObject({ event: map, metric_alert: map, issue: map, triggered_rule: text, web_url: text }),
});
export type Body = z.infer<typeof body>;
export const fields = [...Object.keys(body.shape), ...Object.keys(body.shape.data.shape)];

export function read(given: Body, delivery: Delivery, options: Options): Normalised {
  const { data } = given;
  const event =
    metricAlert(given, delivery) ??
    (isMap(data.event) && given.action === 'triggered' ? issueAlert(data.event, given, delivery) : null) ??
    (isMap(data.issue) ? issueNews(data.issue, given, delivery, options) : null) ??
    other(given, delivery);
  return { events: [event], deliveryId: null };
}

/** A rule about events: its identity is the issue, which stays until somebody resolves it. */
function issueAlert(event: Record<string, unknown>, given: Body, { at: now }: Delivery): IncomingEvent | null {
  const is = reader(event);
  const issue = is('issue_id');
  if (issue === null) return null;
  const at = startOf(timeOf(is('datetime')) ?? readTimeOf(is('received')), now);
  const rule = given.data.triggered_rule;
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint: keyOf(`issue:${issue}`),
    title: titleOf(is('title'), is('message'), rule, 'Issue of Sentry without a title'),
    severity: severityOf(is('level')) ?? 'error',
    labels: labelsOf({
      ...tagsOf(event['tags']),
      ...present({
        project: is('project'),
        environment: is('environment'),
        release: is('release'),
        level: is('level'),
        platform: is('platform'),
        rule,
      }),
    }),
    annotations: labelsOf(present({ description: is('culprit'), sentry_event_id: is('event_id') })),
    links: [...linkOf('Issue', is('web_url')), ...linkOf('Event API', is('url'))],
    startsAt: at,
    endsAt: null,
    occurredAt: at,
  };
}

/** A rule about a metric: its identity is the rule, and each time that it fires is an incident with a start. */
function metricAlert({ action, data }: Body, { at: now }: Delivery): IncomingEvent | null {
  if (!isMap(data.metric_alert)) return null;
  const is = reader(data.metric_alert);
  const rule = isMap(data.metric_alert['alert_rule']) ? data.metric_alert['alert_rule'] : {};
  const ruleIs = reader(rule);
  const identity = ruleIs('id') ?? is('id');
  const state = action === 'resolved' ? 'resolved' : action === 'critical' || action === 'warning' ? 'firing' : null;
  if (identity === null || state === null) return null;
  const told = timeOf(is('date_started'));
  const startsAt = startOf(told, now);
  const endsAt = state === 'resolved' ? startOf(timeOf(is('date_closed')), now) : null;
  const projects = Array.isArray(is.raw('projects')) ? (is.raw('projects') as unknown[]) : [];
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(`rule:${identity}`),
    title: titleOf(ruleIs('name'), is('title'), text.parse(data['description_title'])),
    severity: action === 'critical' ? 'critical' : 'warning',
    labels: labelsOf(
      present({
        project: projects
          .map(one => text.parse(one))
          .filter(one => one !== null)
          .join(','),
        environment: ruleIs('environment'),
        dataset: ruleIs('dataset'),
        rule: ruleIs('name'),
      }),
    ),
    annotations: labelsOf(
      present({
        description: text.parse(data['description_text']),
        query: ruleIs('query'),
        aggregate: ruleIs('aggregate'),
        sentry_incident: is('identifier'),
      }),
    ),
    links: linkOf('Incident', data.web_url),
    startsAt,
    ...(startsAt === told ? { stretch: 'startsAt' as const } : {}),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** What became of an issue. An assignment is no acknowledgement: rules of ownership assign too. */
function issueNews(
  issue: Record<string, unknown>,
  given: Body,
  { at: now }: Delivery,
  { created }: Options,
): IncomingEvent | null {
  const is = reader(issue);
  const id = is('id');
  if (id === null) return null;
  const project = isMap(issue['project']) ? reader(issue['project']) : () => null;
  const fingerprint = keyOf(`issue:${id}`);
  const labels = labelsOf(
    present({
      project: project('slug'),
      level: is('level'),
      platform: is('platform'),
      issue: is('shortId'),
      substatus: is('substatus'),
      by: reader(given.actor ?? {})('name'),
    }),
  );
  const links = linkOf('Issue', is('web_url') ?? is('permalink'));
  const title = titleOf(is('title'), is('culprit'), 'Issue of Sentry without a title');
  const state = stateOf(given.action, created);
  if (state === null) {
    const type = `issue.${boundText(given.action, 90)}`;
    return { kind: 'notice', type, about: fingerprint, title, labels, links, occurredAt: now };
  }
  const first = given.action === 'created' ? timeOf(is('firstSeen')) : null;
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: severityOf(is('level')) ?? 'error',
    labels,
    annotations: labelsOf(present({ description: is('culprit') })),
    links,
    startsAt: startOf(first, now),
    ...(isArchived(given.action) ? { noCure: 'it was archived in Sentry, which says nothing about its cause' } : {}),
    endsAt: state === 'resolved' ? now : null,
    occurredAt: now,
  };
}

/** Null for what changes nothing about whether it fires. */
function stateOf(action: string, created: Options['created']): IncomingAlert['state'] | null {
  if (action === 'resolved' || isArchived(action)) return 'resolved';
  if (action === 'unresolved') return 'firing';
  return action === 'created' && created === 'firing' ? 'firing' : null;
}

/** `ignored` is its older word. */
function isArchived(action: string): boolean {
  return action === 'archived' || action === 'ignored';
}

/** An installation, a comment, an error: what else an integration may subscribe to. */
function other({ action, data, actor }: Body, { at }: Delivery): IncomingEvent {
  const what = Object.keys(data).find(name => isMap(data[name]) && name !== 'event') ?? 'event';
  const known = ['installation', 'comment', 'error', 'issue', 'metric_alert', 'event'].includes(what) ? what : 'other';
  return {
    kind: 'notice',
    type: `${known}.${boundText(action, 90)}`,
    title: titleOf(`Sentry: ${known} ${action}`),
    labels: labelsOf(present({ by: reader(actor ?? {})('name') })),
    links: linkOf('Sentry', data.web_url),
    occurredAt: at,
  };
}

interface Reader {
  (name: string): string | null;
  raw(name: string): unknown;
}

function reader(of: Record<string, unknown>): Reader {
  const raw = (name: string) => (Object.hasOwn(of, name) ? of[name] : undefined);
  return Object.assign((name: string) => text.parse(raw(name)), { raw });
}

/** Pairs of a name and a value. */
function tagsOf(tags: unknown): Record<string, string> {
  const pairs = Array.isArray(tags) ? tags.filter(Array.isArray) : [];
  return present(Object.fromEntries(pairs.map(([name, value]) => [String(text.parse(name)), text.parse(value)])));
}

function readTimeOf(given: string | null): number | null {
  const found = readTime(given);
  return typeof found === 'number' ? found : null;
}
