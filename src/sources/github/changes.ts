import type { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { plainText } from '../../model/incoming.ts';
import { type ChangeFacts, changeBeside } from '../../model/incoming-change.ts';
import type { account, Hook } from './hook.ts';

type Told = Pick<ChangeFacts, 'resource'> &
  Partial<
    Pick<ChangeFacts, 'title' | 'action' | 'actor' | 'before' | 'after' | 'environment' | 'outcome' | 'changeId'>
  >;

/** The change that an event of this delivery tells people of. A webhook tells what was done, so its outcome is success unless it says more. */
export function changeBy(hook: Hook, event: IncomingEvent, told: Told): IncomingEvent {
  return changeBeside(event, {
    action: hook.type,
    actor: actorOf(hook.sender),
    account: hook.organization ?? hook.repository?.name.split('/')[0],
    outcome: 'success',
    ...told,
  });
}

export function actorOf(told: z.infer<typeof account>): ChangeFacts['actor'] {
  return told?.login ? { name: told.login, id: told.id, type: told.type } : null;
}

/** A digest of git, or nothing for the zeros that stand for no commit. */
export function commitOf(sha: string | null | undefined): ChangeFacts['after'] {
  return sha && !/^0+$/.test(sha) ? { digest: sha } : null;
}

type Read = (body: Hook['body']) => readonly unknown[];

/**
 * Events without a reader of their own that tell of a change of who may do what, or of what guards it, with what names the thing within its
 * repository or organisation. `create` and `delete` are left out, because a push tells the same. Source: docs.github.com, webhook events and
 * payloads.
 */
const settings: Readonly<Record<string, Read>> = {
  branch_protection_configuration: () => [],
  deploy_key: body => [member(body, 'key', 'id')],
  installation: body => [member(body, 'installation', 'id')],
  installation_repositories: body => [member(body, 'installation', 'id')],
  membership: body => [member(body, 'team', 'slug'), member(body, 'member', 'login')],
  meta: body => [body['hook_id']],
  organization: body => [member(member(body, 'membership'), 'user', 'login')],
  public: () => [],
  repository: () => [],
  repository_ruleset: body => [member(body, 'repository_ruleset', 'id')],
  team: body => [member(body, 'team', 'slug')],
  team_add: body => [member(body, 'team', 'slug')],
};

function member(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** What was told of a setting, as a change beside it; nothing for any other event. */
export function settingChange(hook: Hook, event: IncomingEvent): IncomingEvent[] {
  const read = Object.hasOwn(settings, hook.name) ? settings[hook.name] : undefined;
  const place = hook.repository?.name ?? hook.organization;
  // Invitations change nothing yet.
  if (read === undefined || /invited$/.test(hook.action ?? '')) return [];
  const names = read(hook.body).flatMap(one => plainText(one) || []);
  const id = [place ?? '', ...names].filter(Boolean).join(':');
  if (id === '') return [];
  return [changeBy(hook, event, { resource: { type: hook.name, id, name: names.at(-1) ?? place } })];
}
