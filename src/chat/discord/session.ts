import type { Clock } from '../../kernel/clock.ts';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Api } from './api.ts';
import { remedies } from './remedies.ts';
import * as shapes from './shapes.ts';

/** The identity of the bot and its server, looked up once, and again after a failure. */
export interface Session {
  /** Rejects with `chat-down` or `chat-refused` while it is not known. */
  ready(): Promise<Identity>;
  known(): Identity | null;
  /** What is wrong with it; null when well, or when nothing was asked yet. */
  trouble(): string | null;
}

export interface Identity {
  application: string;
  /** The bot's user. */
  bot: string;
  guild: string;
}

/** How long a failure is cached, milliseconds, so that not every queued post asks again. */
const again = 2000;
/** Discord lists this many servers at once. */
const longestList = 200;

export function createSession(parts: { api: Api; clock: Clock; guild: string | null }): Session {
  const { api, clock } = parts;
  let known: Identity | null = null;
  let asking: Promise<Identity> | null = null;
  let failed: { error: unknown; at: number } | null = null;
  let endpoint: string | null = null;

  async function ask(): Promise<Identity> {
    try {
      const application = await api.call(shapes.application, { method: 'GET', path: '/applications/@me' });
      endpoint = application.interactions_endpoint_url ? remedies.endpoint(application.id) : null;
      const me = await api.call(shapes.user, { method: 'GET', path: '/users/@me' });
      known = { application: application.id, bot: me.id, guild: await findGuild(api, parts.guild) };
      failed = null;
      return known;
    } catch (error) {
      failed = { error, at: clock.monotonic() };
      throw error;
    } finally {
      asking = null;
    }
  }

  return {
    async ready() {
      if (known !== null) return known;
      if (failed !== null && clock.monotonic() - failed.at < again) throw failed.error;
      asking ??= ask();
      return asking;
    },
    known: () => known,
    trouble: () => endpoint ?? (failed === null ? null : messageOf(failed.error)),
  };
}

/** The server of tocsin.yaml, where the bot must be; without one, the only one in which it is. */
async function findGuild(api: Api, wanted: string | null): Promise<string> {
  const all = await api.call(shapes.guilds, { method: 'GET', path: '/users/@me/guilds' });
  const names = all.map(one => `${one.name} (${one.id})`);
  const [only] = all;
  if (wanted === null && only !== undefined && all.length === 1) return only.id;
  if (wanted !== null && (all.length >= longestList || all.some(one => one.id === wanted))) return wanted;
  throw new TocsinError('chat-down', {
    message: wanted === null ? remedies.guild(names) : remedies.notIn(wanted, names),
  });
}
