import { createServer } from 'node:http';
import { createGateway, type Gateway } from './gateway.ts';
import { readMarkup } from './markup.ts';
import { gateways, messageBody, serve } from './rest.ts';
import type { MessageBody, ModalField } from './rules.ts';
import { acceptSockets } from './websocket.ts';
import {
  type Channel,
  createWorld,
  type Interaction,
  type Member,
  type Message,
  snowflake,
  type World,
} from './world.ts';

/** Discord as far as Tocsin uses it: REST and gateway on a loopback port, for the unmodified SDK, and people who use it. */
export interface DiscordDouble {
  world: World;
  gateway: Gateway;
  /** For DISCORD_API_URL. */
  api: string;
  env: { DISCORD_TOKEN: string; DISCORD_API_URL: string };
  channel(name: string): Channel;
  /** The root and the messages of its thread, as people see them. */
  thread(root: string): Message[];
  /** Presses a button that is on the message. */
  press(message: Message, label: string, who: Member, over?: object): Promise<Interaction>;
  /** Sends what a person filled into the modal that an interaction opened. */
  submit(opened: Interaction, values: Record<string, string>, who: Member, message?: Message): Promise<Interaction>;
  slash(
    name: string,
    values: Record<string, string>,
    who: Member,
    over?: { channel?: string; guild?: string | null },
  ): Promise<Interaction>;
  complete(
    name: string,
    focused: string,
    values: Record<string, string>,
    who: Member,
  ): Promise<{ name: string; value: string }[]>;
  close(): Promise<void>;
}

export async function startDiscord(over: Partial<World> = {}): Promise<DiscordDouble> {
  const world = createWorld(over);
  const server = createServer((request, reply) => {
    serve(world, request, reply).catch(error => {
      world.violations.push(`the double failed: ${error instanceof Error ? error.stack : error}`);
      reply.destroy();
    });
  });
  const gateway = createGateway(world, () => gateways.get(world) ?? '');
  acceptSockets(server, peer => gateway.accept(peer));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  gateways.set(world, `ws://127.0.0.1:${port}`);
  const api = `http://127.0.0.1:${port}/api`;
  return {
    world,
    gateway,
    api,
    env: { DISCORD_TOKEN: world.token, DISCORD_API_URL: api },
    channel: name => channelOf(world, name),
    thread: root => threadOf(world, root),
    ...createPeople(world, gateway),
    async close() {
      gateway.drop();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function channelOf(world: World, name: string): Channel {
  const found = [...world.channels.values()].find(one => one.name === name);
  if (found === undefined) throw new Error(`there is no channel ${name}`);
  return found;
}

function threadOf(world: World, root: string): Message[] {
  const all = [...world.channels.values()].flatMap(channel => channel.messages);
  return [...all.filter(one => one.id === root), ...(world.channels.get(root)?.messages ?? [])];
}

function createPeople(world: World, gateway: Gateway) {
  const start = (kind: Interaction['kind'], type: number, who: Member, body: object): Promise<Interaction> => {
    const at = world.now();
    const one: Interaction = {
      id: snowflake(at),
      token: `token${snowflake(at)}`,
      kind,
      at,
      first: null,
      modal: null,
      reply: null,
      choices: null,
      ackAfter: null,
      settled: Promise.withResolvers(),
    };
    world.interactions.set(one.token, one);
    gateway.dispatch('INTERACTION_CREATE', { ...frameOf(world, who), id: one.id, token: one.token, type, ...body });
    // As in the client: without an answer in time "This interaction failed" stands there.
    const late = setTimeout(() => one.first === null && one.settled.resolve(), world.patience);
    return one.settled.promise.then(() => {
      clearTimeout(late);
      return one;
    });
  };
  return {
    press(message: Message, label: string, who: Member, over: object = {}) {
      const buttons = (message.body.components ?? []).flatMap(row => row.components);
      const found = buttons.find(one => one.label === label);
      if (found === undefined || !('custom_id' in found)) throw new Error(`there is no button ${label}`);
      const data = { component_type: 2, custom_id: found.custom_id };
      return start('press', 3, who, {
        data,
        ...placeOf(world, message.channel),
        message: messageBody(world, message),
        ...over,
      });
    },
    submit(opened: Interaction, values: Record<string, string>, who: Member, message?: Message) {
      if (opened.modal === null) throw new Error('no modal was opened');
      const components = opened.modal.components.map(one =>
        // As the client sends it: without the text.
        one.type === 10 ? { type: 10, id: 3 } : filled(one.component, values, world),
      );
      const data = { custom_id: opened.modal.custom_id, components };
      const place = placeOf(world, message?.channel ?? channelOf(world, 'alerts').id);
      return start('modal', 5, who, {
        data,
        ...place,
        ...(message === undefined ? {} : { message: messageBody(world, message) }),
      });
    },
    slash(
      name: string,
      values: Record<string, string>,
      who: Member,
      over: { channel?: string; guild?: string | null } = {},
    ) {
      const data = commandData(world, name, values, null);
      const place = placeOf(world, over.channel ?? channelOf(world, 'alerts').id);
      const guild =
        over.guild === undefined
          ? {}
          : over.guild === null
            ? { guild_id: undefined, member: undefined, user: userOf(who) }
            : { guild_id: over.guild };
      return start('slash', 2, who, { data, ...place, ...guild });
    },
    async complete(name: string, focused: string, values: Record<string, string>, who: Member) {
      const data = commandData(world, name, values, focused);
      const one = await start('complete', 4, who, { data, ...placeOf(world, channelOf(world, 'alerts').id) });
      return one.choices ?? [];
    },
  };
}

const userOf = (who: Member) => ({ id: who.id, username: who.name, discriminator: '0', avatar: null, bot: who.bot });

function frameOf(world: World, who: Member) {
  const member = {
    user: userOf(who),
    roles: who.roles,
    permissions: '0',
    joined_at: '2024-01-01T00:00:00.000000+00:00',
    pending: who.pending,
    deaf: false,
    mute: false,
    flags: 0,
  };
  return {
    application_id: world.application.id,
    guild_id: world.guild.id,
    member,
    version: 1,
    locale: 'en-GB',
    guild_locale: 'en-GB',
    entitlements: [],
    app_permissions: '0',
    authorizing_integration_owners: { 0: world.guild.id },
    context: 0,
    attachment_size_limit: 10_485_760,
  };
}

function placeOf(world: World, channel: string) {
  const found = world.channels.get(channel);
  return {
    channel_id: channel,
    channel: {
      id: channel,
      type: found?.type ?? 0,
      parent_id: found?.parent ?? null,
      name: found?.name ?? '',
      permissions: '0',
    },
  };
}

/** The fields of the form that was opened; none when there is no form. */
export function fieldsOf({ modal }: Interaction): ModalField[] {
  return modal?.components.filter(one => one.type === 18) ?? [];
}

type Field = ModalField['component'];

/** As the client sends it, after it has checked what it checks: required fields and lengths. */
function filled(field: Field, values: Record<string, string>, world: World): object {
  const chosen =
    field.type === 3 ? field.options.find(one => one.default === true)?.value : field.type === 4 ? field.value : '';
  const value = values[field.custom_id] ?? chosen ?? '';
  if (field.required !== false && value === '') throw new Error(`${field.custom_id} is required`);
  if (field.type === 4 && value.length > (field.max_length ?? 4000)) throw new Error(`${field.custom_id} is too long`);
  if (field.type === 3 && value !== '' && !field.options.some(one => one.value === value))
    throw new Error(`${value} is no option`);
  if (field.type === 5 && value !== '' && !world.members.has(value)) throw new Error(`${value} is no member`);
  const component =
    field.type !== 4
      ? { type: field.type, id: 2, custom_id: field.custom_id, values: value === '' ? [] : [value] }
      : { type: 4, id: 2, custom_id: field.custom_id, value };
  return { type: 18, id: 1, component };
}

function commandData(world: World, name: string, values: Record<string, string>, focused: string | null): object {
  const root = world.commands.find(one => one.name === 'tocsin');
  const command = root?.options.find(one => one.name === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const given = Object.entries(values).map(([option, value]) => {
    const known = command.options?.find(one => one.name === option);
    if (known === undefined) throw new Error(`${name} has no option ${option}`);
    return { type: known.type, name: option, value, ...(option === focused ? { focused: true } : {}) };
  });
  const missing =
    focused === null
      ? (command.options ?? []).filter(one => one.required === true && values[one.name] === undefined)
      : [];
  if (missing.length > 0) throw new Error(`${name} needs ${missing.map(one => one.name).join(', ')}`);
  return { id: snowflake(), type: 1, name: 'tocsin', options: [{ type: 1, name, options: given }] };
}

/** What people read of a message, and what is more than text in it. */
export function readMessage(body: Partial<MessageBody>): { plain: string; active: string[] } {
  const texts = [
    body.content,
    ...(body.embeds ?? []).flatMap(embed => [
      embed.title,
      embed.description,
      ...(embed.fields ?? []).flatMap(field => [field.name, field.value]),
    ]),
  ].filter(text => text !== undefined);
  const readings = texts.map(readMarkup);
  const labels = (body.components ?? []).flatMap(row => row.components.map(one => one.label));
  const footers = (body.embeds ?? []).flatMap(embed => (embed.footer === undefined ? [] : [embed.footer.text]));
  return {
    plain: [...readings.map(one => one.plain), ...footers, ...labels.map(label => `[${label}]`)].join('\n'),
    active: readings.flatMap(one => one.active),
  };
}

export { addMember, addRole } from './world.ts';
