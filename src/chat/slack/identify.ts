import type { Actor } from '../../model/actor.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Account } from './account.ts';
import type { SlackClient } from './client.ts';
import { asking, slackError } from './failure.ts';
import type { Session } from './session.ts';

/** Maps a Slack account to a person, as far as Slack confirms the account at the moment of the act. */
export interface Identify {
  /** Never rejects: an account that Slack does not confirm is a stranger, with the reason. */
  who(account: Account): Promise<Actor>;
}

interface Facts {
  refusal: string | null;
  at: number;
}

/** How long facts about an account are cached, and how long while Slack does not answer; milliseconds. */
const fresh = 60_000;
const stale = 900_000;
const mostKnown = 10_000;

export function createIdentify(client: SlackClient, session: Session, host: ChatHost): Identify {
  const known = new Map<string, Facts>();

  /** Look-ups under way, so that several presses of one person share one. */
  const looking = new Map<string, Promise<Facts>>();
  function factsOf(user: string, team: string): Promise<Facts> {
    const last = known.get(user);
    if (last !== undefined && host.clock.monotonic() - last.at < fresh) return Promise.resolve(last);
    const look = looking.get(user) ?? ask(user, team).finally(() => looking.delete(user));
    looking.set(user, look);
    return look;
  }

  async function ask(user: string, team: string): Promise<Facts> {
    const now = host.clock.monotonic();
    const last = known.get(user);
    try {
      const answer = await asking({ method: 'users.info' }, client.users.info({ user }));
      return remember(user, { refusal: refusalOf(answer.user ?? {}, team), at: now });
    } catch (error) {
      if (slackError((error as Error).cause) === 'user_not_found')
        return remember(user, { refusal: 'the workspace does not know this account', at: now });
      if (last !== undefined && now - last.at < stale) return last;
      const because = 'Slack does not confirm the account now; use the console or the API, or try again';
      return { refusal: because, at: now };
    }
  }

  function remember(user: string, facts: Facts): Facts {
    if (known.size >= mostKnown) known.clear();
    known.set(user, facts);
    return facts;
  }

  return {
    async who({ team, user }) {
      const stranger = (because: string): Actor => ({
        kind: 'stranger',
        id: `slack:${team ?? '?'}/${user}`,
        via: 'slack',
        because,
      });
      const own = await session.ready().catch(() => null);
      if (own === null) return stranger('Slack does not answer, so nobody can be recognised');
      if (team !== null && team !== own.team) return stranger('the account belongs to another workspace');
      const { refusal } = await factsOf(user, own.team);
      return refusal === null ? host.whoIs({ platform: 'slack', id: `${own.team}/${user}` }) : stranger(refusal);
    },
  };
}

interface SlackUser {
  team_id?: string;
  deleted?: boolean;
  is_bot?: boolean;
  is_restricted?: boolean;
  is_ultra_restricted?: boolean;
  is_stranger?: boolean;
  enterprise_user?: { teams?: string[] };
}

/** Why an account is not accepted; null when it is. Flags: docs.slack.dev, user object. */
export function refusalOf(user: SlackUser, team: string): string | null {
  if (user.deleted === true) return 'the account is deactivated';
  if (user.is_bot === true) return 'the account is a bot';
  if (user.is_restricted === true || user.is_ultra_restricted === true)
    return 'the account is a guest of the workspace';
  if (user.is_stranger === true) return 'the account belongs to another organisation';
  const home = user.team_id === team || user.enterprise_user?.teams?.includes(team) === true;
  return home ? null : 'the account belongs to another workspace';
}
