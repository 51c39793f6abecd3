import { z } from 'zod';

/** What GitHub holds of the states of things, newest first where it lists them so. */
export interface ReportsDouble {
  /** By `owner/repository/sha`. */
  statuses: Map<string, Status[]>;
  /** By `owner/repository/sha`. */
  checks: Map<string, CheckRun[]>;
  /** By `owner/repository/deployment`; one that is not here does not exist. */
  deployments: Map<string, Deployed[]>;
}

const text140 = z.string().min(1).max(140);
const address = z.url({ protocol: /^https?$/ });

const status = z.strictObject({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  context: z.string().min(1),
  description: text140,
  target_url: address,
});
type Status = z.infer<typeof status>;

const output = z.strictObject({ title: z.string().min(1), summary: z.string().min(1).max(65_535) });
const changed = z
  .strictObject({
    status: z.enum(['queued', 'in_progress', 'completed']),
    conclusion: z.enum(['success', 'failure', 'neutral', 'cancelled', 'skipped', 'timed_out']).optional(),
    details_url: address,
    output,
  })
  .refine(one => (one.status === 'completed') === (one.conclusion !== undefined), 'a conclusion belongs to completed');
const made = z
  .object({ name: z.string().min(1), head_sha: z.string(), external_id: z.string().min(1) })
  .and(z.looseObject({}));
interface CheckRun {
  id: number;
  name: string;
  external_id: string;
  status: string;
  conclusion: string | null;
  details_url: string;
  output: z.infer<typeof output>;
}

const deployed = z.strictObject({
  state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
  description: text140,
  log_url: address,
  auto_inactive: z.literal(false),
});
interface Deployed {
  id: number;
  state: string;
  description: string;
  log_url: string;
  target_url: string;
}

export interface Reply {
  status: number;
  body: unknown;
}

/** What a token may do: `all` for one that a person made. */
export type Permissions = 'all' | Readonly<Record<string, string>>;

/** Answers what is about states; null for any other path. Sources: docs.github.com, commit statuses, check runs, deployment statuses. */
export function answerReport(
  method: string,
  url: URL,
  text: string,
  double: ReportsDouble,
  may: Permissions,
): Reply | null {
  const path = url.pathname.replace(/^\/api\/v3\/repos\//, '');
  const [, place = '', rest = ''] = /^([^/]+\/[^/]+)\/(.*)$/.exec(path) ?? [];
  const [kind, id = ''] =
    [
      ['statuses', /^commits\/([0-9a-f]+)\/statuses$/],
      ['statuses', /^statuses\/([0-9a-f]+)$/],
      ['checks', /^commits\/([0-9a-f]+)\/check-runs$/],
      ['checks', /^check-runs(?:\/([0-9]+))?$/],
      ['deployments', /^deployments\/([0-9]+)\/statuses$/],
    ]
      .map(([name, shape]) => [name as string, (shape as RegExp).exec(rest)] as const)
      .flatMap(([name, found]) => (found === null ? [] : [[name, found[1]] as const]))[0] ?? [];
  if (kind === undefined) return null;
  // Only apps may write checks.
  const allowed = may === 'all' ? kind !== 'checks' || method === 'GET' : may[kind] === 'write';
  if (!allowed) return { status: 403, body: { message: 'Resource not accessible by integration' } };
  const key = `${place}/${id}`;
  if (kind === 'statuses') return answerStatuses(method, rest, key, url, text, double);
  if (kind === 'checks') return answerChecks(method, place, id, url, text, double);
  return answerDeployments(method, key, text, double);
}

function answerStatuses(
  method: string,
  rest: string,
  key: string,
  url: URL,
  text: string,
  { statuses }: ReportsDouble,
): Reply {
  const all = statuses.get(key);
  if (all === undefined) return { status: 404, body: { message: 'Not Found' } };
  if (method === 'GET' && rest.startsWith('commits/')) return { status: 200, body: pageOf(all, url) };
  const parsed = status.safeParse(JSON.parse(text));
  if (method !== 'POST' || !parsed.success) return invalid;
  all.unshift(parsed.data);
  return { status: 201, body: parsed.data };
}

function answerChecks(
  method: string,
  place: string,
  id: string,
  url: URL,
  text: string,
  { checks }: ReportsDouble,
): Reply {
  if (method === 'GET') {
    const found = (checks.get(`${place}/${id}`) ?? []).filter(
      ({ name }) => name === url.searchParams.get('check_name'),
    );
    return { status: 200, body: { total_count: found.length, check_runs: pageOf(found, url) } };
  }
  const body: Record<string, unknown> = JSON.parse(text);
  if (method === 'PATCH') {
    const known = [...checks.values()].flat().find(one => String(one.id) === id);
    const parsed = changed.safeParse(body);
    if (known === undefined || !parsed.success) return invalid;
    Object.assign(known, parsed.data);
    return { status: 200, body: known };
  }
  const about = made.safeParse(body);
  const { name, head_sha, external_id, ...rest } = body;
  const facts = changed.safeParse(rest);
  const all = checks.get(`${place}/${head_sha}`);
  if (!about.success || !facts.success || all === undefined) return invalid;
  const run = { conclusion: null, ...facts.data, name: String(name), external_id: String(external_id) };
  all.unshift({ ...run, id: 100 + all.length });
  return { status: 201, body: all[0] };
}

function answerDeployments(method: string, key: string, text: string, { deployments }: ReportsDouble): Reply {
  const all = deployments.get(key);
  if (all === undefined) return { status: 404, body: { message: 'Not Found' } };
  // No order is promised.
  if (method === 'GET') return { status: 200, body: all.toReversed().slice(0, 100) };
  const parsed = deployed.safeParse(JSON.parse(text));
  if (method !== 'POST' || !parsed.success) return invalid;
  const { auto_inactive: _, ...facts } = parsed.data;
  all.unshift({ ...facts, id: 500 + all.length, target_url: facts.log_url });
  return { status: 201, body: all[0] };
}

const invalid: Reply = { status: 422, body: { message: 'Validation Failed' } };

function pageOf<T>(all: readonly T[], url: URL): T[] {
  const size = Math.min(100, Number(url.searchParams.get('per_page') ?? 30));
  const from = (Number(url.searchParams.get('page') ?? 1) - 1) * size;
  return all.slice(from, from + size);
}
