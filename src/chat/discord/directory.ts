import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { Config } from '../../model/config.ts';
import type { Api } from './api.ts';
import { discordCode } from './api.ts';
import { type Remembered, remember } from './remember.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';

/** The channels and roles of the server. */
export interface Directory {
  names(): Promise<readonly string[]>;
  /** The id of a channel by its name, with or without `#`, or by its id. Rejects with `chat-refused` at `channel <name>`. */
  channel(name: string): Promise<string>;
  /** The people of tocsin.yaml who have the role, by its id or its name; null when there is none. Rejects when several have the name. */
  members(role: string): Promise<readonly string[] | null>;
  /** Takes a member's present roles. True when they differ from those that the groups were resolved with. */
  hasNews(user: string, roles: readonly string[]): boolean;
  /** Clears the cached list, after the channels have changed. */
  forget(): void;
}

export interface DirectoryParts {
  api: Api;
  session: Session;
  config(): Config;
  clock: Clock;
}

/** How long the list of channels is cached, and how soon it is reloaded for a name that is not in it; milliseconds. */
const kept = { list: 60_000, missing: 5_000 };
/** Text and announcement channels: where messages with threads go. */
const textual = [0, 5];

export function createDirectory(parts: DirectoryParts): Directory {
  const { api, session, clock } = parts;
  let list: { at: number; channels: { id: string; name: string }[] } | null = null;
  let asking: Promise<{ id: string; name: string }[]> | null = null;
  const seen = remember<string>();

  async function fetchChannels() {
    const { guild } = await session.ready();
    const all = await api.call(shapes.channels, { method: 'GET', path: `/guilds/${guild}/channels` });
    const channels = all.filter(one => textual.includes(one.type)).map(({ id, name }) => ({ id, name }));
    list = { at: clock.monotonic(), channels };
    return channels;
  }

  async function channels(young: number) {
    if (list !== null && clock.monotonic() - list.at < young) return list.channels;
    asking ??= fetchChannels().finally(() => {
      asking = null;
    });
    return asking;
  }

  return {
    names: async () => (await channels(kept.list)).map(one => one.name),
    async channel(given) {
      const name = given.replace(/^#/, '');
      const matching = (all: { id: string; name: string }[]) => all.filter(one => one.id === name || one.name === name);
      const known = matching(await channels(kept.list));
      const found = known.length > 0 ? known : matching(await channels(kept.missing));
      const [only] = found;
      if (only !== undefined && found.length === 1) return only.id;
      throw unknownChannel(
        name,
        found.length,
        (await channels(kept.list)).map(one => one.name),
      );
    },
    members: role => membersOf(role, { ...parts, seen }),
    hasNews(user, roles) {
      const known = seen.get(user);
      return known !== undefined && known !== rolesText(roles);
    },
    forget() {
      list = null;
    },
  };
}

function unknownChannel(name: string, count: number, names: readonly string[]): TocsinError {
  const near = nearest(name, names);
  const hint = near === null ? '' : ` Did you mean "${near}"?`;
  return new TocsinError('chat-refused', {
    message:
      count > 1
        ? `There are ${count} Discord channels "${name}".`
        : `There is no Discord channel "${name}" that the bot sees.${hint}`,
    at: `channel ${name}`,
    remedy:
      count > 1
        ? 'Name it by its id: discord:<id>, with Copy Channel ID in Discord.'
        : 'Correct the route in tocsin.yaml, or give the bot View Channel there: channel settings, Permissions.',
    allowed: names.slice(0, 30),
  });
}

/** How many members are asked for at the same time. */
const abreast = 5;

/**
 * Looks up each person that tocsin.yaml links to Discord. Listing all members of a server would need a privileged intent, and members
 * without an entry in `people` may do nothing anyway.
 */
async function membersOf(
  role: string,
  { api, session, config, clock, seen }: DirectoryParts & { seen: Remembered<string> },
): Promise<readonly string[] | null> {
  const { guild } = await session.ready();
  const all = await api.call(shapes.roles, { method: 'GET', path: `/guilds/${guild}/roles` });
  const wanted = findRole(role, guild, all);
  if (wanted === null) return null;
  const accounts = Object.values(config().people).flatMap(person => person.accounts['discord'] ?? []);
  const waiting = [...new Set(accounts)].filter(one => /^\d{15,21}$/.test(one));
  const members: string[] = [];
  const ask = async () => {
    for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) {
      const asked = user;
      const roles = await withPatience(() => rolesOf(api, guild, asked), clock);
      seen.set(asked, rolesText(roles));
      if (roles.includes(wanted)) members.push(asked);
    }
  };
  await Promise.all(Array.from({ length: abreast }, ask));
  return members.sort();
}

const mostTries = 5;
const longestWait = 5000;

/** Waits for a rate limit that is over soon and retries, so that one failed look-up does not lose those of all others. */
async function withPatience<T>(ask: () => Promise<T>, clock: Clock): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const wait = isCode(error, 'chat-limited') ? (error.retryAfter ?? 1000) : Number.POSITIVE_INFINITY;
      if (tries >= mostTries || wait > longestWait) throw error;
      await clock.sleep(wait);
    }
  }
}

const unknownMember = 10007;
const unknownUser = 10013;

/** A member's roles. A person who left the server, or has not accepted its rules yet, has none. */
async function rolesOf(api: Api, guild: string, user: string): Promise<readonly string[]> {
  try {
    const found = await api.call(shapes.member, { method: 'GET', path: `/guilds/${guild}/members/${user}` });
    return found.pending === true ? [] : found.roles;
  } catch (error) {
    const code = discordCode(error);
    if (code === unknownMember || code === unknownUser) return [];
    throw error;
  }
}

function rolesText(roles: readonly string[]): string {
  return [...roles].sort().join(' ');
}

/** The id of a role. `@everyone` (its id is the server's) is no group. A name of two roles is ambiguous, and who may vote must not be. */
function findRole(role: string, guild: string, all: readonly { id: string; name: string }[]): string | null {
  const others = all.filter(one => one.id !== guild);
  const byId = others.find(one => one.id === role);
  if (byId !== undefined) return byId.id;
  const [found, ...more] = others.filter(one => one.name === role.replace(/^@/, ''));
  if (more.length > 0)
    throw new TocsinError('chat-refused', {
      message: `There are ${more.length + 1} Discord roles "${role}".`,
      remedy: 'Name the role by its id: Server Settings, Roles, Copy Role ID.',
    });
  return found?.id ?? null;
}
