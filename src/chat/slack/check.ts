import type { webApi } from '@slack/bolt';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { silentLog } from '../../kernel/log.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { clientOptions, type SlackClient } from './client.ts';
import { asking, slackError } from './failure.ts';
import { refusalOf } from './identify.ts';
import { botScopes } from './session.ts';

const page = 'https://api.slack.com/apps';
const mostAccounts = 50;

/** For `tocsin doctor`: tokens, scopes, channels, groups and accounts, each with the remedy. Changes nothing and never rejects. */
export async function checkSlack(tools: CheckTools): Promise<Finding[]> {
  const { webApi } = await import('@slack/bolt');
  const client = new webApi.WebClient(
    tools.env('SLACK_BOT_TOKEN'),
    clientOptions({ env: tools.env, log: silentLog }, tools.fetch),
  );
  const token = await probe('SLACK_BOT_TOKEN', () => checkBotToken(client));
  const heard = await probe('receiving', () => checkReceiving(tools, webApi.WebClient));
  if (token[0]?.state === 'bad') return [...token, ...heard];
  return [
    ...token,
    ...heard,
    ...(await probe('channels', () => checkChannels(client, tools.channels))),
    ...(await probe('groups', () => checkGroups(client, tools.groups))),
    ...(await probe('accounts', () => checkAccounts(client, tools.accounts))),
  ];
}

/** Turns a failed check into a finding. */
async function probe(what: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    const remedy = error instanceof TocsinError ? { remedy: error.remedy } : {};
    return [{ what, state: 'bad', because: messageOf(error), page, ...remedy }];
  }
}

async function checkBotToken(client: SlackClient): Promise<Finding[]> {
  const answer = await asking({ method: 'auth.test' }, client.auth.test());
  const granted = answer.response_metadata?.scopes;
  const missing = granted === undefined ? [] : Object.entries(botScopes).filter(([scope]) => !granted.includes(scope));
  return [
    { what: 'SLACK_BOT_TOKEN', state: 'ok', because: `it is ${answer.user} in ${answer.team} (${answer.team_id})` },
    ...missing.map(
      ([scope, use]): Finding => ({
        what: `scope ${scope}`,
        state: 'bad',
        because: `the bot token lacks it: ${use} will not work`,
        remedy: 'Add it under "OAuth & Permissions", "Bot Token Scopes", and install the app again.',
        page,
      }),
    ),
  ];
}

async function checkReceiving(tools: CheckTools, WebClient: typeof webApi.WebClient): Promise<Finding[]> {
  const appToken = tools.env('SLACK_APP_TOKEN');
  if (appToken) {
    const client = new WebClient(appToken, clientOptions({ env: tools.env, log: silentLog }, tools.fetch));
    // This only asks for the address of a connection; the connection is not opened.
    await asking({ method: 'apps.connections.open', token: 'app' }, client.apps.connections.open({}));
    return [{ what: 'SLACK_APP_TOKEN', state: 'ok', because: 'Socket Mode needs no public address' }];
  }
  const what = 'receiving';
  if (!tools.env('SLACK_SIGNING_SECRET')) {
    const remedy =
      'Set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET and a public address; both are under "Basic Information".';
    return [{ what, state: 'bad', because: 'buttons and commands are not heard', remedy, page }];
  }
  if (tools.url === null || !tools.url.startsWith('https:')) {
    const remedy =
      'Set `url` in tocsin.yaml to the https address that Slack reaches, and the request URLs of the app to it with /slack/events.';
    return [{ what, state: 'warning', because: 'Slack sends only to a public https address', remedy, page }];
  }
  return [{ what, state: 'ok', because: `Slack is expected at ${tools.url.replace(/\/$/, '')}/slack/events` }];
}

async function checkChannels(client: SlackClient, wanted: readonly string[]): Promise<Finding[]> {
  if (wanted.length === 0) return [];
  const channels: { id?: string; name?: string; is_member?: boolean }[] = [];
  for await (const answer of client.paginate('conversations.list', {
    types: 'public_channel,private_channel',
    exclude_archived: true,
    limit: 1000,
  }))
    channels.push(...((answer as { channels?: typeof channels }).channels ?? []));
  return wanted.map(given => {
    const what = `channel ${given}`;
    const found = channels.find(one => one.id === given || one.name === given.replace(/^#/, ''));
    if (found === undefined)
      return {
        what,
        state: 'bad',
        because: 'the bot sees none of this name',
        remedy: 'Correct the route, or invite the bot when the channel is private: /invite @Tocsin',
      };
    if (found.is_member !== true)
      return { what, state: 'bad', because: 'the bot is not in it', remedy: 'Type /invite @Tocsin in the channel.' };
    return { what, state: 'ok' };
  });
}

async function checkGroups(client: SlackClient, wanted: readonly string[]): Promise<Finding[]> {
  if (wanted.length === 0) return [];
  const answer = await asking({ method: 'usergroups.list' }, client.usergroups.list({ include_count: true }));
  return wanted.map(given => {
    const what = `group ${given}`;
    const found = (answer.usergroups ?? []).find(one => one.id === given || one.handle === given.replace(/^@/, ''));
    if (found === undefined)
      return {
        what,
        state: 'bad',
        because: 'the workspace has no user group of this handle or id',
        remedy: 'Correct it in tocsin.yaml; handles are under "People & user groups" in Slack.',
      };
    return { what, state: 'ok' };
  });
}

async function checkAccounts(client: SlackClient, accounts: CheckTools['accounts']): Promise<Finding[]> {
  const { team_id: team = '' } = await asking({ method: 'auth.test' }, client.auth.test());
  const findings: Finding[] = [];
  for (const [person, account] of Object.entries(accounts).slice(0, mostAccounts)) {
    const what = `account of ${person}`;
    const fault = await faultOf(client, account, team);
    if (fault === null) findings.push({ what, state: 'ok' });
    else {
      const set = `Set people.${person}.accounts.slack to <team id>/<member id>; "Copy member ID" is in the profile, the team is ${team}.`;
      const remedy = fault.typed
        ? set
        : 'Nobody can act with it from Slack; take it out, or have an administrator change it.';
      findings.push({ what, state: 'warning', because: fault.because, remedy });
    }
  }
  return findings;
}

/** `typed` when the fault is in tocsin.yaml and not in the account. */
async function faultOf(
  client: SlackClient,
  account: string,
  team: string,
): Promise<{ because: string; typed: boolean } | null> {
  const [home, user, more] = account.split('/');
  if (!home || !user || more !== undefined)
    return { because: `"${account}" has not the form of T012345/U067890`, typed: true };
  if (home !== team) return { because: `${home} is another workspace`, typed: true };
  try {
    const answer = await client.users.info({ user });
    const because = refusalOf(answer.user ?? {}, team);
    return because === null ? null : { because, typed: false };
  } catch (error) {
    if (slackError(error) === 'user_not_found') return { because: 'the workspace does not know it', typed: true };
    return asking({ method: 'users.info' }, Promise.reject(error));
  }
}
