import { type Config, groupFacts } from '../../model/config.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { SlackClient } from './client.ts';
import { asking } from './failure.ts';
import type { Session } from './session.ts';

/** The user groups of the workspace, by their handle (`@sre`). The flow caches members, so `members` asks Slack each time. */
export interface Groups {
  /** The id of a handle or of an id, null when there is none. Rejects when Slack does not answer. */
  idOf(handle: string): Promise<string | null>;
  /** The members as accounts `T1/U1`; null when there is no such group. Rejects when Slack does not answer. */
  members(handle: string): Promise<readonly string[] | null>;
  /** Like `members`, but at most a minute old; for pages that only show who may vote. */
  lately(handle: string): Promise<readonly string[] | null>;
  /** Clears the cache, after Slack has reported that a group was created or changed. */
  forget(): void;
}

/**
 * The Slack handle of a group that policy or a card names: `slack:@sre` names it directly, and a group of tocsin.yaml may refer to one.
 * Null when the group is not kept in Slack.
 */
export function keptHere(name: string, config: Config): string | null {
  if (name.startsWith('slack:')) return name.slice('slack:'.length);
  return groupFacts(config, name)?.platforms['slack'] ?? null;
}

/** How long the list of handles, and the members for `lately`, are cached; milliseconds. */
const fresh = 60_000;

export function createGroups(client: SlackClient, session: Session, host: ChatHost): Groups {
  let known: { ids: Map<string, string>; at: number } | null = null;

  async function handles(): Promise<Map<string, string>> {
    if (known !== null && host.clock.monotonic() - known.at < fresh) return known.ids;
    const answer = await asking({ method: 'usergroups.list' }, client.usergroups.list({ include_disabled: false }));
    const ids = new Map<string, string>();
    for (const { id, handle } of answer.usergroups ?? []) if (id !== undefined && handle) ids.set(handle, id);
    known = { ids, at: host.clock.monotonic() };
    return ids;
  }

  async function idOf(handle: string): Promise<string | null> {
    const ids = await handles();
    return ids.get(handle.replace(/^@/, '')) ?? [...ids.values()].find(id => id === handle) ?? null;
  }

  async function members(handle: string): Promise<readonly string[] | null> {
    const { team } = await session.ready();
    const usergroup = await idOf(handle);
    if (usergroup === null) return null;
    const answer = await asking(
      { method: 'usergroups.users.list' },
      client.usergroups.users.list({ usergroup, include_disabled: false }),
    );
    return (answer.users ?? []).map(user => `${team}/${user}`);
  }

  const recent = new Map<string, { at: number; members: ReturnType<typeof members> }>();
  return {
    idOf,
    members,
    lately(handle) {
      const last = recent.get(handle);
      if (last !== undefined && host.clock.monotonic() - last.at < fresh) return last.members;
      const asked = { at: host.clock.monotonic(), members: members(handle) };
      recent.set(handle, asked);
      return asked.members;
    },
    forget() {
      known = null;
      recent.clear();
    },
  };
}
