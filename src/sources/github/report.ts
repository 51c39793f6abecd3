import { z } from 'zod';
import type { Place } from '../../kernel/github-app.ts';
import { cutLine, cutText } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginReport } from '../../ports/origin.ts';
import type { Options } from './options.ts';
import { placeOf, plain } from './place.ts';
import type { Request } from './request.ts';
import { markOf, sealed } from './seal.ts';

/** The longest description of a status, characters. Source: REST API, create a deployment status. */
const longestDescription = 140;
const longestSummary = 2000;
const mostPages = 10;

/** How a run stands, in the words of each place. `left`: it was cancelled, or refused on its way, which says nothing of the code. */
const states = {
  running: { status: 'pending', check: null, deployment: 'in_progress' },
  succeeded: { status: 'success', check: 'success', deployment: 'success' },
  failed: { status: 'failure', check: 'failure', deployment: 'failure' },
  left: { status: 'error', check: 'cancelled', deployment: 'error' },
} as const satisfies Record<OriginReport['state'], object>;

interface Told {
  place: Place;
  repository: string;
  sha: string;
  alert: Alert;
  report: OriginReport;
  name: string;
  given: Options;
  request: Request;
}

/**
 * Writes how a run stands to each place that `report` names. Idempotent: each looks for its own first, and changes nothing that is as wanted.
 * - status: the newest of one context is what counts, so a run has one line on the commit for its runbook. It is shown beside the checks of
 *   the code, so it is asked for by name.
 * - check: found by its external id and changed, with more text. Only apps may make checks.
 * - deployment: the deployment that failed is told, and older ones are left active: `auto_inactive` would end them.
 * Sources: docs.github.com, REST API endpoints for commit statuses, check runs and deployment statuses.
 */
export async function report(
  alert: Alert,
  told: OriginReport,
  given: Options,
  request: Request,
): Promise<string | null> {
  const found = placeOf(alert, given);
  if (found === null) return null;
  const about: Told = {
    ...found,
    repository: `${found.place.owner}/${found.place.name}`,
    alert,
    report: told,
    name: `tocsin/${told.runbook}`,
    given,
    request,
  };
  const wrote: string[] = [];
  for (const [where, write] of [
    ['status', writeStatus],
    ['check', writeCheck],
    ['deployment', writeDeployment],
  ] as const)
    if (given.report?.includes(where) && (await write(about))) wrote.push(where);
  return wrote.length === 0 ? null : `Wrote to GitHub: ${told.state} (${wrote.join(', ')})`;
}

const statuses = z.array(
  z.object({
    id: z.int().optional(),
    context: z.string().optional(),
    state: z.string(),
    description: z.string().nullish(),
    target_url: z.string().nullish(),
  }),
);

async function writeStatus({ place, repository, sha, report, name, given, request }: Told): Promise<boolean> {
  const { status: state } = states[report.state];
  const mark = markOf(given, ['status', repository, sha, name, state]);
  const wanted = { state, description: cutLine(report.text, longestDescription), target_url: sealed(report.url, mark) };
  for (let page = 1; page <= mostPages; page++) {
    const path = `/repos/${repository}/commits/${sha}/statuses?per_page=100&page=${page}`;
    const found = statuses.parse(await request(place, 'GET', path));
    const newest = found.find(({ context }) => context?.toLowerCase() === name.toLowerCase());
    if (newest !== undefined && isSame(newest, wanted)) return true;
    if (newest !== undefined || found.length < 100) break;
  }
  await request(place, 'POST', `/repos/${repository}/statuses/${sha}`, { ...wanted, context: name });
  return true;
}

const checks = z.object({
  check_runs: z.array(
    z.object({
      id: z.int(),
      external_id: z.string().nullish(),
      status: z.string(),
      conclusion: z.string().nullish(),
      output: z.object({ title: z.string().nullish() }).nullish(),
    }),
  ),
});

async function writeCheck({ place, repository, sha, report, name, given, request }: Told): Promise<boolean> {
  const { check: conclusion } = states[report.state];
  const id = `tocsin ${report.run} ${markOf(given, ['check', repository, sha, report.run])}`;
  const title = cutLine(report.text, longestDescription);
  const wanted = {
    ...(conclusion === null ? { status: 'in_progress' } : { status: 'completed', conclusion }),
    details_url: report.url,
    output: { title, summary: plain(cutText(report.text, longestSummary)) },
  };
  const root = `/repos/${repository}`;
  for (let page = 1; page <= mostPages; page++) {
    const query = `check_name=${encodeURIComponent(name)}&filter=all&per_page=100&page=${page}`;
    const { check_runs: found } = checks.parse(
      await request(place, 'GET', `${root}/commits/${sha}/check-runs?${query}`),
    );
    const own = found.find(one => one.external_id === id);
    if (own !== undefined) {
      const same =
        own.status === wanted.status && (own.conclusion ?? null) === conclusion && own.output?.title === title;
      if (!same) await request(place, 'PATCH', `${root}/check-runs/${own.id}`, wanted);
      return true;
    }
    if (found.length < 100) break;
  }
  await request(place, 'POST', `${root}/check-runs`, { ...wanted, name, head_sha: sha, external_id: id });
  return true;
}

/** False for an alert that is about no deployment. */
async function writeDeployment({ place, repository, alert, report, given, request }: Told): Promise<boolean> {
  const deployment = alert.labels['deployment'] ?? '';
  if (!/^[0-9]{1,19}$/.test(deployment)) return false;
  const { deployment: state } = states[report.state];
  const url = sealed(report.url, markOf(given, ['deployment', repository, deployment, state]));
  const description = cutLine(report.text, longestDescription);
  const path = `/repos/${repository}/deployments/${deployment}/statuses`;
  const found = statuses.parse(await request(place, 'GET', `${path}?per_page=100`));
  // Of this run: another state of it may have come and gone.
  const own = found.filter(one => one.target_url?.startsWith(sealed(report.url, '')));
  const [newest] = own.sort((one, other) => (other.id ?? 0) - (one.id ?? 0));
  if (newest !== undefined && isSame(newest, { state, description, target_url: url })) return true;
  await request(place, 'POST', path, { state, description, log_url: url, auto_inactive: false });
  return true;
}

function isSame(
  one: z.infer<typeof statuses>[number],
  wanted: { state: string; description: string; target_url: string },
): boolean {
  return one.state === wanted.state && one.description === wanted.description && one.target_url === wanted.target_url;
}
