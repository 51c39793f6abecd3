import { z } from 'zod';
import type { IncomingAlert, Labels } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, severityOf, titleOf, toldTime, toSecond } from '../../model/incoming.ts';

export const reference = z
  .object({ id: z.string().nullish(), summary: z.string().nullish(), html_url: z.string().nullish() })
  .nullish();

/** An incident as webhooks v3 and the REST API give it. Source: PagerDuty developer-docs docs/webhooks, and its OpenAPI schema. */
export const incident = z.object({
  id: z.string().min(1),
  type: z.literal('incident'),
  html_url: z.string().nullish(),
  number: z.number().nullish(),
  /** What the REST API calls the number. */
  incident_number: z.number().nullish(),
  status: z.string().nullish(),
  incident_key: z.string().nullish(),
  created_at: z.string().nullish(),
  reopened_at: z.string().nullish().catch(null),
  title: z.string().nullish(),
  service: reference,
  escalation_policy: reference,
  teams: z.array(reference).nullish(),
  priority: reference,
  urgency: z.string().nullish(),
  resolve_reason: z.unknown().optional(),
});
export type Incident = z.infer<typeof incident>;

/** What is new about an incident. */
export interface News {
  state: IncomingAlert['state'];
  /** When it happened, and when it began to fire unless `start` says it; milliseconds since the epoch. */
  at: number;
  /** When the news was made by PagerDuty's clock, and when the stretch began; null when it does not say. */
  newsAt: number | null;
  start: number | null;
  by?: string | null | undefined;
  /** True when an acknowledgement was withdrawn. */
  withdrawn?: boolean;
}

export function alertFrom(about: Incident, news: News): IncomingAlert {
  const merge = news.state === 'resolved' ? mergeOf(about.resolve_reason) : null;
  const number = numberOf(about);
  return {
    kind: 'alert',
    state: news.state,
    // Not incident_key: two services may use the same key for different problems, and an incident may move to another service.
    fingerprint: keyOf(about.id),
    title: titleOf(about.title, `Incident ${number ?? about.id}`),
    severity: severityOf(about.priority?.summary) ?? (about.urgency === 'low' ? 'warning' : 'error'),
    ...(news.withdrawn === true ? { acknowledged: false as const } : {}),
    ...(news.by?.trim() ? { by: boundText(news.by.trim(), 200) } : {}),
    labels: labelsOfIncident(about),
    annotations: labelsOf(about.incident_key ? { incident_key: about.incident_key } : {}),
    links: [
      ...linkOf('Incident', about.html_url),
      ...linkOf('Service', about.service?.html_url),
      ...linkOf('Merged into', merge?.url),
    ],
    startsAt: news.start ?? news.at,
    ...(news.start === null ? {} : { stretch: 'startsAt' as const }),
    ...(news.newsAt === null ? {} : { newsAt: news.newsAt }),
    ...(merge === null ? {} : { mergedInto: merge.into }),
    endsAt: news.state === 'resolved' ? news.at : null,
    occurredAt: news.at,
  };
}

/**
 * When the stretch began: the later of creation and reopening; null when neither was told. To the second, because PagerDuty gives these
 * two in seconds and the times of its events in milliseconds.
 */
export function startOfStretch(about: Incident, now: number): number | null {
  const told = [toldTime(about.created_at, now), toldTime(about.reopened_at, now)].filter(at => at !== null);
  return told.length === 0 ? null : toSecond(Math.max(...told));
}

const mergeReason = z.object({ type: z.literal('merge_resolve_reason'), incident: reference.catch(null) });

/** The incident that this one was merged into; null when it was resolved in another way. The only reason that PagerDuty gives is a merge. */
export function mergeOf(
  reason: unknown,
): { into: NonNullable<IncomingAlert['mergedInto']>; url: string | null } | null {
  const parsed = mergeReason.safeParse(reason);
  if (!parsed.success) return null;
  const target = parsed.data.incident;
  const id = target?.id ? keyOf(target.id) : null;
  const name = titleOf(target?.summary, id === null ? 'another incident' : `incident ${id}`);
  return { into: { name, ...(id === null ? {} : { fingerprint: id }) }, url: target?.html_url ?? null };
}

function numberOf(about: Incident): number | null {
  return about.number ?? about.incident_number ?? null;
}

function labelsOfIncident(about: Incident): Labels {
  const [team] = about.teams ?? [];
  const number = numberOf(about);
  const all: Record<string, string | null | undefined> = {
    service: about.service?.summary,
    service_id: about.service?.id,
    urgency: about.urgency,
    priority: about.priority?.summary,
    escalation_policy: about.escalation_policy?.summary,
    escalation_policy_id: about.escalation_policy?.id,
    team: team?.summary,
    number: number === null ? null : String(number),
    incident_key: about.incident_key,
    status: about.status,
  };
  const present = Object.entries(all).filter((pair): pair is [string, string] => pair[1] != null && pair[1] !== '');
  return labelsOf(Object.fromEntries(present));
}
