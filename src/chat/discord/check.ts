import type { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { remedies } from './remedies.ts';
import * as shapes from './shapes.ts';

const portal = 'https://discord.com/developers/applications';
const textual = [0, 5];

/** For `tocsin doctor`: plain requests, no gateway. */
export async function checkDiscord(given: { guild?: string | undefined }, tools: CheckTools): Promise<Finding[]> {
  const ask = createAsk(tools);
  const application = await ask(shapes.application, '/applications/@me');
  if (!application.ok) return [tokenFinding(application)];
  const guilds = await ask(shapes.guilds, '/users/@me/guilds');
  const guild = guilds.ok ? pickGuild(guilds.body, given.guild) : null;
  return [
    { what: 'the bot token', state: 'ok' },
    endpointFinding(application.body),
    guildFinding(
      guild,
      guilds.ok ? guilds.body.map(one => `${one.name} (${one.id})`) : [],
      given.guild,
      application.body.id,
    ),
    ...(guild === null ? [] : await checkGuild(guild, tools, ask)),
  ];
}

type Answer<T> = { ok: true; body: T } | { ok: false; status: number; because: string };
type Ask = <T>(schema: z.ZodType<T>, path: string) => Promise<Answer<T>>;

function createAsk(tools: CheckTools): Ask {
  const base = (tools.env('DISCORD_API_URL') || 'https://discord.com/api').replace(/\/$/, '');
  return async (schema, path) => {
    try {
      const response = await tools.fetch(`${base}/v10${path}`, {
        headers: {
          authorization: `Bot ${tools.env('DISCORD_TOKEN') ?? ''}`,
          'user-agent': 'DiscordBot (https://github.com/tocsin, 1)',
        },
        redirect: 'error',
        signal: tools.signal,
      });
      if (!response.ok)
        return { ok: false, status: response.status, because: `Discord answers ${response.status} to ${path}` };
      return { ok: true, body: schema.parse(await response.json()) };
    } catch (error) {
      return { ok: false, status: 0, because: `no answer to ${path}: ${messageOf(error)}` };
    }
  };
}

function tokenFinding(failed: { status: number; because: string }): Finding {
  const what = 'the bot token';
  return failed.status === 401
    ? { what, state: 'bad', because: remedies.token, remedy: remedies.tokenPage, page: portal }
    : {
        what,
        state: 'bad',
        because: failed.because,
        remedy: 'See the network of this machine, and discordstatus.com.',
      };
}

function endpointFinding(application: z.infer<typeof shapes.application>): Finding {
  const what = 'how presses and commands arrive';
  if (!application.interactions_endpoint_url) return { what, state: 'ok' };
  return {
    what,
    state: 'bad',
    because: remedies.endpoint(application.id),
    remedy: 'Clear the Interactions Endpoint URL.',
    page: `${portal}/${application.id}/information`,
  };
}

function pickGuild(all: z.infer<typeof shapes.guilds>, wanted: string | undefined): string | null {
  if (wanted !== undefined) return all.find(one => one.id === wanted)?.id ?? null;
  return all.length === 1 ? (all[0]?.id ?? null) : null;
}

function guildFinding(
  guild: string | null,
  names: readonly string[],
  wanted: string | undefined,
  application: string,
): Finding {
  const what = 'the Discord server';
  if (guild !== null) return { what, state: 'ok' };
  const because =
    wanted === undefined
      ? remedies.guild(names)
      : `the bot is not in the server ${wanted}, which chat.discord.guild names`;
  return {
    what,
    state: 'bad',
    because,
    remedy: 'Add the bot to the server by this page.',
    page: remedies.invite(application),
  };
}

async function checkGuild(guild: string, tools: CheckTools, ask: Ask): Promise<Finding[]> {
  const channels = tools.channels.length === 0 ? null : await ask(shapes.channels, `/guilds/${guild}/channels`);
  const roles = tools.groups.length === 0 ? null : await ask(shapes.roles, `/guilds/${guild}/roles`);
  const people = Object.entries(tools.accounts).slice(0, 50);
  return [
    ...(channels === null ? [] : namesFound('channel', tools.channels, channels, one => textual.includes(one.type))),
    ...(roles === null ? [] : namesFound('role', tools.groups, roles, one => one.id !== guild)),
    ...(await Promise.all(people.map(entry => personFinding(...entry, guild, ask)))),
  ];
}

function namesFound<T extends { id: string; name: string }>(
  kind: 'channel' | 'role',
  wanted: readonly string[],
  found: Answer<T[]>,
  counts: (one: T) => boolean,
): Finding[] {
  if (!found.ok) return [{ what: `the ${kind}s`, state: 'bad', because: found.because }];
  const all = found.body.filter(counts);
  return wanted.map(given => {
    const name = given.replace(/^#/, '');
    const what = `${kind} ${given}`;
    const matching = all.filter(one => one.name === name || (kind === 'channel' && one.id === name));
    if (matching.length === 1) return { what, state: 'ok' };
    const near = nearest(
      name,
      all.map(one => one.name),
    );
    return {
      what,
      state: 'bad',
      because:
        matching.length > 1
          ? 'there are several of this name'
          : `there is none that the bot sees${near === null ? '' : `; the nearest is ${near}`}`,
      remedy:
        kind === 'channel'
          ? 'Correct the route in tocsin.yaml (or name the channel by its id), or give the bot View Channel there.'
          : 'Correct the name of the role in tocsin.yaml.',
    };
  });
}

async function personFinding(person: string, account: string, guild: string, ask: Ask): Promise<Finding> {
  const what = `the account of ${person}`;
  const found = await ask(shapes.member, `/guilds/${guild}/members/${encodeURIComponent(account)}`);
  if (found.ok && found.body.pending !== true) return { what, state: 'ok' };
  return {
    what,
    state: 'bad',
    because: found.ok
      ? 'they have not accepted the rules of the server yet'
      : found.status === 404
        ? `${account} is not in the server`
        : found.because,
    remedy: `Correct people.${person}.accounts.discord in tocsin.yaml: Developer Mode on, then Copy User ID.`,
  };
}
