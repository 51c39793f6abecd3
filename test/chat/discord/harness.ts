import platform from '../../../src/chat/discord/index.ts';
import type { Post } from '../../../src/model/card.ts';
import type { ChatConnection } from '../../../src/ports/chat.ts';
import type { ChatHarness } from '../../contracts/chat.ts';
import { createHostDouble, type HostDouble, type HostDoubleOptions } from '../../doubles/chat-host.ts';
import { addMember, type DiscordDouble, readMessage, startDiscord } from '../../doubles/discord/index.ts';
import { addChannel, type Interaction, type Member, type Message, type World } from '../../doubles/discord/world.ts';
import { type StoredRoots, withStoredRoots } from '../../doubles/stored-roots.ts';

/** Discord, a host and the platform between them, with people: alice is known, mallory is not. */
export interface Harness {
  discord: DiscordDouble;
  double: HostDouble;
  connection: StoredRoots;
  /** The connection as the flow has it. */
  bare: ChatConnection;
  alice: Member;
  bob: Member;
  mallory: Member;
  close(): Promise<void>;
}

export interface HarnessOptions {
  world?: Partial<World>;
  host?: HostDoubleOptions;
  env?: Record<string, string>;
  /** False returns at once, without waiting for the gateway. */
  wait?: boolean;
  prepare?: (discord: DiscordDouble) => void;
  options?: unknown;
}

export async function openHarness(options: HarnessOptions = {}): Promise<Harness> {
  const discord = await startDiscord(options.world);
  const [alice, bob, mallory] = ['alice', 'bob', 'mallory'].map(name => addMember(discord.world, name));
  if (alice === undefined || bob === undefined || mallory === undefined) throw new Error('no members');
  options.prepare?.(discord);
  const people = { alice: { accounts: { discord: alice.id } }, bob: { accounts: { discord: bob.id } }, rita: {} };
  const double = await createHostDouble({
    config: { people, groups: { sre: ['alice', 'bob', 'rita'] } },
    ...options.host,
    env: { ...discord.env, ...options.env },
  });
  const bare = await platform.open(platform.options.parse(options.options ?? {}), double.host);
  const connection = withStoredRoots(bare, double);
  await connection.hear?.(true);
  if (options.wait !== false) await until(() => discord.world.commands.length > 0);
  return {
    discord,
    double,
    connection,
    bare,
    alice,
    bob,
    mallory,
    async close() {
      await connection.close();
      await double.close();
      await discord.close();
    },
  };
}

export async function until<T>(look: () => T | null | undefined | false): Promise<T> {
  for (let tries = 0; tries < 800; tries++) {
    const found = look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error('nothing came of it in twenty seconds');
}

/** As the flow does it: the row is committed, the platform shows it. */
export async function show(harness: Pick<Harness, 'double' | 'connection'>, ...posts: Post[]): Promise<string[]> {
  const refs: string[] = [];
  for (const post of posts) {
    await harness.double.put(post);
    refs.push(await harness.connection.deliver(post));
  }
  return refs;
}

/** The message of a post, by the key that stands below it. */
export function messageOf(discord: DiscordDouble, key: string): Message {
  const all = [...discord.world.channels.values()].flatMap(channel => channel.messages);
  const found = all.find(one => (one.body.embeds ?? []).some(embed => embed.footer?.text === key));
  if (found === undefined) throw new Error(`no message is marked ${key}`);
  return found;
}

/** What the person is told. */
export function toldBy(one: Interaction): string {
  if (one.first === null) return '';
  return one.reply === null ? '' : readMessage(one.reply.body).plain;
}

export async function openContractHarness(): Promise<ChatHarness> {
  const harness = await openHarness();
  const { discord } = harness;
  const messages = (root: Post) => discord.thread(messageOf(discord, root.key).id);

  async function press(post: Post, label: string, who: Member, reason?: string): Promise<string> {
    const message = messageOf(discord, post.key);
    const pressed = await discord.press(message, label, who);
    if (pressed.modal === null) return toldBy(pressed);
    return toldBy(await discord.submit(pressed, reason === undefined ? {} : { reason }, who, message));
  }

  // The suite's posts name no platform of their own.
  const here = (post: Post): Post => ({ ...post, platform: 'discord' });
  const { put } = harness.double;
  harness.double.put = (...posts) => put(...posts.map(here));
  return {
    double: harness.double,
    platform,
    bare: harness.bare,
    openChannel: name => addChannel(discord.world.channels, name),
    connection: { ...harness.connection, deliver: (post, root) => harness.connection.deliver(here(post), root) },
    thread: async root => messages(root).map(message => readMessage(message.body).plain),
    active: async root => messages(root).flatMap(message => readMessage(message.body).active),
    press: (post, label, reason) => press(post, label, harness.alice, reason),
    pressAsStranger: (post, label) => press(post, label, harness.mallory),
    async close() {
      await harness.close();
      if (discord.world.violations.length > 0) throw new Error(discord.world.violations.join('\n'));
    },
  };
}
