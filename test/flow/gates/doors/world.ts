import { createHmac } from 'node:crypto';
import type { Post } from '../../../../src/model/card.ts';
import type { Door, Gate } from '../../../../src/model/gates/gate.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../../doubles/app.ts';
import type { RunDouble } from '../../../doubles/github/gates.ts';
import { type GitHubDouble, startGitHub } from '../../../doubles/github/index.ts';
import { type GitLabChecksDouble, type MergeRequestDouble, startGitLabChecks } from '../../../doubles/gitlab-checks.ts';
import { startTerraform, type TaskDouble, type TerraformDouble } from '../../../doubles/terraform.ts';

/** An app with all three doors, and what stands behind each of them. */
export interface DoorWorld {
  app: TestApp;
  github: GitHubDouble;
  gitlab: GitLabChecksDouble;
  terraform: TerraformDouble;
  /** Stops the app and starts another one on the same data. */
  restart(): Promise<void>;
  send(
    door: string,
    delivery: { body: string; headers: Record<string, string> },
  ): Promise<{ status: number; gate: string | null }>;
  gates(door?: Door): Promise<Gate[]>;
  /** Waits until a gate is so. */
  gate(door: Door, isSo?: (gate: Gate) => boolean): Promise<Gate>;
  vote(as: 'ALICE' | 'BOB' | 'RITA', of: Gate, vote?: 'approve' | 'deny'): Promise<number>;
  /** What the threads say. */
  posts(): Promise<Post[]>;
  stop(): Promise<void>;
}

export const webhookSecrets = ['the-secret-of-the-webhook', 'the-secret-before'] as const;
export const sha = '3484a3fb816e0859fd6e1cea078d76385ff50625';

export async function startDoorWorld(
  facts: {
    files?: Files;
    doors?: (world: Pick<DoorWorld, 'github' | 'gitlab' | 'terraform'>) => string;
    expires?: string;
  } = {},
): Promise<DoorWorld> {
  const [github, gitlab, terraform] = [await startGitHub(), await startGitLabChecks(), await startTerraform()];
  github.app.installations.set('acme', { id: 375706, permissions: { actions: 'read', deployments: 'write' } });
  const files: Files = {
    'tocsin.yaml': `${basicConfig.replace(
      'people: { alice: {}, bob: {}, rita: {} }',
      'people: { alice: {}, bob: { accounts: { github: dana, gitlab: dana, terraform: dana } }, rita: {} }',
    )}`,
    'gates.yaml': `
gates:
  deploy: { ask: ["door:github", "door:gitlab", "door:terraform", ci], needs: [environment] }
doors:
  github:
    gate: deploy
    secret: ["\${WEBHOOK_SECRET}", "\${OLD_SECRET}"]
    app: { id: ${github.app.id}, key: "\${APP_KEY}" }
    url: ${github.url}
    poll: 1s
    repositories: [acme/checkout]
  gitlab: { gate: deploy, secret: "\${CHECK_SECRET}", apiToken: "\${GITLAB_TOKEN}", url: "${gitlab.url}", again: 1s, projects: [acme/shop] }
  terraform: { gate: deploy, secret: "\${TASK_KEY}", urls: ["${terraform.url}"], again: 1s }
`,
    'policy.yaml': `
rules:
  - { name: free, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: ask, decide: approve, by: sre, expires: ${facts.expires ?? '10m'} }
`,
    ...facts.files,
  };
  const env = {
    WEBHOOK_SECRET: webhookSecrets[0],
    OLD_SECRET: webhookSecrets[1],
    APP_KEY: github.app.privateKey,
    CHECK_SECRET: gitlab.secret,
    GITLAB_TOKEN: gitlab.token,
    TASK_KEY: terraform.secret,
  };
  const world: DoorWorld = {
    app: await startTestApp(files, { env, keep: true }),
    github,
    gitlab,
    terraform,
    async restart() {
      const { folder } = world.app;
      await world.app.stop();
      world.app = await startTestApp(files, { env, folder, keep: true });
    },
    async send(door, { body, headers }) {
      const answer = await fetch(`${world.app.app.url}/gates/doors/${door}`, { method: 'POST', body, headers });
      const json = (await answer.json()) as { gate?: string | null };
      return { status: answer.status, gate: json.gate ?? null };
    },
    async gates(door) {
      const all = await world.app.app.store.documents('gate', { limit: 100 });
      return all.filter(one => door === undefined || one.door === door);
    },
    gate: (door, isSo = () => true) => world.app.until(async () => (await world.gates(door)).find(isSo)),
    async vote(as, of, vote = 'approve') {
      const answer = await world.app.call('POST', `/api/v1/approvals/${of.approval}/votes`, {
        as,
        body: { vote, ...(vote === 'deny' ? { reason: 'not today' } : {}) },
      });
      return answer.status;
    },
    posts: () => world.app.app.store.posts({ platform: 'console', limit: 100 } as never),
    async stop() {
      await world.app.stop();
      for (const double of [github, gitlab, terraform]) double.close();
    },
  };
  return world;
}

export function runOf(github: GitHubDouble, facts: Partial<RunDouble> = {}): RunDouble {
  const run: RunDouble = {
    repository: 'acme/checkout',
    id: 5453085689,
    head_sha: sha,
    run_attempt: 1,
    status: 'waiting',
    actor: 'dana',
    pending: new Map([['production', new Set(['app'] as const)]]),
    reviews: [],
    reports: [],
    ...facts,
  };
  github.gates.runs.set(String(run.id), run);
  return run;
}

/** The webhook of a run that waits, signed. */
export function askingOf(
  { url }: Pick<GitHubDouble, 'url'>,
  run: RunDouble,
  facts: { secret?: string; environment?: string; callback?: string; event?: string } = {},
) {
  const path = `/repos/${run.repository}/actions/runs/${run.id}/deployment_protection_rule`;
  const body = JSON.stringify({
    action: 'requested',
    environment: facts.environment ?? [...run.pending.keys()][0] ?? 'production',
    event: 'push',
    deployment_callback_url: facts.callback ?? url + path,
    deployment: { id: 1459887460, sha: run.head_sha, creator: { login: 'github-actions[bot]' } },
    pull_requests: [],
    repository: { id: 35129377, name: 'checkout', full_name: run.repository },
    installation: { id: 375706 },
    sender: { login: run.actor },
  });
  const signature = createHmac('sha256', facts.secret ?? webhookSecrets[0])
    .update(body)
    .digest('hex');
  const headers = {
    'content-type': 'application/json',
    'x-github-event': facts.event ?? 'deployment_protection_rule',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': `sha256=${signature}`,
  };
  return { body, headers };
}

export function mergeRequestOf(
  { mergeRequests }: GitLabChecksDouble,
  facts: Partial<MergeRequestDouble> = {},
): MergeRequestDouble {
  const made: MergeRequestDouble = {
    ...{ project: 'acme/shop', iid: 12, sha, state: 'opened', author: 'dana', responses: [] },
    ...facts,
  };
  mergeRequests.push(made);
  return made;
}

export function taskOf({ tasks }: TerraformDouble, facts: Partial<TaskDouble> = {}): TaskDouble {
  const id = facts.id ?? '5ea8d46c-2ceb-42cd-83f2-82e54697bddd';
  const made: TaskDouble = { token: `token-of-the-task-${id}`, state: 'pending', updates: [], ...facts, id };
  tasks.push(made);
  return made;
}
