import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { OriginConnection, OriginReport } from '../../../src/ports/origin.ts';
import source from '../../../src/sources/github/index.ts';
import { markOf, sealed } from '../../../src/sources/github/seal.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type GitHubDouble, startGitHub } from '../../doubles/github/index.ts';
import { hear } from './bodies.ts';
import { releases } from './octokit.ts';

const sha = 'a'.repeat(40);
const commit = `acme/shop/${sha}`;
let now = Date.UTC(2026, 10, 20);
let github: GitHubDouble;
beforeEach(async () => {
  now = Date.UTC(2026, 10, 20);
  github = await startGitHub(() => now);
  github.statuses.set(commit, []);
  github.checks.set(commit, []);
  github.deployments.set('acme/shop/9', []);
  const permissions = { statuses: 'write', checks: 'write', deployments: 'write' };
  github.app.installations.set('acme', { id: 77, permissions });
});
afterEach(() => github.close());

const byToken = (more: object = {}) => ({ secret: 's', apiToken: github.token, url: github.url, ...more });
const byApp = (more: object = {}) => {
  const app = { id: github.app.id, key: github.app.privateKey };
  return { secret: 's', app, url: github.url, report: ['status', 'check', 'deployment'], ...more };
};
const open = (options: object): OriginConnection => {
  const host = { clock: { ...systemClock, now: () => now }, log: silentLog, reach: () => fetch };
  const opened = source.origin?.(source.options.parse(options), host);
  if (opened == null) throw new Error('it is not written to');
  return opened;
};
const labels = { repository: 'acme/shop', sha };
const told = (state: OriginReport['state'], more: Partial<OriginReport> = {}): OriginReport => ({
  run: 'run_1',
  runbook: 'fix',
  state,
  text: `Fix it ${state}`,
  url: 'https://tocsin.example.com/runs/run_1',
  ...more,
});
const write = (to: OriginConnection, report: OriginReport, about: Record<string, string> = labels) =>
  to.report?.(sampleAlert({ labels: about }), report);
const writes = () => github.requests.filter(one => !one.startsWith('GET') && !one.includes('access_tokens'));

describe('a commit status', () => {
  test('says how the run stands, and is written once for each state', async () => {
    const origin = open(byToken({ report: ['status'] }));
    expect(await write(origin, told('running'))).toBe('Wrote to GitHub: running (status)');
    await write(origin, told('running'));
    await write(origin, told('failed'));
    await write(origin, told('failed'));
    expect(github.statuses.get(commit)).toEqual(
      ['failure', 'pending'].map((state, index) => ({
        state,
        context: 'tocsin/fix',
        description: `Fix it ${index === 0 ? 'failed' : 'running'}`,
        target_url: expect.stringMatching(/^https:\/\/tocsin\.example\.com\/runs\/run_1#tocsin-[0-9a-f]{64}$/),
      })),
    );
  });

  test('of another context or a later state of another run does not count as ours', async () => {
    const origin = open(byToken({ report: ['status'] }));
    await write(origin, told('succeeded'));
    github.statuses
      .get(commit)
      ?.unshift({ ...(github.statuses.get(commit)?.[0] as never as object), context: 'ci' } as never);
    await write(origin, told('succeeded'));
    await write(origin, told('failed', { run: 'run_2', url: 'https://tocsin.example.com/runs/run_2' }));
    await write(origin, told('succeeded'));
    expect(writes()).toHaveLength(3);
  });

  test('whose answer was lost is found, and one that is refused is refused for good', async () => {
    const origin = open(byToken({ report: ['status'] }));
    github.faults.push('none', 'lost');
    await expect(write(origin, told('running'))).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    await write(origin, told('running'));
    expect(github.statuses.get(commit)).toHaveLength(1);
    await expect(write(origin, told('running'), { ...labels, sha: 'c'.repeat(40) })).rejects.toSatisfy(error =>
      isCode(error, 'origin-refused'),
    );
  });

  test.each<[OriginReport['state'], string]>([
    ['running', 'pending'],
    ['succeeded', 'success'],
    ['failed', 'failure'],
    ['left', 'error'],
  ])('is for %s %s, whatever the text is', async (state, expected) => {
    await write(open(byToken({ report: ['status'] })), told(state, { text: `${'long '.repeat(100)}\u202e@all` }));
    expect(github.statuses.get(commit)?.map(one => one.state)).toEqual([expected]);
  });

  test('is not written where there is no commit, or the repository is not taken', async () => {
    const origin = open(byToken({ report: ['status'], repositories: ['other'] }));
    expect(await write(origin, told('running'))).toBeNull();
    expect(await write(open(byToken({ report: ['status'] })), told('running'), { repository: 'acme/shop' })).toBeNull();
    expect(github.requests).toEqual([]);
  });
});

describe('a check', () => {
  test('is one for a run, and changes with it', async () => {
    const origin = open(byApp({ report: ['check'] }));
    await write(origin, told('running'));
    await write(origin, told('running'));
    await write(origin, told('succeeded'));
    await write(origin, told('succeeded'));
    await write(origin, told('left', { run: 'run_2' }));
    expect(github.checks.get(commit)).toMatchObject([
      { name: 'tocsin/fix', status: 'completed', conclusion: 'cancelled' },
      {
        name: 'tocsin/fix',
        external_id: expect.stringMatching(/^tocsin run_1 [0-9a-f]{64}$/),
        status: 'completed',
        conclusion: 'success',
        output: { title: 'Fix it succeeded', summary: '~~~text\nFix it succeeded\n~~~' },
      },
    ]);
    expect(writes().map(one => one.split(' ')[0])).toEqual(['POST', 'PATCH', 'POST']);
  });

  test('whose answer was lost is found', async () => {
    const origin = open(byApp({ report: ['check'] }));
    github.faults.push('none', 'none', 'none', 'lost');
    await expect(write(origin, told('running'))).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    await write(origin, told('running'));
    expect(github.checks.get(commit)).toHaveLength(1);
  });
});

describe('the status of a deployment', () => {
  test('is written to the one that the alert is about, once, and ends no other deployment', async () => {
    const origin = open(byToken({ report: ['deployment'] }));
    expect(await write(origin, told('running'))).toBeNull();
    const about = { ...labels, deployment: '9' };
    await write(origin, told('running'), about);
    await write(origin, told('succeeded'), about);
    await write(origin, told('succeeded'), about);
    expect(github.deployments.get('acme/shop/9')?.map(({ state }) => state)).toEqual(['success', 'in_progress']);
    expect(await write(origin, told('running'), { ...labels, deployment: '../9' })).toBeNull();
    // A late resolve may amend what had been amended.
    await write(origin, told('failed'), about);
    await write(origin, told('succeeded'), about);
    await write(origin, told('succeeded'), about);
    expect(github.deployments.get('acme/shop/9')?.map(({ state }) => state)).toEqual([
      'success',
      'failure',
      'success',
      'in_progress',
    ]);
  });
});

describe('an app', () => {
  const tokensAsked = () => github.requests.filter(one => one.endsWith('/access_tokens')).length;

  test('gets a token for one repository with the permissions that are needed, and keeps it until it ends', async () => {
    const origin = open(byApp({ report: ['status'] }));
    await write(origin, told('running'));
    await write(origin, told('succeeded'));
    expect([...github.app.tokens.values()]).toEqual([
      { until: expect.any(Number), permissions: { statuses: 'write' }, repositories: ['shop'] },
    ]);
    now += 56 * 60_000;
    await write(origin, told('failed'));
    expect(tokensAsked()).toBe(2);
    expect(github.statuses.get(commit)).toHaveLength(3);
  });

  test('asks for another token once GitHub refused this one', async () => {
    const origin = open(byApp({ report: ['status'] }));
    await write(origin, told('running'));
    github.app.tokens.clear();
    await expect(write(origin, told('failed'))).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    await write(origin, told('failed'));
    expect(tokensAsked()).toBe(2);
  });

  test('that is not installed, has fewer permissions or another key is told so', async () => {
    github.app.installations.set('acme', { id: 77, permissions: { statuses: 'write' } });
    await expect(write(open(byApp()), told('running'))).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('permissions requested are not granted'),
    });
    github.app.installations.clear();
    await expect(write(open(byApp()), told('running'))).rejects.toSatisfy(error => isCode(error, 'origin-refused'));
    github.app.publicKey = (await import('../../doubles/github/app.ts')).createApp().publicKey;
    await expect(write(open(byApp()), told('running'))).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('The app is not known by this id and key'),
    });
  });

  test.each([
    ['no key', 'nothing'],
    ['a public key', null],
    ['line breaks as words', 'escaped'],
  ])('has a private key: %s', (_what, key) => {
    const { privateKey, publicKey, id } = github.app;
    const given = key === 'escaped' ? privateKey.replaceAll('\n', '\\n') : (key ?? publicKey);
    const parsed = source.options.safeParse(byApp({ app: { id, key: given } }));
    expect(parsed.success).toBe(key === 'escaped');
    expect(JSON.stringify(parsed.error?.issues ?? '')).not.toContain('BEGIN');
  });

  test('is needed for checks, and something is for each', () => {
    for (const [options, because] of [
      [byToken({ report: ['check'] }), 'only an app may write'],
      [{ secret: 's', report: ['status'] }, 'needs apiToken or app'],
      [byToken({ secret: undefined, report: ['status'] }), 'needs secret'],
    ] as const)
      expect(
        source.options
          .safeParse(options)
          .error?.issues.map(one => one.message)
          .join(),
      ).toContain(because);
  });
});

describe('what Tocsin wrote is no news when it comes back', () => {
  const options = () => byApp();
  const came = (event: string, body: object, more: object = options()) => hear(event, body, { ...more, secret: 's' });

  test('a status, and not a copy of it for another state', async () => {
    await write(open(byToken({ report: ['status'] })), told('succeeded'));
    const [status] = github.statuses.get(commit) ?? [];
    const body = { id: 1, sha, name: 'acme/shop', commit: {}, branches: [], ...status };
    expect(came('status', body)).toMatchObject({ events: [], echo: 'status' });
    expect(came('status', body, { secret: ['new', 's'] })).toMatchObject({ events: [], echo: 'status' });
    for (const other of [{ state: 'failure' }, { sha: 'c'.repeat(40) }, { context: 'ci' }, { target_url: null }])
      expect(came('status', { ...body, ...other }).events, JSON.stringify(other)).toHaveLength(1);
  });

  test('a check and the suite of our app, and not a wish for another try', async () => {
    await write(open(byApp({ report: ['check'] })), told('failed'));
    const [check] = github.checks.get(commit) ?? [];
    const check_run = { ...check, head_sha: sha, app: { id: Number(github.app.id) } };
    expect(came('check_run', { action: 'completed', check_run })).toMatchObject({ events: [], echo: 'check' });
    expect(came('check_run', { action: 'rerequested', check_run }).events).toHaveLength(1);
    const forged = { ...check_run, external_id: `tocsin run_1 ${'0'.repeat(64)}` };
    expect(came('check_run', { action: 'completed', check_run: forged }).events).toHaveLength(1);
    const suite = (id: number) => ({
      action: 'completed',
      check_suite: { id: 1, head_branch: 'main', conclusion: 'failure', app: { id } },
    });
    expect(came('check_suite', suite(Number(github.app.id)))).toMatchObject({ events: [], echo: 'check' });
    expect(came('check_suite', suite(5)).events).toMatchObject([{ kind: 'alert', state: 'firing' }]);
  });

  test('a status of a deployment, which ends no alert; one by the deployment itself does', async () => {
    await write(open(byToken({ report: ['deployment'] })), told('succeeded'), { ...labels, deployment: '9' });
    const [made] = github.deployments.get('acme/shop/9') ?? [];
    const body = (more: object = {}) => ({
      action: 'created',
      deployment: { id: 9, sha, ref: 'main', task: 'deploy', created_at: '2026-11-20T10:00:00Z' },
      deployment_status: { id: 1, environment: 'production', created_at: '2026-11-20T10:01:00Z', ...made, ...more },
    });
    expect(came('deployment_status', body())).toMatchObject({ events: [], echo: 'deployment' });
    expect(came('deployment_status', body({ log_url: '', target_url: '' })).events).toMatchObject([
      { kind: 'alert', state: 'resolved' },
      { kind: 'change' },
    ]);
    expect(came('deployment_status', body({ state: 'failure' })).events).toMatchObject([
      { kind: 'alert', state: 'firing' },
      { kind: 'change' },
    ]);
  });
});

describe('payloads of GitHub itself', () => {
  const options = source.options.parse({ secret: 's' });
  const repository = 'Codertocat/Hello-World';
  const link = (parts: string[]) => sealed('https://tocsin.example.com/runs/run_1', markOf(options, parts));

  test.each(releases)('%s: what bears the mark is ours in each, and what bears none is not', (_release, named) => {
    const body = (name: string) => structuredClone(named(name));
    const status = body('status');
    const own = ['status', repository, String(status['sha']), String(status['context']), String(status['state'])];
    expect(hear('status', status, { secret: 's' }).echo).toBeUndefined();
    expect(hear('status', { ...status, target_url: link(own) }, { secret: 's' }).echo).toBe('status');

    const told = body('deployment_status') as Record<'deployment' | 'deployment_status', Record<string, unknown>>;
    const deployed = ['deployment', repository, String(told.deployment['id']), String(told.deployment_status['state'])];
    expect(hear('deployment_status', told, { secret: 's' }).echo).toBeUndefined();
    told.deployment_status['target_url'] = link(deployed);
    expect(hear('deployment_status', told, { secret: 's' }).echo).toBe('deployment');

    const checked = body('check_run') as Record<'check_run', Record<string, unknown>>;
    expect(hear('check_run', checked, { secret: 's' }).echo).toBeUndefined();
    const mark = markOf(options, ['check', repository, String(checked.check_run['head_sha']), 'run_1']);
    checked.check_run['external_id'] = `tocsin run_1 ${mark}`;
    expect(hear('check_run', checked, { secret: 's' }).echo).toBe('check');
  });
});
