import { z } from 'zod';
import { isCode } from '../kernel/errors.ts';
import { createAppTokens, githubHeaders, githubWait, jwtOf, type Place } from '../kernel/github-app.ts';
import { requestOrigin } from '../kernel/origin-request.ts';
import type { GitHubDoor } from '../model/gates/doors.ts';
import type { DoorHost } from '../ports/door.ts';

const login = z.object({ login: z.string() }).nullish();

const workflowRun = z.object({
  id: z.int(),
  head_sha: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/),
  run_attempt: z.int().positive(),
  status: z.string().nullable(),
  html_url: z.url({ protocol: /^https?$/ }),
  actor: login,
  triggering_actor: login,
});
export type WorkflowRun = z.infer<typeof workflowRun>;

const pending = z.array(z.object({ environment: z.object({ name: z.string() }) }));
const waiting = z.object({ workflow_runs: z.array(workflowRun) });
const rules = z.object({
  custom_deployment_protection_rules: z.array(z.object({ enabled: z.boolean(), app: z.object({ id: z.int() }) })),
});
const deliveries = z.array(
  z.object({
    id: z.union([z.int(), z.string()]),
    guid: z.string(),
    delivered_at: z.string(),
    event: z.string(),
    status_code: z.int(),
  }),
);
export type HookDelivery = z.infer<typeof deliveries>[number];

export interface Review {
  environment_name: string;
  /** A status report without a state. */
  state?: 'approved' | 'rejected';
  comment: string;
}

/** What the door asks of GitHub's REST API. Every path is made of ids; nothing of a body is an address. */
export interface GitHubApi {
  run(place: Place, run: string): Promise<WorkflowRun>;
  isPending(place: Place, run: string, environment: string): Promise<boolean>;
  pendingOf(place: Place, run: string): Promise<string[]>;
  review(place: Place, run: string, review: Review): Promise<void>;
  /** The runs that wait for a rule or a reviewer. */
  waitingRuns(place: Place): Promise<WorkflowRun[]>;
  /** Whether this app is a rule of the environment. */
  isOurs(place: Place, environment: string): Promise<boolean>;
  /** The latest deliveries of the app's webhook, the newest first. */
  deliveries(): Promise<HookDelivery[]>;
  redeliver(id: string | number): Promise<void>;
}

/** The permissions that it needs, and no others. Source: docs.github.com, creating custom deployment protection rules. */
const permissions = { actions: 'read', deployments: 'write' } as const;

export function createGitHubApi(options: GitHubDoor, host: DoorHost): GitHubApi {
  const send = (token: string, method: 'GET' | 'POST', path: string, body?: object) =>
    requestOrigin(
      options.url + path,
      { method, headers: githubHeaders(token, body !== undefined), ...(body && { body: JSON.stringify(body) }) },
      {
        name: 'GitHub',
        fetch: host.fetch,
        refusedKey: {
          because: 'The app is not known by this id and key.',
          remedy: 'Correct app of the door in gates.yaml: GitHub, Settings, Developer settings, GitHub Apps.',
        },
        waitAfter: (status, headers, text) => githubWait(status, headers, text, host.clock.now()),
      },
    );
  const asApp = (method: 'GET' | 'POST', path: string, body?: object) =>
    send(jwtOf(options.app, host.clock.now()), method, path, body);
  const tokens = createAppTokens(asApp, permissions, host.clock);

  async function about(place: Place, method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const token = await tokens.of(place);
    try {
      return await send(token, method, `/repos/${place.owner}/${place.name}${path}`, body);
    } catch (error) {
      // It may have been revoked.
      if (isCode(error, 'origin-down')) tokens.forget(place);
      throw error;
    }
  }

  const pendingOf = async (place: Place, run: string) =>
    pending
      .parse(await about(place, 'GET', `/actions/runs/${run}/pending_deployments`))
      .map(({ environment }) => environment.name);

  return {
    pendingOf,
    run: async (place, run) => workflowRun.parse(await about(place, 'GET', `/actions/runs/${run}`)),
    isPending: async (place, run, environment) => (await pendingOf(place, run)).includes(environment),
    async review(place, run, review) {
      await about(place, 'POST', `/actions/runs/${run}/deployment_protection_rule`, review);
    },
    waitingRuns: async place =>
      waiting.parse(await about(place, 'GET', '/actions/runs?status=waiting&per_page=100')).workflow_runs,
    async isOurs(place, environment) {
      const path = `/environments/${encodeURIComponent(environment)}/deployment_protection_rules`;
      const found = rules.parse(await about(place, 'GET', path)).custom_deployment_protection_rules;
      return found.some(({ enabled, app }) => enabled && String(app.id) === options.app.id);
    },
    deliveries: async () => deliveries.parse(await asApp('GET', '/app/hook/deliveries?per_page=100')),
    async redeliver(id) {
      await asApp('POST', `/app/hook/deliveries/${id}/attempts`);
    },
  };
}
