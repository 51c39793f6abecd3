import type { SourceExample } from '../../ports/source.ts';

const about = {
  repository: {
    id: 35129377,
    full_name: 'acme/checkout',
    default_branch: 'main',
    html_url: 'https://github.com/acme/checkout',
  },
  organization: { login: 'acme' },
  sender: { login: 'dana' },
};

const run = {
  id: 5453085689,
  name: 'deploy',
  workflow_id: 51845905,
  head_branch: 'main',
  head_sha: '3484a3fb816e0859fd6e1cea078d76385ff50625',
  head_repository: { id: 35129377, full_name: 'acme/checkout' },
  event: 'push',
  run_number: 815,
  run_attempt: 1,
  status: 'completed',
  conclusion: 'failure',
  html_url: 'https://github.com/acme/checkout/actions/runs/5453085689',
  created_at: '2026-11-20T10:58:00Z',
  run_started_at: '2026-11-20T10:58:00Z',
  updated_at: '2026-11-20T11:09:15Z',
};
const failed = JSON.stringify({ action: 'completed', workflow_run: run, ...about });
const again = { ...run, run_attempt: 2, conclusion: 'success', updated_at: '2026-11-20T11:21:40Z' };
const succeeded = JSON.stringify({ action: 'completed', workflow_run: again, ...about });

const deploymentFailed = JSON.stringify({
  action: 'created',
  deployment_status: {
    id: 2100000001,
    state: 'failure',
    description: 'The health check failed',
    environment: 'production',
    log_url: 'https://github.com/acme/checkout/actions/runs/5453085689',
    created_at: '2026-11-20T11:09:10Z',
  },
  deployment: {
    id: 1459887460,
    sha: '3484a3fb816e0859fd6e1cea078d76385ff50625',
    ref: 'main',
    task: 'deploy',
    environment: 'production',
    production_environment: true,
    created_at: '2026-11-20T11:00:00Z',
  },
  ...about,
});

const pushed = `payload=${encodeURIComponent(
  JSON.stringify({
    ref: 'refs/heads/main',
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    after: '3484a3fb816e0859fd6e1cea078d76385ff50625',
    created: false,
    deleted: false,
    forced: true,
    commits: [],
    ...about,
  }),
)}`;

const ping = JSON.stringify({
  zen: 'Keep it logically awesome.',
  hook_id: 30,
  hook: { type: 'App', events: ['push'] },
});

const headersOf = (event: string, signature: string) => ({
  'x-github-event': event,
  'x-hub-signature-256': `sha256=${signature}`,
});

export const examples: readonly SourceExample[] = [
  {
    title: 'A workflow fails',
    options: { secret: 'an example secret', repositories: ['acme'] },
    headers: headersOf('workflow_run', '30e822fd449cb6adac299b54a0129513a7217781aa9368dcd0c6e2b9258b07db'),
    body: failed,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'workflow_run/35129377/51845905/main',
          title: 'deploy fails on main in acme/checkout',
          severity: 'error',
          labels: {
            event: 'workflow_run',
            action: 'completed',
            repository: 'acme/checkout',
            organization: 'acme',
            actor: 'dana',
            workflow: 'deploy',
            branch: 'main',
            sha: '3484a3fb816e0859fd6e1cea078d76385ff50625',
            conclusion: 'failure',
            trigger: 'push',
            run: '5453085689',
            run_number: '815',
            attempt: '1',
            created_at: '2026-11-20T10:58:00Z',
            started_at: '2026-11-20T10:58:00Z',
            updated_at: '2026-11-20T11:09:15Z',
          },
          links: [
            { label: 'Run', url: 'https://github.com/acme/checkout/actions/runs/5453085689' },
            { label: 'Repository', url: 'https://github.com/acme/checkout' },
          ],
          startsAt: Date.UTC(2026, 10, 20, 10, 58, 0, 1),
          newsAt: Date.UTC(2026, 10, 20, 10, 58, 0, 1),
          endsAt: null,
          occurredAt: Date.UTC(2026, 10, 20, 11, 9, 15),
        },
      ],
    },
  },
  {
    title: 'Its second attempt succeeds; while the secret is replaced, both hold',
    options: { secret: ['the next secret', 'an example secret'] },
    headers: headersOf('workflow_run', '29fbc67918e1cdcb66bacb34fa376a75ee07ae2bd3231dff85bd54760ae4961b'),
    body: succeeded,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'resolved',
          fingerprint: 'workflow_run/35129377/51845905/main',
          endsAt: Date.UTC(2026, 10, 20, 11, 21, 40),
        },
      ],
    },
  },
  {
    title: 'A deployment fails: an alert, and a change',
    options: { secret: 'an example secret', severity: { deployment: 'critical' } },
    headers: headersOf('deployment_status', '3753e854de6f6d11bf5c205eee7585dc1a7c9b9e5d4ed0850e7b73cac8396294'),
    body: deploymentFailed,
    expect: {
      events: [
        {
          kind: 'alert',
          state: 'firing',
          fingerprint: 'deployment_status/35129377/production',
          title: 'Deployment to production of acme/checkout fails',
          severity: 'critical',
          annotations: { description: 'The health check failed' },
        },
        {
          kind: 'change',
          title: 'dana deployed main at 3484a3f of acme/checkout to production, which failed',
          actor: { name: 'dana' },
          action: 'deploy',
          resource: { type: 'environment', id: 'acme/checkout:production', name: 'production' },
          after: { as: 'digest', digest: '3484a3fb816e0859fd6e1cea078d76385ff50625' },
          account: 'acme',
          environment: 'production',
          outcome: { state: 'failure', error: 'The health check failed' },
          changeId: 'deployment/1459887460',
          occurredAt: Date.UTC(2026, 10, 20, 11, 9, 10),
        },
      ],
    },
  },
  {
    title: 'A branch is force-pushed, from a webhook that sends forms',
    options: { secret: 'an example secret' },
    headers: {
      ...headersOf('push', '8b75a56eb96db4a8ee3765e321c794020a21fe1983c56bd4825398fd0ea06bd8'),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: pushed,
    expect: {
      events: [
        { kind: 'notice', type: 'push', title: 'dana force-pushed main of acme/checkout' },
        {
          kind: 'change',
          action: 'push',
          resource: { type: 'branch', id: 'acme/checkout:refs/heads/main', name: 'main' },
          before: { as: 'digest', digest: '6113728f27ae82c7b1a177c8d03f9e96e0adf246' },
          after: { as: 'digest', digest: '3484a3fb816e0859fd6e1cea078d76385ff50625' },
        },
      ],
    },
  },
  {
    title: 'The webhook is new',
    options: { secret: 'an example secret' },
    headers: headersOf('ping', '5560330caae76adfef7b880200a387f13c2db9350fc2eb725bb0c0a337acb74d'),
    body: ping,
    expect: {
      events: [{ kind: 'notice', type: 'ping', title: 'GitHub is connected: a webhook of an app arrives here' }],
    },
  },
  {
    title: 'A repository that is not taken',
    options: { secret: 'an example secret', repositories: ['acme/shop', 'other'] },
    headers: headersOf('workflow_run', '30e822fd449cb6adac299b54a0129513a7217781aa9368dcd0c6e2b9258b07db'),
    body: failed,
    expect: { refused: 'bad-body' },
  },
  {
    title: 'Signed with another secret',
    options: { secret: 'another secret' },
    headers: headersOf('workflow_run', '30e822fd449cb6adac299b54a0129513a7217781aa9368dcd0c6e2b9258b07db'),
    body: failed,
    expect: { refused: 'bad-signature' },
  },
];
