import { describe, expect, test } from 'vitest';
import source from '../../../src/sources/github/index.ts';
import { delivery, payload, refusal, take } from '../helpers.ts';
import { about, deploy, eventsOf, hear, run, suite } from './bodies.ts';

const saved = (file: string, options: object = {}) =>
  take(source, delivery(payload(`github/${file}.json`), { 'X-GitHub-Event': file.split('.')[0] ?? '' }), options)
    .events;

describe('saved payloads', () => {
  test('a workflow that fails, and its second attempt', () => {
    expect(saved('workflow_run.completed.failure')).toMatchObject([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: 'workflow_run/35129377/51845905/main',
        title: 'deploy fails on main in acme/checkout',
        severity: 'error',
        labels: {
          repository: 'acme/checkout',
          branch: 'main',
          sha: '3484a3fb816e0859fd6e1cea078d76385ff50625',
          conclusion: 'failure',
          attempt: '1',
          run: '5453085689',
          actor: 'dana',
          started_by: 'dana',
        },
        annotations: { run_title: 'Release 3.14.3' },
        startsAt: Date.UTC(2026, 10, 20, 10, 58, 0, 1),
        endsAt: null,
      },
    ]);
    expect(saved('workflow_run.completed.success')).toMatchObject([
      { state: 'resolved', fingerprint: 'workflow_run/35129377/51845905/main', labels: { attempt: '2' } },
    ]);
  });

  test('a deployment, and its failure', () => {
    expect(saved('deployment.created')).toMatchObject([
      {
        kind: 'notice',
        type: 'deployment.created',
        title: 'github-actions[bot] deploys main at 3484a3f of acme/checkout to production',
        labels: {
          environment: 'production',
          sha: '3484a3fb816e0859fd6e1cea078d76385ff50625',
          branch: 'main',
          production: 'true',
        },
        occurredAt: Date.UTC(2026, 10, 20, 11),
      },
    ]);
    expect(saved('deployment_status.failure')).toMatchObject([
      {
        kind: 'alert',
        state: 'firing',
        fingerprint: 'deployment_status/35129377/production',
        title: 'Deployment to production of acme/checkout fails',
        labels: {
          environment: 'production',
          state: 'failure',
          deployment: '1459887460',
          created_at: '2026-11-20T11:00:00Z',
        },
        links: [
          { label: 'Log', url: 'https://github.com/acme/checkout/actions/runs/5453085689' },
          { label: 'Repository', url: 'https://github.com/acme/checkout' },
        ],
        occurredAt: Date.UTC(2026, 10, 20, 11, 9, 10),
      },
      {
        kind: 'change',
        action: 'deploy',
        resource: { type: 'environment', id: 'acme/checkout:production' },
        after: { as: 'digest', digest: '3484a3fb816e0859fd6e1cea078d76385ff50625' },
        environment: 'production',
        outcome: { state: 'failure' },
        changeId: 'deployment/1459887460',
        occurredAt: Date.UTC(2026, 10, 20, 11, 9, 10),
      },
    ]);
  });

  test('a finding of Dependabot and its fix; a ping; a gate', () => {
    expect(saved('dependabot_alert.created')).toMatchObject([
      {
        state: 'firing',
        severity: 'error',
        labels: { package: 'left-padx', ghsa: 'GHSA-xxxx-yyyy-zzzz', scope: 'runtime' },
      },
    ]);
    const [fixed] = saved('dependabot_alert.fixed');
    expect(fixed).toMatchObject({ state: 'resolved', endsAt: Date.UTC(2026, 10, 21, 7) });
    expect(fixed).not.toHaveProperty('noCure');
    expect(saved('ping')).toMatchObject([
      { type: 'ping', title: 'GitHub is connected: a webhook of an app arrives here', labels: { hook: '30' } },
    ]);
    expect(saved('deployment_protection_rule.requested')).toMatchObject([
      { kind: 'notice', type: 'deployment_protection_rule.requested' },
    ]);
  });
});

describe('what fires and what does not', () => {
  const stateOf = (events: ReturnType<typeof eventsOf>) =>
    events.map(event => (event.kind === 'alert' ? event.state : event.kind));

  test.each([
    ['failure', ['firing']],
    ['timed_out', ['firing']],
    ['startup_failure', ['firing']],
    ['success', ['resolved']],
    ['cancelled', []],
    ['skipped', []],
    ['neutral', []],
    ['stale', []],
    ['action_required', []],
    ['something new', ['notice']],
    [null, ['notice']],
  ])('conclusion %s: %j', (conclusion, expected) => {
    expect(stateOf(eventsOf('workflow_run', run('10:00', '10:05', conclusion)))).toEqual(expected);
    expect(stateOf(eventsOf('check_suite', suite('10:00', '10:05', conclusion)))).toEqual(expected);
  });

  test.each([
    ['failure', ['firing']],
    ['error', ['firing']],
    ['success', ['resolved']],
    ['pending', []],
    ['queued', []],
    ['waiting', []],
    ['in_progress', []],
    ['inactive', []],
    ['something new', ['notice']],
  ])('state %s of a deployment: %j', (state, expected) => {
    expect(stateOf(eventsOf('deployment_status', deploy('10:00', '10:05', state)))).toEqual(expected);
  });

  test('a run that begins says nothing, and all is told with tellAll, in the thread of the alert', () => {
    const begins = { ...run('10:00', '10:00', null), action: 'in_progress' };
    expect(eventsOf('workflow_run', begins)).toEqual([]);
    expect(eventsOf('workflow_run', begins, { tellAll: true })).toMatchObject([
      {
        kind: 'notice',
        type: 'workflow_run.in_progress',
        about: 'workflow_run/7/5/main',
        title: 'ci on main of acme/shop: in progress',
      },
    ]);
    expect(eventsOf('deployment_status', deploy('10:00', '10:01', 'inactive'), { tellAll: true })).toMatchObject([
      { kind: 'notice', about: 'deployment_status/7/production', labels: { state: 'inactive' } },
    ]);
  });

  test('another task in the same environment is another alert', () => {
    expect(
      eventsOf('deployment_status', deploy('10:00', '10:05', 'failure', { task: 'deploy:migrations' })),
    ).toMatchObject([{ fingerprint: 'deployment_status/7/production/deploy:migrations' }]);
  });

  test('an environment whose name has a slash is no task of another', () => {
    const body = deploy('10:00', '10:05', 'failure');
    const deployment_status = {
      ...(body as { deployment_status: object }).deployment_status,
      environment: 'production/eu%',
    };
    expect(eventsOf('deployment_status', { ...body, deployment_status })).toMatchObject([
      { fingerprint: 'deployment_status/7/production%2Feu%25', labels: { environment: 'production/eu%' } },
    ]);
  });

  test('severities are the configured ones', () => {
    const severity = { deployment: 'critical', workflow: 'warning', checks: 'info' };
    expect(eventsOf('deployment_status', deploy('10:00', '10:05', 'error'), { severity })).toMatchObject([
      { severity: 'critical' },
    ]);
    expect(eventsOf('workflow_run', run('10:00', '10:05', 'failure'), { severity })).toMatchObject([
      { severity: 'warning' },
    ]);
    expect(eventsOf('check_suite', suite('10:00', '10:05', 'failure'), { severity })).toMatchObject([
      { severity: 'info' },
    ]);
  });
});

describe('branches', () => {
  const on = (head_branch: string | null, more: object = {}) =>
    run('10:00', '10:05', 'failure', { head_branch, ...more });

  test.each([
    ['default', 'main', true],
    ['default', 'feature', false],
    [['main', 'release/*'], 'release/1.2', true],
    [['main', 'release/*'], 'my/release/1', false],
    [['*-stable'], '1-stable', true],
    [['a*b*c'], 'abc', true],
    [['a*b*c'], 'acb', false],
    [['ab*ba'], 'aba', false],
    [['*'], 'any', true],
  ])('%j has %s: %s', (branches, name, watched) => {
    expect(eventsOf('workflow_run', on(name), { branches })).toHaveLength(watched ? 1 : 0);
    expect(
      eventsOf('check_suite', suite('10:00', '10:05', 'failure', { head_branch: name }), { branches }),
    ).toHaveLength(watched ? 1 : 0);
  });

  test('main of a fork is not ours', () => {
    const fork = { head_repository: { id: 99, full_name: 'eve/shop' } };
    expect(eventsOf('workflow_run', run('10:00', '10:05', 'success', fork))).toMatchObject([
      { fingerprint: 'workflow_run/7/5/eve/shop:main', labels: { branch: 'eve/shop:main' } },
    ]);
    expect(eventsOf('workflow_run', on('main', fork), { branches: 'default' })).toEqual([]);
    expect(eventsOf('workflow_run', on('main', fork), { branches: ['*'] })).toEqual([]);
    expect(eventsOf('workflow_run', on('main', { head_repository: null }), { branches: 'default' })).toEqual([]);
  });

  test('without a branch a failure is told, but opens nothing', () => {
    expect(eventsOf('workflow_run', on(null))).toMatchObject([
      { kind: 'notice', title: 'ci on no branch of acme/shop: failure' },
    ]);
    expect(eventsOf('check_suite', suite('10:00', '10:05', 'failure', { head_branch: null }))).toMatchObject([
      { kind: 'notice' },
    ]);
  });
});

describe('repositories that are taken', () => {
  const allowed = (repositories: string[], body: object = run('10:00', '10:05', 'failure'), event = 'workflow_run') =>
    eventsOf(event, body, { repositories });

  test.each([[['acme/shop']], [['ACME/Shop']], [['acme']], [['other', 'acme/shop']]])('%j', repositories => {
    expect(allowed(repositories)).toHaveLength(1);
  });

  test.each([[['acme/sho']], [['acme/shop2']], [['ac']], [['other']]])(
    'not %j: the refusal names no word of the body',
    repositories => {
      const error = refusal(() => allowed(repositories));
      expect(error).toMatchObject({ code: 'bad-body', at: 'repository.full_name' });
      expect(JSON.stringify([error.message, error.allowed, error.remedy])).not.toContain('acme');
    },
  );

  test('what is of an organisation needs the organisation', () => {
    const ofOrganization = { action: 'member_added', repository: undefined, membership: { state: 'active' } };
    expect(allowed(['acme'], ofOrganization, 'organization')).toHaveLength(1);
    for (const repositories of [['acme/shop'], ['other']])
      expect(refusal(() => allowed(repositories, ofOrganization, 'organization')).at).toBe('organization.login');
    const ofNobody = { repository: undefined, organization: undefined, action: 'x' };
    expect(refusal(() => allowed(['acme'], ofNobody, 'meta')).at).toBe('repository');
  });

  test('a ping is taken when it may be of one of them', () => {
    const ping = { zen: 'z', hook_id: 1, repository: undefined };
    expect(allowed(['acme/shop'], ping, 'ping')).toHaveLength(1);
    expect(allowed(['acme/shop'], { ...ping, organization: undefined }, 'ping')).toHaveLength(1);
    expect(refusal(() => allowed(['other/shop'], ping, 'ping')).at).toBe('organization.login');
    expect(refusal(() => allowed(['other/shop'], { ...ping, repository: about.repository }, 'ping')).at).toBe(
      'repository.full_name',
    );
  });

  test.each([['acme/'], ['/shop'], ['acme/*'], ['https://github.com/acme'], ['']])('%j is no name', name => {
    expect(source.options.safeParse({ repositories: [name] }).success).toBe(false);
  });
});

test('a repository keeps its alerts when it is renamed', () => {
  const renamed = { ...run('10:00', '10:05', 'success'), repository: { ...about.repository, full_name: 'acme/store' } };
  expect(hear('workflow_run', renamed).events).toMatchObject([
    { fingerprint: 'workflow_run/7/5/main', title: 'ci fails on main in acme/store' },
  ]);
});
