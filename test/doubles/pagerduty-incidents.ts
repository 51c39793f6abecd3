import type { IncomingMessage } from 'node:http';
import { z } from 'zod';

export interface Incident {
  id: string;
  number: number;
  title: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  urgency: 'high' | 'low';
  acknowledgements: string[];
  notes: string[];
  alerts: ('triggered' | 'resolved')[];
  /** How often it was handed to a level. */
  escalations: number[];
  key: string;
  service: string;
  /** Times of the API, RFC 3339 in seconds. */
  created: string;
  updated: string;
  /** The incident that it was merged into. */
  mergedInto: string | null;
}

/** What the routes of incidents read and change. */
interface World {
  incidents: Map<string, Incident>;
  users: Map<string, { id: string; name: string; email: string }>;
}

const change = z.strictObject({
  incident: z.strictObject({
    type: z.enum(['incident', 'incident_reference']),
    status: z.enum(['acknowledged', 'resolved']).optional(),
    escalation_level: z.int().min(1).optional(),
  }),
});
const note = z.strictObject({ note: z.strictObject({ content: z.string().min(1).max(25_000) }) });

/** An answer of the double; thrown by what refuses. */
export class Answer extends Error {
  readonly status: number;
  readonly body: object | null;
  readonly headers: Record<string, string>;
  constructor(status: number, body: object | null, headers: Record<string, string> = {}) {
    super(String(status));
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export const refusal = (status: number, code: number, message: string, ...errors: string[]) =>
  new Answer(status, { error: { code, message, errors } });

function incidentOf(id: string | undefined, { incidents }: World): Incident {
  const found = incidents.get(id ?? '');
  if (found === undefined) throw refusal(404, 2100, 'Not Found');
  return found;
}

/** `/incidents` and what is below it, after the key and the headers were found right. */
export function incidentRoute(request: IncomingMessage, url: URL, body: string, double: World): Answer {
  const method = request.method ?? '';
  const [, , id, part = ''] = url.pathname.split('/').map(decodeURIComponent);
  if (id === undefined) return method === 'GET' ? listIncidents(url.searchParams, double) : new Answer(405, null);
  const incident = incidentOf(id, double);
  if (method === 'PUT' && part === 'merge') return mergeIncidents(incident, body, double);
  if (method === 'GET' && part === '') return new Answer(200, { incident: incidentView(incident, double) });
  if (method === 'GET' && part === 'notes')
    return new Answer(200, { notes: incident.notes.map((content, index) => ({ id: `N${index}`, content })) });
  if (method === 'GET' && part === 'alerts')
    return new Answer(200, { alerts: incident.alerts.map(status => ({ status })), more: false });
  if (method === 'PUT' && part === '') return changeIncident(incident, body, request, double);
  if (method !== 'POST' || part !== 'notes') return new Answer(405, null);
  const parsed = note.safeParse(parseJson(body));
  if (!parsed.success) return refusal(400, 2001, 'Invalid Input Provided', parsed.error.message);
  incident.notes.push(parsed.data.note.content);
  return new Answer(200, { note: { id: `N${incident.notes.length}`, content: parsed.data.note.content } });
}

function incidentView(one: Incident, { incidents, users }: World) {
  const target = one.mergedInto === null ? undefined : incidents.get(one.mergedInto);
  return {
    id: one.id,
    type: 'incident',
    incident_number: one.number,
    title: one.title,
    html_url: `https://acme.pagerduty.com/incidents/${one.id}`,
    status: one.status,
    urgency: one.urgency,
    incident_key: one.key,
    created_at: one.created,
    updated_at: one.updated,
    last_status_change_at: one.updated,
    service: { id: one.service, type: 'service_reference', summary: `Service ${one.service}` },
    teams: [],
    priority: null,
    escalation_policy: { id: 'PEP1', type: 'escalation_policy_reference', summary: 'DB on-call' },
    acknowledgements: one.acknowledgements.map(user => ({
      at: one.updated,
      acknowledger: { id: user, type: 'user_reference', summary: users.get(user)?.name ?? user },
    })),
    resolve_reason: target === undefined ? null : mergeReason(target),
  };
}

/** As webhooks and the REST API give it. Source: PagerDuty's OpenAPI schema, ResolveReason. */
export function mergeReason({ id, title }: Pick<Incident, 'id' | 'title'>) {
  const html_url = `https://acme.pagerduty.com/incidents/${id}`;
  return { type: 'merge_resolve_reason', incident: { id, type: 'incident_reference', summary: title, html_url } };
}

const listQuery = z.strictObject({
  'statuses[]': z.array(z.enum(['triggered', 'acknowledged', 'resolved'])),
  'service_ids[]': z.array(z.string()).optional(),
  date_range: z.tuple([z.literal('all')]).optional(),
  sort_by: z.tuple([z.enum(['incident_number:asc', 'incident_number:desc', 'created_at:asc', 'created_at:desc'])]),
  limit: z.tuple([z.coerce.number().int().min(1).max(100)]).default([25]),
  offset: z.tuple([z.coerce.number().int().min(0)]).default([0]),
});

/** The list's default range is one month. Source: PagerDuty's OpenAPI schema, GET /incidents; REST-API/06-Pagination.md. */
const defaultRange = 30 * 86_400_000;

function listIncidents(query: URLSearchParams, double: World): Answer {
  const parsed = listQuery.safeParse(Object.fromEntries([...query.keys()].map(key => [key, query.getAll(key)])));
  if (!parsed.success) return refusal(400, 2001, 'Invalid Input Provided', parsed.error.message);
  const wanted = parsed.data;
  const [[limit], [offset]] = [wanted.limit, wanted.offset];
  if (limit + offset > 10_000) return refusal(400, 2001, 'Invalid Input Provided', 'Offset + limit exceeds 10000');
  const [field, direction] = wanted.sort_by[0].split(':');
  const value = (one: Incident) => (field === 'created_at' ? Date.parse(one.created) : one.number);
  const all = [...double.incidents.values()]
    .filter(
      one =>
        wanted['statuses[]'].includes(one.status) &&
        (wanted['service_ids[]']?.includes(one.service) ?? true) &&
        (wanted.date_range !== undefined || Date.parse(one.created) > Date.now() - defaultRange),
    )
    .sort((a, b) => (direction === 'asc' ? 1 : -1) * (value(a) - value(b)));
  return new Answer(200, {
    incidents: all.slice(offset, offset + limit).map(one => incidentView(one, double)),
    limit,
    offset,
    total: null,
    more: offset + limit < all.length,
  });
}

const merge = z.strictObject({
  source_incidents: z
    .array(z.strictObject({ id: z.string(), type: z.enum(['incident', 'incident_reference']) }))
    .min(1),
});

/** Resolves the sources with the reason, and moves their alerts into the incident. */
function mergeIncidents(target: Incident, body: string, double: World): Answer {
  const parsed = merge.safeParse(parseJson(body));
  if (!parsed.success) return refusal(400, 2001, 'Invalid Input Provided', parsed.error.message);
  const sources = parsed.data.source_incidents.map(one => incidentOf(one.id, double));
  if ([target, ...sources].some(one => one.status === 'resolved'))
    return refusal(400, 1001, 'Incident Already Resolved');
  if (sources.includes(target)) return refusal(400, 2001, 'Invalid Input Provided', 'an incident into itself');
  for (const source of sources) {
    target.alerts.push(...source.alerts.splice(0));
    Object.assign(source, { status: 'resolved', mergedInto: target.id });
  }
  return new Answer(200, { incident: incidentView(target, double) });
}

function changeIncident(incident: Incident, body: string, request: IncomingMessage, double: World): Answer {
  const parsed = change.safeParse(parseJson(body));
  if (!parsed.success) return refusal(400, 2001, 'Invalid Input Provided', parsed.error.message);
  const { status, escalation_level: level } = parsed.data.incident;
  if (incident.status === 'resolved') return refusal(400, 1001, 'Incident Already Resolved');
  const user = [...double.users.values()].find(one => one.email === request.headers.from)?.id ?? '';
  if (level !== undefined) {
    if (incident.urgency === 'low') return refusal(400, 1006, 'Cannot Escalate');
    incident.escalations.push(level);
    incident.status = 'triggered';
    incident.acknowledgements = [];
  }
  if (status === 'acknowledged') {
    incident.status = 'acknowledged';
    if (!incident.acknowledgements.includes(user)) incident.acknowledgements.push(user);
  }
  if (status === 'resolved') incident.status = 'resolved';
  return new Answer(200, { incident: incidentView(incident, double) });
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
