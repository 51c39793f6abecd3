import type { CommandBody, MessageBody, ModalBody } from './rules.ts';

/** Everything that the double knows, as Discord would. */
export interface World {
  token: string;
  application: { id: string; interactions_endpoint_url: string | null };
  bot: { id: string; username: string };
  guild: { id: string; name: string };
  roles: { id: string; name: string }[];
  channels: Map<string, Channel>;
  members: Map<string, Member>;
  commands: CommandBody[];
  interactions: Map<string, Interaction>;
  /** Every request, in order. */
  requests: { method: string; path: string; status: number }[];
  /** What Discord would not notice or forgive, and a good client never does. */
  violations: string[];
  faults: Fault[];
  limits: { messages: number; per: number; global: number };
  /** How long an interaction waits for its first response, milliseconds: 3,000 in Discord, more where a busy machine must not fail a test. */
  patience: number;
  /** Permissions that the bot lacks; see `refusals` in rest.ts. */
  lacks: Set<'send' | 'threads' | 'react' | 'commands' | 'history' | 'attach'>;
  /** What a new message in a locked thread is answered with. */
  lockedSays: 50083 | 50013;
  /** The gateway ends each new connection with this close code after IDENTIFY. */
  closeWith: number | null;
  now(): number;
}

export interface Channel {
  id: string;
  name: string;
  type: 0 | 5 | 11 | 4;
  parent: string | null;
  archived: boolean;
  /** A moderator closed the thread: only who may manage threads opens it again. */
  locked?: boolean;
  messages: Message[];
}

export interface Message {
  id: string;
  channel: string;
  author: string;
  body: MessageBody;
  files: { name: string; text: string }[];
  reactions: Map<string, Set<string>>;
  nonce: string | null;
  at: number;
  edits: number;
}

export interface Member {
  id: string;
  name: string;
  bot: boolean;
  pending: boolean;
  roles: string[];
}

/** Something the double does instead of answering well, `times` times. `lost` does what was asked and then drops the line. */
export interface Fault {
  method: string;
  path: RegExp;
  how: 'limit' | 'global' | 'error' | 'lost' | 'hang' | 'unauthorised';
  times: number;
  /** Seconds. */
  retryAfter?: number;
}

export interface Interaction {
  id: string;
  token: string;
  kind: 'press' | 'slash' | 'complete' | 'modal';
  at: number;
  /** The type of the first response. */
  first: number | null;
  modal: ModalBody | null;
  /** What only the person sees. */
  reply: { body: Partial<MessageBody>; files: { name: string; text: string }[]; flags: number } | null;
  choices: { name: string; value: string }[] | null;
  /** Milliseconds until the first response. */
  ackAfter: number | null;
  settled: PromiseWithResolvers<void>;
}

let counter = 0;
const discordEpoch = 1_420_070_400_000;

/** Ids carry their time, as the SDK and the driver rely on. */
export function snowflake(at: number = Date.now()): string {
  counter = (counter + 1) % 4_194_304;
  return String((BigInt(Math.floor(at) - discordEpoch) << 22n) + BigInt(counter));
}

export function createWorld(over: Partial<World> = {}): World {
  const guild = { id: snowflake(), name: 'Operations' };
  const channels = new Map<string, Channel>();
  for (const name of ['alerts', 'ops', 'quiet']) addChannel(channels, name);
  return {
    token: 'discord-token.for.tests',
    application: { id: snowflake(), interactions_endpoint_url: null },
    bot: { id: snowflake(), username: 'tocsin' },
    guild,
    roles: [{ id: guild.id, name: '@everyone' }],
    channels,
    members: new Map(),
    commands: [],
    interactions: new Map(),
    requests: [],
    violations: [],
    faults: [],
    limits: { messages: 5, per: 5000, global: 50 },
    patience: 30_000,
    lacks: new Set(),
    lockedSays: 50083,
    closeWith: null,
    now: () => Date.now(),
    ...over,
  };
}

export function addChannel(channels: Map<string, Channel>, name: string): void {
  const id = snowflake();
  channels.set(id, { id, name, type: 0, parent: null, archived: false, messages: [] });
}

export function addMember(world: World, name: string, over: Partial<Member> = {}): Member {
  const member: Member = { id: snowflake(), name, bot: false, pending: false, roles: [], ...over };
  world.members.set(member.id, member);
  return member;
}

export function addRole(world: World, name: string, members: readonly Member[]): string {
  const id = snowflake();
  world.roles.push({ id, name });
  for (const member of members) member.roles.push(id);
  return id;
}
