import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, isMap, linkOf, plainText, startOf, toldTime } from '../../model/incoming.ts';
import type { ChangeFacts } from '../../model/incoming-change.ts';
import { changeBy, commitOf } from './changes.ts';
import { branchOf, flag, type Hook, id, noticeOf, text } from './hook.ts';

const hookOf = z
  .object({ type: text, events: z.array(z.string()).max(1000).nullish().catch(null) })
  .nullish()
  .catch(null);

/** `ping`: what GitHub sends when a webhook is made. Null for what does not fit. */
export function readPing(hook: Hook): IncomingEvent[] | null {
  const parsed = z.object({ zen: z.string(), hook_id: id, hook: hookOf }).safeParse(hook.body);
  if (!parsed.success) return null;
  const { hook: made, hook_id } = parsed.data;
  const place = hook.repository?.name ?? hook.organization ?? (made?.type === 'App' ? 'an app' : 'GitHub');
  const labels = { hook: hook_id, hook_type: made?.type, events: made?.events?.join(', ') };
  return [noticeOf(hook, `GitHub is connected: a webhook of ${place} arrives here`, { labels })];
}

const push = z.object({
  ref: z.string().min(1),
  before: text,
  after: text,
  created: flag,
  deleted: flag,
  forced: flag,
  compare: text,
  // Bodies of other events have a ref too, but no commits.
  commits: z.array(z.unknown()),
  pusher: z.object({ name: text }).nullish().catch(null),
  head_commit: z.object({ id: text, message: text }).nullish().catch(null),
  repository: z.object({ pushed_at: z.union([z.int(), z.string()]).nullish().catch(null) }).catch({}),
});

/** `push`: who moved which branch or tag, and whether history was rewritten. Null for what does not fit. */
export function readPush(hook: Hook): IncomingEvent[] | null {
  const parsed = push.safeParse(hook.body);
  const about = hook.repository;
  if (!parsed.success || about === null) return null;
  const { ref, before, after, created, deleted, forced, commits, pusher, head_commit, ...rest } = parsed.data;
  const branch = branchOf(ref);
  const tag = ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : null;
  const what = branch ?? (tag === null ? ref : `the tag ${tag}`);
  const who = hook.actor ?? pusher?.name ?? 'Somebody';
  const verb = deleted ? 'deleted' : created ? 'created' : forced ? 'force-pushed' : 'pushed to';
  const count = commits.length;
  const [message = ''] = (head_commit?.message ?? '').split('\n');
  const said = [count === 0 ? '' : `${count} commit${count === 1 ? '' : 's'}`, message].filter(Boolean).join(', ');
  const notice = noticeOf(hook, `${who} ${verb} ${what} of ${about.name}${said === '' ? '' : `: ${said}`}`, {
    labels: { ref, branch, tag, sha: after, before, created, deleted, forced, commits: count, pusher: pusher?.name },
    links: linkOf('Compare', rest.compare),
    at: pushedAt(rest.repository.pushed_at, hook.at),
  });
  const type = branch !== null ? 'branch' : tag !== null ? 'tag' : 'ref';
  const change = changeBy(hook, notice, {
    ...(hook.actor === null ? { actor: { name: pusher?.name } } : {}),
    resource: { type, id: `${about.name}:${ref}`, name: branch ?? tag ?? ref },
    before: commitOf(before),
    after: commitOf(after),
  });
  return [notice, change];
}

/** Seconds since the epoch in a push, a text elsewhere. */
function pushedAt(told: string | number | null | undefined, now: number): number | null {
  if (typeof told !== 'number') return toldTime(told, now);
  const at = told * 1000;
  return told > 0 && startOf(at, now) === at ? at : null;
}

const rule = z.object({ id, name: text, updated_at: text });

/** `branch_protection_rule`: who protected or unprotected which branches, and what changed. Null for what does not fit. */
export function readBranchProtection(hook: Hook): IncomingEvent[] | null {
  const parsed = rule.safeParse(hook.body['rule']);
  const about = hook.repository;
  if (!parsed.success || about === null || hook.action === null) return null;
  const changes = changesOf(hook.body['changes'], hook.body['rule']);
  const title = `${hook.actor ?? 'Somebody'} ${hook.action} the branch protection rule ${parsed.data.name ?? ''} of ${about.name}`;
  const { id: number, name, updated_at } = parsed.data;
  const notice = noticeOf(hook, withChanges(title, changes), {
    labels: { rule: name, rule_id: number, changed: namesOf(changes) },
    links: about.url === null ? [] : linkOf('Rules', `${about.url}/settings/branches`),
    at: hook.action === 'deleted' ? null : toldTime(updated_at, hook.at),
  });
  const resource = { type: hook.name, id: `${about.name}:${number ?? name ?? ''}`, name };
  return [notice, changeBy(hook, notice, { resource, ...statesOf(changes) })];
}

/** `member`: who gave or took whose access to a repository. Null for what does not fit. */
export function readMember(hook: Hook): IncomingEvent[] | null {
  const parsed = z.object({ login: z.string().min(1), html_url: text }).safeParse(hook.body['member']);
  const about = hook.repository;
  if (!parsed.success || about === null || hook.action === null) return null;
  const changes = changesOf(hook.body['changes'], null);
  const title = `${hook.actor ?? 'Somebody'} ${hook.action} ${parsed.data.login} as a collaborator of ${about.name}`;
  const { login, html_url } = parsed.data;
  const notice = noticeOf(hook, withChanges(title, changes), {
    labels: { member: login, changed: namesOf(changes) },
    links: linkOf('Member', html_url),
  });
  const resource = { type: 'member', id: `${about.name}:${login}`, name: login };
  return [notice, changeBy(hook, notice, { resource, ...statesOf(changes) })];
}

/** Any other event, and one whose body does not fit its name: what it is about, as far as it says it in the usual places. */
export function readAny(hook: Hook, isKnown: boolean): IncomingEvent {
  const thing = thingOf(hook.body);
  const place = hook.repository?.name ?? hook.organization;
  const said = [hook.type, place === null ? '' : `in ${place}`, hook.actor === null ? '' : `by ${hook.actor}`];
  const title = `${said.filter(Boolean).join(' ')}${thing.title === '' ? '' : `: ${thing.title}`}`;
  const note = isKnown ? { tocsin_note: 'its body or action is none that is known of this event' } : {};
  return noticeOf(hook, title, { labels: { number: thing.number, ...note }, links: linkOf('GitHub', thing.url) });
}

const things = ['pull_request', 'issue', 'discussion', 'release', 'check_run', 'workflow_job', 'milestone', 'package'];
const thing = z.object({ number: id, title: text, name: text, tag_name: text, html_url: text });

function thingOf(body: Hook['body']): { title: string; number: string | null; url: string | null } {
  for (const name of things) {
    const found = thing.safeParse(body[name]).data;
    const title = found?.title || found?.name || found?.tag_name;
    if (found !== undefined && title)
      return { title: boundText(title, 300), number: found.number ?? null, url: found.html_url ?? null };
  }
  return { title: '', number: null, url: null };
}

interface Change {
  name: string;
  from: string;
  to: string | null;
}

/** The most changes that are named. */
const mostNamed = 20;

/** `changes` has `from` for what was, `to` for what is; where that is missing, `now` has it. */
function changesOf(changes: unknown, now: unknown): Change[] {
  if (!isMap(changes)) return [];
  return Object.entries(changes).map(([name, change]) => {
    const { from, to } = isMap(change) ? change : {};
    const is = to ?? (isMap(now) ? now[name] : undefined);
    return { name: boundText(name, 100), from: shown(from), to: is === undefined ? null : shown(is) };
  });
}

const nothing = 'nothing';

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'nobody' : value.slice(0, mostNamed).map(shown).join(' ');
  return boundText(plainText(value) ?? nothing, 100);
}

function withChanges(title: string, changes: readonly Change[]): string {
  if (changes.length === 0) return title;
  const told = changes.slice(0, mostNamed).map(({ name, from, to }) => {
    return `${name} ${to ?? 'changed'}${from === nothing ? '' : ` (was ${from})`}`;
  });
  const rest = changes.length - told.length;
  return `${title}: ${told.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** What was and what is, as far as it is told. */
function statesOf(changes: readonly Change[]): Pick<ChangeFacts, 'before' | 'after'> {
  const facts = (pick: (one: Change) => string | null) =>
    Object.fromEntries(changes.map(one => [one.name, pick(one)] as const));
  return {
    before: { facts: facts(({ from }) => (from === nothing ? null : from)) },
    after: { facts: facts(({ to }) => (to === nothing ? null : to)) },
  };
}

function namesOf(changes: readonly Change[]): string {
  return changes.map(({ name }) => name).join(' ');
}
