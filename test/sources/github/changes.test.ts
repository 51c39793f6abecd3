import { describe, expect, test } from 'vitest';
import { changesOf, deploy, hear, run } from './bodies.ts';

const [first, second, none] = ['1'.repeat(40), '2'.repeat(40), '0'.repeat(40)];
const digest = (sha: string) => ({ as: 'digest', digest: sha });
const sender = { login: 'dana', id: 5, type: 'User' };

describe('a push', () => {
  const push = (more: object) =>
    changesOf('push', { ref: 'refs/heads/main', before: first, after: second, commits: [], ...more })[0];

  test('says who moved what from where to where', () => {
    expect(push({ sender })).toMatchObject({
      title: 'dana pushed to main of acme/shop',
      labels: { branch: 'main', repository: 'acme/shop' },
      actor: { name: 'dana', id: '5', type: 'User' },
      action: 'push',
      resource: { type: 'branch', id: 'acme/shop:refs/heads/main', name: 'main' },
      before: digest(first),
      after: digest(second),
      account: 'acme',
      outcome: { state: 'success' },
    });
    expect(push({ sender: undefined, pusher: { name: 'dana' } })).toMatchObject({ actor: { name: 'dana' } });
    expect(push({ sender: undefined })).not.toHaveProperty('actor');
    expect(push({ organization: undefined })).toMatchObject({ account: 'acme' });
  });

  test('that makes or deletes a ref has nothing before or after it', () => {
    const created = push({ before: none, created: true, ref: 'refs/tags/v1' });
    expect(created).toMatchObject({ resource: { type: 'tag', name: 'v1' }, after: digest(second) });
    expect(created).not.toHaveProperty('before');
    expect(push({ after: none, deleted: true })).not.toHaveProperty('after');
    expect(push({ ref: 'refs/notes/x' })).toMatchObject({ resource: { type: 'ref', id: 'acme/shop:refs/notes/x' } });
  });
});

describe('a deployment', () => {
  test('that ended is a change beside its alert, with one id for all of its news', () => {
    const of = (state: string, more: object = {}) => hear('deployment_status', deploy('10:00', '10:05', state, more));
    const creator = { login: 'erin', id: 9, type: 'User' };
    expect(of('failure', { creator, task: 'deploy:migrations' }).events).toMatchObject([
      { kind: 'alert', state: 'firing' },
      {
        kind: 'change',
        title: 'erin deployed main at bbbbbbb of acme/shop to production, which failed',
        actor: { name: 'erin', id: '9', type: 'User' },
        action: 'deploy:migrations',
        resource: { type: 'environment', id: 'acme/shop:production' },
        environment: 'production',
        after: digest('b'.repeat(40)),
        outcome: { state: 'failure' },
        changeId: 'deployment/9',
      },
    ]);
    expect(of('success').events).toMatchObject([
      { kind: 'alert', state: 'resolved' },
      { kind: 'change', action: 'deploy', outcome: { state: 'success' }, changeId: 'deployment/9' },
    ]);
  });

  test('that is asked for, waits, runs or was superseded is none', () => {
    for (const state of ['pending', 'queued', 'waiting', 'in_progress', 'inactive'])
      expect(changesOf('deployment_status', deploy('10:00', '10:05', state), { tellAll: true })).toEqual([]);
    const { deployment } = deploy('10:00', '10:05', 'success') as { deployment: object };
    expect(changesOf('deployment', { action: 'created', deployment })).toEqual([]);
  });
});

describe('settings', () => {
  test('a rule of branches, with what was and what is', () => {
    const rule = { id: 3, name: 'main', admin_enforced: false, authorized_actor_names: ['dana'] };
    const changes = { admin_enforced: { from: true }, authorized_actor_names: { from: [] } };
    expect(changesOf('branch_protection_rule', { action: 'edited', rule, changes })).toMatchObject([
      {
        action: 'branch_protection_rule.edited',
        resource: { type: 'branch_protection_rule', id: 'acme/shop:3', name: 'main' },
        before: { as: 'facts', facts: { admin_enforced: 'true', authorized_actor_names: 'nobody' } },
        after: { as: 'facts', facts: { admin_enforced: 'false', authorized_actor_names: 'dana' } },
      },
    ]);
    const [deleted] = changesOf('branch_protection_rule', { action: 'deleted', rule });
    expect(deleted).not.toHaveProperty('before');
    expect(deleted).not.toHaveProperty('after');
  });

  test('a collaborator', () => {
    const member = { login: 'eve' };
    const added = { action: 'added', member, changes: { permission: { to: 'admin' } } };
    expect(changesOf('member', added)).toMatchObject([
      {
        action: 'member.added',
        resource: { type: 'member', id: 'acme/shop:eve', name: 'eve' },
        after: { as: 'facts', facts: { permission: 'admin' } },
      },
    ]);
  });

  test.each([
    ['deploy_key', { action: 'created', key: { id: 8, title: 'ci' } }, 'acme/shop:8'],
    [
      'membership',
      { action: 'added', repository: undefined, team: { slug: 'ops' }, member: { login: 'eve' } },
      'acme:ops:eve',
    ],
    [
      'organization',
      { action: 'member_added', repository: undefined, membership: { user: { login: 'eve' } } },
      'acme:eve',
    ],
    ['public', {}, 'acme/shop'],
    ['repository', { action: 'archived' }, 'acme/shop'],
    ['repository_ruleset', { action: 'edited', repository_ruleset: { id: 4 } }, 'acme/shop:4'],
    ['team', { action: 'deleted', repository: undefined, team: { slug: 'ops' } }, 'acme:ops'],
  ])('%s is one, beside its notice', (name, body, id) => {
    const { events } = hear(name, body);
    expect(events).toMatchObject([{ kind: 'notice' }, { kind: 'change', resource: { type: name, id } }]);
    expect(events[0]?.title).toBe(events[1]?.title);
  });

  test('what changes nothing is none', () => {
    const invited = { action: 'member_invited', repository: undefined, user: { login: 'eve' } };
    expect(changesOf('organization', invited)).toEqual([]);
    for (const name of ['create', 'delete', 'issues', 'release', 'watch', 'toString', 'ping', 'workflow_dispatch'])
      expect(changesOf(name, { action: 'created' })).toEqual([]);
    expect(changesOf('workflow_run', run('10:00', '10:05', 'failure'))).toEqual([]);
    expect(changesOf('team', { repository: undefined, organization: undefined, team: 'x' })).toEqual([]);
  });
});
