import type { IncomingEvent } from '../../model/event.ts';
import { type ChangeFacts, changeBeside } from '../../model/incoming-change.ts';
import type { Hook } from './hook.ts';

type Told = Pick<ChangeFacts, 'resource'> &
  Partial<
    Pick<ChangeFacts, 'title' | 'action' | 'actor' | 'before' | 'after' | 'environment' | 'outcome' | 'changeId'>
  >;

/** The change that an event of this delivery tells people of. A webhook tells what was done, so its outcome is success unless it says more. */
export function changeBy(hook: Hook, event: IncomingEvent, told: Told): IncomingEvent {
  return changeBeside(event, {
    action: hook.type,
    actor: hook.who,
    account: hook.place?.split('/')[0],
    outcome: 'success',
    ...told,
  });
}

/** A digest of git, or nothing for the zeros that stand for no commit. */
export function commitOf(sha: string | null): ChangeFacts['after'] {
  return sha !== null && !/^0+$/.test(sha) ? { digest: sha } : null;
}

/** The whole digest of a commit, which stands in its address; else what is told of it. */
export function wholeCommit(short: string | null, url: string | null): string | null {
  const [, found = null] = /\/-\/commit\/([0-9a-f]{40}|[0-9a-f]{64})$/.exec(url ?? '') ?? [];
  return found !== null && (short === null || found.startsWith(short)) ? found : short;
}

/**
 * Events without a reader of their own that tell that a project or group was made, removed or made another. Source: docs.gitlab.com, system
 * hooks; webhook events, project and group events.
 */
const settings: Readonly<Record<string, 'project' | 'group'>> = {
  project_create: 'project',
  project_destroy: 'project',
  project_rename: 'project',
  project_transfer: 'project',
  project_update: 'project',
  group_create: 'group',
  group_destroy: 'group',
  group_rename: 'group',
  subgroup_create: 'group',
  subgroup_destroy: 'group',
};

/** What was told of a project or group, as a change beside it; nothing for any other event. */
export function settingChange(hook: Hook, event: IncomingEvent): IncomingEvent[] {
  const type = Object.hasOwn(settings, hook.name) ? settings[hook.name] : undefined;
  if (type === undefined || hook.place === null) return [];
  return [changeBy(hook, event, { resource: { type, id: hook.place, name: hook.place } })];
}
