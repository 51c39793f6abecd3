import { messageOf } from '../../kernel/errors.ts';
import { groupFacts } from '../../model/config.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Directory } from './directory.ts';

/** Maps people and groups of tocsin.yaml to Discord users. No other user is ever mentioned. */
export interface Mentions {
  of(names: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** A larger group is named as text, so that an alert never calls a whole company. */
const mostPeople = 10;
const mostNames = 20;
/** How long the members of a role are cached for mentions, milliseconds: a card is rendered many times. Votes do not use this cache. */
const kept = 300_000;

export function createMentions(directory: Directory, host: ChatHost): Mentions {
  function accountOf(person: string): string[] {
    const account = host.config().people[person]?.accounts['discord'];
    return account !== undefined && /^\d{15,21}$/.test(account) ? [account] : [];
  }

  async function accountsOf(name: string): Promise<readonly string[]> {
    const config = host.config();
    const facts = groupFacts(config, name);
    if (facts === null && config.people[name] !== undefined) return accountOf(name);
    const role = facts === null ? name : facts.platforms['discord'];
    const members = role === undefined ? null : await roleMembers(role);
    const found = members ?? facts?.members.flatMap(accountOf) ?? [];
    return found.length <= mostPeople ? found : [];
  }

  const roles = new Map<string, { at: number; members: readonly string[] | null }>();

  /** A role that cannot be looked up now is named as text: the message matters more than the call. */
  async function roleMembers(role: string): Promise<readonly string[] | null> {
    const known = roles.get(role);
    if (known !== undefined && host.clock.monotonic() - known.at < kept) return known.members;
    try {
      const members = await directory.members(role);
      roles.set(role, { at: host.clock.monotonic(), members });
      return members;
    } catch (error) {
      host.log.debug({ reason: messageOf(error) }, 'a role could not be looked up for a mention');
      return null;
    }
  }

  return {
    async of(names) {
      const found = new Map<string, readonly string[]>();
      for (const name of names.slice(0, mostNames)) found.set(name, await accountsOf(name));
      return found;
    },
  };
}
