import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { Config } from '../../model/config.ts';
import type { Api } from './api.ts';
import { discordCode } from './api.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';

/** The channels and roles of the server. */
export interface Directory {
  names(): Promise<readonly string[]>;
  /** The id of a channel by its name, with or without `#`, or by its id. Rejects with `chat-refused` at `channel <name>`. */
  channel(name: string): Promise<string>;
  /** The people of tocsin.yaml who have the role; null when there is no role of this name. */
  members(role: string): Promise<readonly string[] | null>;
  /** The channels changed. */
  forget(): void;
}

export interface DirectoryParts {
  api: Api;
  session: Session;
  config(): Config;
  clock: Clock;
}

/** How long the list of channels is good, and how soon it is asked again for a name that is not in it, milliseconds. */
const kept = { list: 60_000, missing: 5_000 };
/** Text and announcement channels: where messages with threads go. */
const textual = [0, 5];

export function createDirectory(parts: DirectoryParts): Directory {
  const { api, session, clock } = parts;
  let list: { at: number; channels: { id: string; name: string }[] } | null = null;
  let asking: Promise<{ id: string; name: string }[]> | null = null;

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
      if (/^\d{15,21}$/.test(name)) return name;
      const matching = (all: { id: string; name: string }[]) => all.filter(one => one.name === name);
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
    members: role => membersOf(role, parts),
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
 * Asks for each person that tocsin.yaml links to Discord. Listing the members of a server needs a privileged intent, and whoever is in no
 * entry of `people` may do nothing anyway.
 */
async function membersOf(
  role: string,
  { api, session, config, clock }: DirectoryParts,
): Promise<readonly string[] | null> {
  const { guild } = await session.ready();
  const all = await api.call(shapes.roles, { method: 'GET', path: `/guilds/${guild}/roles` });
  const wanted = all.find(one => one.name === role && one.id !== guild)?.id;
  if (wanted === undefined) return null;
  const accounts = Object.values(config().people).flatMap(person => person.accounts['discord'] ?? []);
  const waiting = [...new Set(accounts)].filter(one => /^\d{15,21}$/.test(one));
  const members: string[] = [];
  const ask = async () => {
    for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) {
      const asked = user;
      if (await withPatience(() => hasRole(api, guild, asked, wanted), clock)) members.push(asked);
    }
  };
  await Promise.all(Array.from({ length: abreast }, ask));
  return members.sort();
}

const mostTries = 5;
const longestWait = 5000;

/** Waits for a limit that is over soon: one person's answer must not cost those of all others. */
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

/** Somebody who left the server, or who has not accepted its rules yet, is in no role. */
async function hasRole(api: Api, guild: string, user: string, role: string): Promise<boolean> {
  try {
    const found = await api.call(shapes.member, { method: 'GET', path: `/guilds/${guild}/members/${user}` });
    return found.pending !== true && found.roles.includes(role);
  } catch (error) {
    const code = discordCode(error);
    if (code === unknownMember || code === unknownUser) return false;
    throw error;
  }
}
