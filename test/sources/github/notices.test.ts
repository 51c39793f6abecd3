import { describe, expect, test } from 'vitest';
import { eventsOf } from './bodies.ts';

const [first, second] = ['1'.repeat(40), '2'.repeat(40)];
const push = (more: object) =>
  eventsOf('push', { ref: 'refs/heads/main', before: first, after: second, commits: [], ...more });

describe('a push', () => {
  test.each([
    [
      { commits: [{}, {}], head_commit: { message: 'Fix it\n\nlong' } },
      'dana pushed to main of acme/shop: 2 commits, Fix it',
    ],
    [{ forced: true }, 'dana force-pushed main of acme/shop'],
    [{ created: true, ref: 'refs/tags/v1' }, 'dana created the tag v1 of acme/shop'],
    [{ deleted: true, forced: true, head_commit: null }, 'dana deleted main of acme/shop'],
    [{ ref: 'refs/notes/x' }, 'dana pushed to refs/notes/x of acme/shop'],
  ])('%j', (more, title) => {
    expect(push(more)).toMatchObject([{ kind: 'notice', type: 'push', title }]);
  });

  test('says from where to where, by whom and when', () => {
    const repository = { id: 7, full_name: 'acme/shop', pushed_at: 1_795_600_000 };
    const [event] = push({
      forced: true,
      created: false,
      deleted: false,
      compare: 'https://github.com/acme/shop/compare/1...2',
      repository,
    });
    expect(event).toMatchObject({
      labels: {
        actor: 'dana',
        repository: 'acme/shop',
        branch: 'main',
        before: first,
        sha: second,
        forced: 'true',
        created: 'false',
        deleted: 'false',
      },
      links: [{ label: 'Compare' }],
      occurredAt: 1_795_600_000_000,
    });
  });
});

test('who changed which protection of a branch', () => {
  const rule = {
    id: 3,
    name: 'main',
    updated_at: '2026-11-20T10:00:00.000-04:00',
    admin_enforced: false,
    authorized_actor_names: ['dana'],
  };
  const changes = { admin_enforced: { from: true }, authorized_actor_names: { from: [] } };
  expect(eventsOf('branch_protection_rule', { action: 'edited', rule, changes })).toMatchObject([
    {
      kind: 'notice',
      type: 'branch_protection_rule.edited',
      title:
        'dana edited the branch protection rule main of acme/shop: admin_enforced false (was true), authorized_actor_names dana (was nobody)',
      labels: { rule: 'main', changed: 'admin_enforced authorized_actor_names', actor: 'dana' },
      occurredAt: Date.UTC(2026, 10, 20, 14),
    },
  ]);
  expect(eventsOf('branch_protection_rule', { action: 'deleted', rule })).toMatchObject([
    { title: 'dana deleted the branch protection rule main of acme/shop' },
  ]);
});

test('who may write, by whom', () => {
  const member = { login: 'eve', html_url: 'https://github.com/eve' };
  expect(eventsOf('member', { action: 'added', member, changes: { permission: { to: 'admin' } } })).toMatchObject([
    {
      type: 'member.added',
      title: 'dana added eve as a collaborator of acme/shop: permission admin',
      labels: { member: 'eve' },
    },
  ]);
  expect(
    eventsOf('member', { action: 'edited', member, changes: { old_permission: { from: 'write' } } }),
  ).toMatchObject([{ title: 'dana edited eve as a collaborator of acme/shop: old_permission changed (was write)' }]);
});

describe('a webhook that is new', () => {
  const hook = { type: 'Organization', events: ['push', 'member'] };
  test.each([
    [{}, 'acme/shop'],
    [{ repository: undefined }, 'acme'],
    [{ repository: undefined, organization: undefined }, 'GitHub'],
    [{ repository: undefined, organization: undefined, hook: { type: 'App' } }, 'an app'],
  ])('%j is of %s', (more, place) => {
    expect(eventsOf('ping', { zen: 'z', hook_id: 5, hook, ...more })).toMatchObject([
      { type: 'ping', title: `GitHub is connected: a webhook of ${place} arrives here`, labels: { hook: '5' } },
    ]);
  });
});

test('an event that nobody knows is kept with what it is about', () => {
  const issue = { number: 8, title: 'It is slow', html_url: 'https://github.com/acme/shop/issues/8' };
  expect(eventsOf('issues', { action: 'opened', issue })).toMatchObject([
    {
      kind: 'notice',
      type: 'issues.opened',
      title: 'issues.opened in acme/shop by dana: It is slow',
      labels: { event: 'issues', action: 'opened', number: '8' },
      links: [{ label: 'GitHub', url: issue.html_url }, { label: 'Repository' }],
    },
  ]);
  expect(eventsOf('brand_new', {})).toMatchObject([{ type: 'brand_new', title: 'brand_new in acme/shop by dana' }]);
});

test('many or long changes are cut', () => {
  const changes = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`c${index}`, { from: 'x'.repeat(3000) }]),
  );
  const [event] = eventsOf('branch_protection_rule', { action: 'edited', rule: { id: 1, name: 'main' }, changes });
  expect(event?.title.length).toBeLessThanOrEqual(500);
  expect(event?.labels['changed']?.split(' ')).toHaveLength(60);
});
