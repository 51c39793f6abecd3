import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { Answer, type Incident, incidentRoute, parseJson, refusal } from './pagerduty-incidents.ts';

/**
 * PagerDuty's REST API v2 and Events API v2 on one port: it takes what the real ones take and refuses the rest, with their statuses, codes and
 * limits. Sources: PagerDuty developer-docs, REST-API/02, 04, 06, 14 and events-API-v2/01, 02, 05.
 */
export interface PagerDutyDouble {
  url: string;
  apiToken: string;
  routingKey: string;
  from: string;
  incidents: Map<string, Incident>;
  users: Map<string, User>;
  rota: Rota[];
  /** Alerts in PagerDuty by deduplication key, as the Events API made them. */
  calls: Map<string, { open: boolean; triggers: number; last: z.infer<typeof event> }>;
  /** Whether the webhook subscription is there, for whom. */
  subscriptions: { url: string; active: boolean; filter?: { type: string; id: string | null } }[];
  /** Every request in order, `PUT /incidents/Q1`. */
  requests: string[];
  /** What the next requests that match get instead; each fault counts down. */
  fail(fault: Fault): void;
  /** Calls after the effect of each request that matches, before its answer. */
  watch(on: RegExp, call: () => void): void;
  /** Takes all faults away. */
  heal(): void;
  add(incident: Partial<Incident> & { id: string }): Incident;
  close(): Promise<void>;
}

export interface User {
  id: string;
  name: string;
  email: string;
}

export interface Rota {
  policy: { id: string; summary: string };
  level: number;
  schedule: { id: string; summary: string } | null;
  user: string;
}

export interface Fault {
  /** Which requests, as in `requests`. */
  on: RegExp;
  times: number;
  /** `lost`: the effect happens and the connection breaks. `never`: no answer at all. */
  how: 'lost' | 'never' | { status: number; headers?: Record<string, string> };
}

const event = z.strictObject({
  routing_key: z.string(),
  event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
  dedup_key: z.string().min(1).max(255).optional(),
  payload: z
    .strictObject({
      summary: z.string().min(1).max(1024),
      source: z.string().min(1),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.iso.datetime().optional(),
      component: z.string().optional(),
      group: z.string().optional(),
      class: z.string().optional(),
      custom_details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  client: z.string().optional(),
  client_url: z.url().optional(),
  links: z.array(z.strictObject({ href: z.url(), text: z.string().optional() })).optional(),
});

export async function startPagerDuty(): Promise<PagerDutyDouble> {
  const faults: Fault[] = [];
  const watchers: { on: RegExp; call: () => void }[] = [];
  const arrivals = { rest: [] as number[], events: new Map<string, number[]>() };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const double: PagerDutyDouble = {
    url: `http://127.0.0.1:${port}`,
    apiToken: 'a-rest-api-key',
    routingKey: 'R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY00',
    from: 'tocsin@example.com',
    incidents: new Map(),
    users: new Map(),
    rota: [],
    calls: new Map(),
    subscriptions: [],
    requests: [],
    fail: fault => void faults.push({ ...fault }),
    watch: (on, call) => void watchers.push({ on, call }),
    heal: () => void faults.splice(0),
    add(facts) {
      const made: Incident = {
        number: double.incidents.size + 1,
        title: `Incident ${facts.id}`,
        status: 'triggered',
        urgency: 'high',
        acknowledgements: [],
        notes: [],
        alerts: ['triggered'],
        escalations: [],
        key: `key-${facts.id}`,
        service: 'PSVC',
        created: '2026-11-20T11:00:03Z',
        updated: '2026-11-20T11:00:03Z',
        mergedInto: null,
        ...facts,
      };
      double.incidents.set(made.id, made);
      return made;
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  double.users.set('PBOT', { id: 'PBOT', name: 'Tocsin', email: double.from });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const name = `${request.method} ${request.url?.split('?')[0]}`;
    double.requests.push(name);
    const fault = faults.find(one => one.times > 0 && one.on.test(name));
    if (fault !== undefined) fault.times--;
    if (fault?.how === 'never') return;
    const said = typeof fault?.how === 'object' ? faultAnswer(fault.how) : perform(request, body, double, arrivals);
    for (const watcher of watchers) if (watcher.on.test(name)) watcher.call();
    if (fault?.how === 'lost') return void request.socket.destroy();
    response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers });
    response.end(said.body === null ? undefined : JSON.stringify(said.body));
  }
  return double;
}

function faultAnswer(how: { status: number; headers?: Record<string, string> }): Answer {
  return new Answer(how.status, { error: { message: 'a fault', code: 2000, errors: [] } }, how.headers);
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

interface Arrivals {
  rest: number[];
  events: Map<string, number[]>;
}

function perform(request: IncomingMessage, body: string, double: PagerDutyDouble, arrivals: Arrivals): Answer {
  try {
    const url = new URL(request.url ?? '/', 'http://double');
    return url.pathname === '/v2/enqueue'
      ? enqueue(request, body, double, arrivals.events)
      : rest(request, url, body, double, arrivals.rest);
  } catch (error) {
    if (error instanceof Answer) return error;
    throw error;
  }
}

/** True when it is one too many for a minute. */
function isOver(times: number[], most: number): boolean {
  const now = Date.now();
  while (times.length > 0 && (times[0] ?? 0) <= now - 60_000) times.shift();
  if (times.length >= most) return true;
  times.push(now);
  return false;
}

function enqueue(
  request: IncomingMessage,
  body: string,
  double: PagerDutyDouble,
  arrivals: Map<string, number[]>,
): Answer {
  const invalid = (...errors: string[]) =>
    new Answer(400, { status: 'invalid event', message: 'Event object is invalid', errors });
  if (request.method !== 'POST') return new Answer(405, null);
  if (Buffer.byteLength(body) > 512 * 1024) return new Answer(413, null);
  const parsed = event.safeParse(parseJson(body));
  if (!parsed.success) return invalid(...parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`));
  const { routing_key, event_action, dedup_key = randomUUID(), payload } = parsed.data;
  if (routing_key !== double.routingKey) return invalid('Invalid routing key');
  const times = arrivals.get(routing_key) ?? [];
  arrivals.set(routing_key, times);
  if (isOver(times, 120))
    return new Answer(429, { status: 'throttle exceeded', message: 'Too many requests', errors: [] });
  if (event_action === 'trigger' && payload === undefined) return invalid("'payload' is missing or blank");
  const known = double.calls.get(dedup_key);
  if (event_action === 'trigger')
    double.calls.set(dedup_key, { open: true, triggers: (known?.triggers ?? 0) + 1, last: parsed.data });
  else if (known !== undefined && event_action === 'resolve') known.open = false;
  return new Answer(202, { status: 'success', message: 'Event processed', dedup_key });
}

function rest(request: IncomingMessage, url: URL, body: string, double: PagerDutyDouble, times: number[]): Answer {
  if (request.headers.authorization !== `Token token=${double.apiToken}`)
    return refusal(401, 2006, 'Unauthorized', 'Your token is not valid');
  if (request.headers.accept !== 'application/vnd.pagerduty+json;version=2')
    return refusal(406, 2001, 'Not Acceptable', 'version 2 is wanted');
  if (isOver(times, 960))
    return new Answer(
      429,
      { error: { message: 'Rate Limit Exceeded', code: 2020 } },
      { 'ratelimit-limit': '960', 'ratelimit-remaining': '0', 'ratelimit-reset': '20' },
    );
  const write = request.method !== 'GET';
  if (write && request.headers['content-type'] !== 'application/json')
    return refusal(415, 2001, 'Unsupported Media Type');
  if (write && ![...double.users.values()].some(user => user.email === request.headers.from))
    return refusal(400, 1008, 'Requester User Not Found');
  const [, kind, id] = url.pathname.split('/').map(decodeURIComponent);
  switch (kind) {
    case 'incidents':
      return incidentRoute(request, url, body, double);
    case 'oncalls':
      return request.method === 'GET' ? onCalls(url.searchParams, double) : new Answer(405, null);
    case 'abilities':
      return new Answer(200, { abilities: ['teams'] });
    case 'webhook_subscriptions':
      return new Answer(200, {
        webhook_subscriptions: double.subscriptions.map(one => ({
          active: one.active,
          filter: one.filter ?? { type: 'account_reference', id: null },
          delivery_method: { type: 'http_delivery_method', url: one.url, temporarily_disabled: false },
        })),
        more: false,
      });
    case 'users':
      return users(id, url.searchParams, double);
    case 'escalation_policies':
    case 'schedules':
      return known(kind, id, double);
    default:
      return refusal(404, 2100, 'Not Found');
  }
}

function onCalls(query: URLSearchParams, double: PagerDutyDouble): Answer {
  const policies = query.getAll('escalation_policy_ids[]');
  const schedules = query.getAll('schedule_ids[]');
  const found = double.rota.filter(
    one =>
      (policies.length === 0 || policies.includes(one.policy.id)) &&
      (schedules.length === 0 || schedules.includes(one.schedule?.id ?? '')),
  );
  const offset = Number(query.get('offset') ?? 0);
  const limit = Number(query.get('limit') ?? 25);
  if (limit > 100) return refusal(400, 2001, 'Invalid Input Provided', 'limit');
  return new Answer(200, {
    oncalls: found.slice(offset, offset + limit).map(one => ({
      escalation_policy: one.policy,
      escalation_level: one.level,
      schedule: one.schedule,
      user: { ...double.users.get(one.user), summary: double.users.get(one.user)?.name, type: 'user' },
      start: null,
      end: null,
    })),
    limit,
    offset,
    more: offset + limit < found.length,
  });
}

function users(id: string | undefined, query: URLSearchParams, double: PagerDutyDouble): Answer {
  if (id === 'me')
    return refusal(400, 2001, 'Invalid Input Provided', "'me' cannot be used with an account-level access token");
  if (id === undefined) {
    const found = [...double.users.values()].filter(user => user.email.includes(query.get('query') ?? ''));
    return new Answer(200, { users: found, more: false });
  }
  const user = double.users.get(id);
  return user === undefined ? refusal(404, 2100, 'Not Found') : new Answer(200, { user });
}

function known(kind: string, id: string | undefined, double: PagerDutyDouble): Answer {
  const all = double.rota.map(one => (kind === 'schedules' ? one.schedule : one.policy));
  const found = all.find(one => one?.id === id);
  return found == null
    ? refusal(404, 2100, 'Not Found')
    : new Answer(200, { [kind === 'schedules' ? 'schedule' : 'escalation_policy']: found });
}

/** The `X-PagerDuty-Signature` of a body under these secrets: one signature each, as while a secret is replaced. */
export function signWebhook(body: string, ...secrets: string[]): string {
  return secrets.map(secret => `v1=${createHmac('sha256', secret).update(body).digest('hex')}`).join(',');
}
