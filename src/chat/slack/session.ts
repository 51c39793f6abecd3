import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { SlackClient } from './client.ts';
import { toChatError } from './failure.ts';

/** Which app we are in which workspace, once Slack has said so. */
export interface Identity {
  team: string;
  /** `https://acme.slack.com/`, for links; empty when Slack did not say. */
  url: string;
  botUser: string;
  bot: string;
}

/** What the bot token can do here. Everything that calls Slack waits for it once. */
export interface Session {
  /** Rejects with `chat-down` while Slack does not answer or refuses the token; the next call asks again. */
  ready(): Promise<Identity>;
  /** The last identity, null before the first. */
  current(): Identity | null;
  trouble(): string | null;
  /** What another part found wrong, by its name; null when it is well again. */
  report(part: string, what: string | null): void;
}

/** The scopes of deploy/slack-manifest.yaml, with what each is for. */
export const botScopes: Readonly<Record<string, string>> = {
  'app_mentions:read': 'commands by mention',
  'channels:history': 'finding an own message again after a lost answer',
  'channels:read': 'names of channels',
  'chat:write': 'posting',
  commands: 'the slash command and the shortcut',
  'files:write': 'full logs',
  'groups:history': 'finding an own message again in private channels',
  'groups:read': 'names of private channels',
  'reactions:write': 'reactions that show the state',
  'usergroups:read': 'groups of people',
  'users:read': 'refusing guests, bots and deactivated accounts',
};

export function createSession(client: SlackClient, host: ChatHost): Session {
  let identity: Identity | null = null;
  let asking: Promise<Identity> | null = null;
  const troubles = new Map<string, string>();
  const report = (part: string, what: string | null) => {
    if (what === null) troubles.delete(part);
    else if (troubles.get(part) !== what) {
      troubles.set(part, what);
      host.log.warn({ part, because: what }, 'Slack is not well');
    }
  };

  async function ask(): Promise<Identity> {
    try {
      const answer = await client.auth.test();
      report('token', missingScopes(answer.response_metadata?.scopes));
      identity = {
        team: answer.team_id ?? '',
        url: answer.url ?? '',
        botUser: answer.user_id ?? '',
        bot: answer.bot_id ?? '',
      };
      host.log.info({ team: answer.team, bot: answer.user }, 'Slack knows the bot');
      return identity;
    } catch (error) {
      const failure = toChatError(error, { method: 'auth.test' });
      report('token', `${failure.message} ${failure.remedy}`);
      throw failure;
    } finally {
      asking = null;
    }
  }

  return {
    async ready() {
      if (identity !== null) return identity;
      asking ??= ask();
      return asking;
    },
    current: () => identity,
    trouble: () => [...troubles.values()].join(' ') || null,
    report,
  };
}

/** Names missing scopes at the start, before the first call that needs one fails. */
function missingScopes(granted: readonly string[] | undefined): string | null {
  if (granted === undefined) return null;
  const missing = Object.entries(botScopes).filter(([scope]) => !granted.includes(scope));
  if (missing.length === 0) return null;
  const list = missing.map(([scope, use]) => `${scope} (${use})`).join(', ');
  return `The bot token lacks ${missing.length === 1 ? 'the scope' : 'the scopes'} ${list}. Add them under "OAuth & Permissions" of the app at https://api.slack.com/apps and install the app again.`;
}

/** Retries until the work succeeds or the signal aborts, with back-off: 1 s after the first failure, at most a minute. */
export async function insist(work: () => Promise<unknown>, host: ChatHost, signal: AbortSignal): Promise<boolean> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await work();
      return true;
    } catch (error) {
      host.log.debug({ reason: messageOf(error), failures }, 'Slack is tried again');
      await host.clock.sleep(Math.min(60_000, 1000 * 2 ** Math.min(failures, 10)), signal).catch(() => {});
    }
  }
  return false;
}
