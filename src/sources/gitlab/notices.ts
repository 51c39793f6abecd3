import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, isMap, linkOf } from '../../model/incoming.ts';
import { changeBy, commitOf } from './changes.ts';
import { type Hook, noticeOf, readTime, text } from './hook.ts';

const push = z.object({
  ref: z.string().min(1),
  before: text,
  after: text,
  user_username: text,
  user_name: text,
  total_commits_count: z.int().nonnegative().catch(0),
  commits: z
    .array(z.object({ title: text, message: text, url: text, timestamp: text }).nullable().catch(null))
    .catch([]),
});

const nothing = /^0+$/;

/** `push` and `tag_push`: who moved which branch or tag. Nothing tells whether history was rewritten. Null for what does not fit. */
export function readPush(hook: Hook): IncomingEvent[] | null {
  const parsed = push.safeParse(hook.body);
  const { project } = hook;
  if (!parsed.success || project === null) return null;
  const { ref, before, after, total_commits_count: count, commits, ...by } = parsed.data;
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  const isTag = ref.startsWith('refs/tags/');
  const deleted = nothing.test(after ?? '');
  const created = nothing.test(before ?? '') && !deleted;
  const verb = deleted ? 'deleted' : created ? 'created' : isTag ? 'moved' : 'pushed to';
  const last = commits.at(-1) ?? null;
  const said = [count === 0 ? '' : `${count} commit${count === 1 ? '' : 's'}`, last?.title ?? ''].filter(Boolean);
  const who = hook.actor ?? by.user_name ?? 'Somebody';
  const title = `${who} ${verb} ${isTag ? `the tag ${name}` : name} of ${project.path}`;
  const notice = noticeOf(hook, [title, said.join(', ')].filter(Boolean).join(': '), {
    labels: {
      ref,
      ...(isTag ? { tag: name } : { branch: name }),
      sha: deleted ? null : after,
      before,
      created,
      deleted,
      commits: count,
    },
    links: linkOf('Commit', last?.url),
  });
  const change = changeBy(hook, notice, {
    ...(hook.who === null ? { actor: { name: by.user_name } } : {}),
    resource: { type: isTag ? 'tag' : 'branch', id: `${project.path}:${ref}`, name },
    before: commitOf(before),
    after: commitOf(after),
  });
  return [notice, change];
}

const member = z.object({
  user_username: z.string().min(1),
  access_level: text,
  group_access: text,
  expires_at: text,
  updated_at: z.unknown().optional(),
});

/** Source: docs.gitlab.com, group member events, and system hooks. The documented bodies do not say who did it. */
const memberships: Readonly<Record<string, string>> = {
  user_add_to_group: 'is now a member',
  user_update_for_group: 'is a member with other rights',
  user_remove_from_group: 'is no member any more',
  user_access_request_to_group: 'asks for access',
  user_access_request_denied_for_group: 'was denied access',
  user_access_request_revoked_for_group: 'asks for access no more',
  user_add_to_team: 'is now a member',
  user_update_for_team: 'is a member with other rights',
  user_remove_from_team: 'is no member any more',
  user_access_request_to_project: 'asks for access',
  user_access_request_denied_for_project: 'was denied access',
  user_access_request_revoked_for_project: 'asks for access no more',
};

/** True for an event that tells who has access. */
export function isMembership({ name }: Hook): boolean {
  return Object.hasOwn(memberships, name);
}

/** Whose access to a project or group was given, changed or taken. Null for what does not fit. */
export function readMember(hook: Hook): IncomingEvent[] | null {
  const parsed = member.safeParse(hook.body);
  if (!parsed.success || hook.place === null) return null;
  const { user_username, access_level, group_access, expires_at, updated_at } = parsed.data;
  const access = access_level ?? group_access;
  const what = `${memberships[hook.name]} of ${hook.place}`;
  const title = `${user_username} ${what}${access === null ? '' : ` (${access})`}${expires_at === null ? '' : `, until ${expires_at}`}`;
  const labels = { member: user_username, access, expires_at };
  const notice = noticeOf(hook, title, { labels, at: readTime(updated_at, hook.at) });
  // Who only asks for access has none.
  if (hook.name.includes('_access_request_')) return [notice];
  const resource = { type: 'member', id: `${hook.place}:${user_username}`, name: user_username };
  const isGone = hook.name.startsWith('user_remove_');
  return [
    notice,
    changeBy(hook, notice, { resource, [isGone ? 'before' : 'after']: { facts: { access, expires_at } } }),
  ];
}

/** `access_token`: a token of a project or group expires soon. Null for what does not fit. */
export function readAccessToken(hook: Hook): IncomingEvent[] | null {
  const parsed = z.object({ id: text, name: z.string().min(1), expires_at: text }).safeParse(hook.told);
  if (!parsed.success || hook.place === null || hook.body['event_name'] !== 'expiring_access_token') return null;
  const { id, name, expires_at } = parsed.data;
  const title = `The access token ${name} of ${hook.place} expires${expires_at === null ? ' soon' : ` on ${expires_at}`}`;
  return [noticeOf(hook, title, { labels: { token: name, token_id: id, expires_at } })];
}

/** `feature_flag`: somebody turned one on or off. Null for what does not fit. */
export function readFeatureFlag(hook: Hook): IncomingEvent[] | null {
  const parsed = z.object({ id: text, name: z.string().min(1), active: z.boolean() }).safeParse(hook.told);
  const { project } = hook;
  if (!parsed.success || project === null) return null;
  const { id, name, active } = parsed.data;
  const title = `${hook.actor ?? 'Somebody'} turned the feature flag ${name} of ${project.path} ${active ? 'on' : 'off'}`;
  const notice = noticeOf(hook, title, { labels: { flag: name, flag_id: id, active } });
  const resource = { type: 'feature_flag', id: `${project.path}:${name}`, name };
  return [notice, changeBy(hook, notice, { resource, after: { facts: { active: String(active) } } })];
}

const thing = z.object({
  iid: text,
  id: text,
  title: text,
  name: text,
  tag: text,
  url: text,
  awarded_on_url: text,
  updated_at: z.unknown().optional(),
  confidential: z.boolean().catch(false),
});

/** Any other event, and one whose body does not fit its name: what it is about, as far as it says it in the usual places. */
export function readAny(hook: Hook, isKnown: boolean): IncomingEvent {
  const own = thing.safeParse({ ...hook.body, ...hook.told }).data;
  const of = ['issue', 'merge_request', 'snippet'].map(name => hook.body[name]).find(isMap);
  const commented = of === undefined ? undefined : thing.safeParse(of).data;
  const isHidden = hook.isConfidential || commented?.confidential === true;
  const title = own?.title ?? own?.name ?? own?.tag ?? null;
  const said = [title, commented?.title ?? null].filter(Boolean).join(', on ');
  const words = [
    hook.type,
    hook.place === null ? '' : `in ${hook.place}`,
    hook.actor === null ? '' : `by ${hook.actor}`,
  ];
  const about = said === '' ? '' : `: ${isHidden ? '(confidential)' : boundText(said, 300)}`;
  return noticeOf(hook, words.filter(Boolean).join(' ') + about, {
    labels: {
      number: own?.iid ?? commented?.iid,
      confidential: isHidden ? true : null,
      ...(isKnown ? { tocsin_note: 'its body or status is none that is known of this event' } : {}),
    },
    links: linkOf('GitLab', own?.url ?? own?.awarded_on_url),
    at: readTime(own?.updated_at, hook.at),
  });
}
