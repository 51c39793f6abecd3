import type { SourceExample } from '../../ports/source.ts';

const project = {
  id: 380,
  name: 'Shop',
  web_url: 'https://gitlab.acme.example/acme/web/shop',
  path_with_namespace: 'acme/web/shop',
  default_branch: 'main',
};
const user = { id: 3, name: 'Dana', username: 'dana' };

const attributes = {
  id: 2366,
  iid: 41,
  name: 'Ship it',
  ref: 'main',
  tag: false,
  sha: '2293ada6b400935a1378653304eaf6221e0fdb8f',
  source: 'push',
  status: 'failed',
  detailed_status: 'failed',
  created_at: '2026-11-20 10:58:00 UTC',
  finished_at: '2026-11-20 11:09:15 UTC',
  url: 'https://gitlab.acme.example/acme/web/shop/-/pipelines/2366',
};
const builds = [
  { id: 1, stage: 'test', name: 'unit', status: 'success', allow_failure: false },
  { id: 2, stage: 'test', name: 'lint', status: 'failed', allow_failure: true },
  { id: 3, stage: 'deploy', name: 'ship', status: 'failed', allow_failure: false },
];
const failed = JSON.stringify({ object_kind: 'pipeline', object_attributes: attributes, user, project, builds });
const succeeded = JSON.stringify({
  object_kind: 'pipeline',
  object_attributes: {
    ...attributes,
    status: 'success',
    detailed_status: 'passed',
    finished_at: '2026-11-20 11:21:40 UTC',
  },
  user,
  project,
  builds: [],
});

const deploymentFailed = JSON.stringify({
  object_kind: 'deployment',
  status: 'failed',
  status_changed_at: '2026-11-20 12:09:10 +0100',
  deployment_id: 15,
  deployable_id: 796,
  deployable_url: 'https://gitlab.acme.example/acme/web/shop/-/jobs/796',
  environment: 'review/login',
  environment_tier: 'development',
  project,
  short_sha: '2293ada6',
  user,
  commit_title: 'Ship it',
});

const pushed = JSON.stringify({
  object_kind: 'push',
  event_name: 'push',
  before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
  after: '2293ada6b400935a1378653304eaf6221e0fdb8f',
  ref: 'refs/heads/main',
  user_username: 'dana',
  project_id: 380,
  project,
  commits: [{ id: '2293ada6', title: 'Ship it', url: 'https://gitlab.acme.example/acme/web/shop/-/commit/2293ada6' }],
  total_commits_count: 1,
});

const joined = JSON.stringify({
  created_at: '2026-11-20T11:00:00Z',
  updated_at: '2026-11-20T11:00:00Z',
  group_name: 'Web',
  group_path: 'web',
  group_id: 100,
  user_username: 'mallory',
  user_name: 'Mallory',
  user_id: 64,
  group_access: 'Maintainer',
  expires_at: null,
  event_name: 'user_add_to_group',
});

const token = 'an example token';
const headers = { 'x-gitlab-token': token };
const key = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`;

export const examples: readonly SourceExample[] = [
  {
    title: 'A pipeline fails',
    options: { token, projects: ['acme'] },
    headers: { ...headers, 'x-gitlab-event': 'Pipeline Hook' },
    body: failed,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'pipeline/380/main/push',
          title: 'Pipeline fails on main of acme/web/shop',
          severity: 'error',
          labels: {
            event: 'pipeline',
            project: 'acme/web/shop',
            actor: 'dana',
            ref: 'main',
            branch: 'main',
            sha: '2293ada6b400935a1378653304eaf6221e0fdb8f',
            trigger: 'push',
            status: 'failed',
            detailed_status: 'failed',
            pipeline: '2366',
            created_at: '2026-11-20 10:58:00 UTC',
            finished_at: '2026-11-20 11:09:15 UTC',
            failed_jobs: 'ship',
          },
          links: [
            { label: 'Pipeline', url: 'https://gitlab.acme.example/acme/web/shop/-/pipelines/2366' },
            { label: 'Project', url: 'https://gitlab.acme.example/acme/web/shop' },
          ],
          endsAt: null,
          occurredAt: Date.UTC(2026, 10, 20, 11, 9, 15),
        },
      ],
    },
  },
  {
    title: 'A job is retried, and the pipeline succeeds; while the token is replaced, both hold',
    options: { token: ['the next token', token] },
    headers,
    body: succeeded,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'pipeline/380/main/push',
          endsAt: Date.UTC(2026, 10, 20, 11, 21, 40),
        },
      ],
    },
  },
  {
    title: 'A deployment fails, from a webhook that signs',
    options: { signingToken: key('an example of a signing token'), severity: { deployment: 'critical' } },
    headers: {
      'webhook-id': 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
      'webhook-timestamp': '1795604410',
      'webhook-signature': 'v1,enWGRiX/W6n/79jX72bkV5qIvAVFaffH1Z01dYLvzCo=',
    },
    body: deploymentFailed,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'deployment/380/review%2Flogin',
          title: 'Deployment to review/login of acme/web/shop fails',
          severity: 'critical',
          startsAt: Date.UTC(2026, 10, 20, 11, 9, 10),
          newsAt: Date.UTC(2026, 10, 20, 11, 9, 10),
        },
        {
          kind: 'change',
          title: 'dana deployed 2293ada6 of acme/web/shop to review/login, which failed',
          resource: { type: 'environment', id: 'acme/web/shop:review/login', name: 'review/login' },
          after: { as: 'digest', digest: '2293ada6' },
          environment: 'review/login',
          outcome: { state: 'failure' },
          changeId: 'deployment/15',
        },
      ],
    },
  },
  {
    title: 'A push',
    options: { token },
    headers,
    body: pushed,
    expect: {
      events: [
        { kind: 'notice', type: 'push', title: 'dana pushed to main of acme/web/shop: 1 commit, Ship it' },
        {
          kind: 'change',
          actor: { name: 'dana' },
          action: 'push',
          resource: { type: 'branch', id: 'acme/web/shop:refs/heads/main', name: 'main' },
          before: { as: 'digest', digest: '6113728f27ae82c7b1a177c8d03f9e96e0adf246' },
          after: { as: 'digest', digest: '2293ada6b400935a1378653304eaf6221e0fdb8f' },
          account: 'acme',
          outcome: { state: 'success' },
        },
      ],
    },
  },
  {
    title: 'A member of a group; nothing says who did it',
    options: { token },
    headers,
    body: joined,
    expect: {
      events: [
        {
          kind: 'notice',
          type: 'user_add_to_group',
          title: 'mallory is now a member of web (Maintainer)',
          labels: { event: 'user_add_to_group', group: 'web', member: 'mallory', access: 'Maintainer' },
        },
        {
          kind: 'change',
          action: 'user_add_to_group',
          resource: { type: 'member', id: 'web:mallory', name: 'mallory' },
          after: { as: 'facts', facts: { access: 'Maintainer' } },
        },
      ],
    },
  },
  {
    title: 'A project that is not taken is dropped, because GitLab disables a webhook whose deliveries are refused',
    options: { token, projects: ['acme/web/shop-two', 'other'] },
    headers,
    body: failed,
    expect: { events: [] },
  },
  {
    title: 'Another token',
    options: { token },
    headers: { 'x-gitlab-token': 'guessed' },
    body: failed,
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A token where a signature is asked for',
    options: { token, signingToken: key('an example of a signing token') },
    headers,
    body: failed,
    expect: { refused: 'bad-signature' },
  },
];
