import { readable } from './markup.ts';
import { refuseMessage, refuseView } from './rules.ts';
import type { Json, SlackMessage, World } from './world.ts';

/** The Web API, as far as it is used: what it needs, what it refuses and what it does. */
export interface Method {
  /** `app` methods take the app-level token. */
  token: 'bot' | 'app';
  scopes(args: Json, world: World): string[];
  run(args: Json, world: World): Json;
}

export class Refused extends Error {
  readonly messages: string[];
  constructor(error: string, messages: string[] = []) {
    super(error);
    this.messages = messages;
  }
}

/** How long a `trigger_id` lives, milliseconds. */
export const triggerLife = 3000;

const bot = (scopes: string[], run: Method['run']): Method => ({ token: 'bot', scopes: () => scopes, run });

function channelOf(args: Json, world: World) {
  const channel = world.channels.get(args.channel ?? args.channel_id);
  if (channel === undefined || (channel.private && !channel.member)) throw new Refused('channel_not_found');
  if (channel.archived) throw new Refused('is_archived');
  if (!channel.member) throw new Refused('not_in_channel');
  return channel;
}

function history(args: Json, world: World): string[] {
  return [world.channels.get(args.channel)?.private === true ? 'groups:history' : 'channels:history'];
}

function check(args: Json, what: 'post' | 'update' | 'ephemeral'): void {
  const refusal = refuseMessage(args, what);
  if (refusal !== null) throw new Refused(refusal.error, refusal.messages);
}

function checkThread(args: Json, world: World): void {
  if (args.thread_ts !== undefined && !isThere(args, world)) throw new Refused('thread_not_found');
}

/** A thread is there while its root is, and while replies keep the stub of a deleted root. */
function isThere(args: Json, world: World): boolean {
  const [channel, thread] = [args.channel, args.thread_ts];
  return world.messages.some(one => one.channel === channel && (one.ts === thread || one.thread_ts === thread));
}

function contentOf(args: Json) {
  const { text = '', blocks = [], attachments = [] } = args;
  return { text, blocks, attachments };
}

function post(args: Json, world: World): Json {
  check(args, 'post');
  if (world.users.has(args.channel)) return direct(args, world);
  channelOf(args, world);
  const message: SlackMessage = {
    channel: args.channel,
    ts: world.ts(),
    user: world.bot.user,
    bot_id: world.bot.bot,
    ...contentOf(args),
    reactions: new Set(),
    edits: 0,
    // A reply to a message that is not there is taken all the same, and stands in the channel.
    ...(args.thread_ts !== undefined && isThere(args, world) ? { thread_ts: args.thread_ts } : {}),
    ...(args.metadata === undefined ? {} : { metadata: args.metadata }),
  };
  world.messages.push(message);
  const { ts, thread_ts, text } = message;
  return { channel: message.channel, ts, message: { type: 'message', ts, text, ...(thread_ts ? { thread_ts } : {}) } };
}

/** Only what the app posted itself. */
function remove(args: Json, world: World): Json {
  channelOf(args, world);
  const message = messageAt(args.channel, args.ts, world);
  if (message.bot_id !== world.bot.bot) throw new Refused('cant_delete_message');
  world.messages.splice(world.messages.indexOf(message), 1);
  return { channel: args.channel, ts: args.ts };
}

function direct(args: Json, world: World): Json {
  world.told.push({ user: args.channel, how: 'direct', channel: null, thread: null, text: readable(args), body: args });
  return { channel: `D${args.channel.slice(1)}`, ts: world.ts() };
}

function update(args: Json, world: World): Json {
  channelOf(args, world);
  const message = messageAt(args.channel, args.ts, world);
  if (message.bot_id !== world.bot.bot) throw new Refused('cant_update_message');
  check(args, 'update');
  Object.assign(message, contentOf(args), args.metadata === undefined ? {} : { metadata: args.metadata });
  message.edits += 1;
  return { channel: message.channel, ts: message.ts };
}

function messageAt(channel: string, ts: string, world: World): SlackMessage {
  const found = world.messages.find(one => one.channel === channel && one.ts === ts);
  if (found === undefined) throw new Refused('message_not_found');
  return found;
}

function ephemeral(args: Json, world: World): Json {
  check(args, 'ephemeral');
  channelOf(args, world);
  checkThread(args, world);
  if (!world.users.has(args.user)) throw new Refused('user_not_in_channel');
  const { channel, user, thread_ts: thread = null } = args;
  world.told.push({ user, how: 'ephemeral', channel, thread, text: readable(args), body: args });
  return { message_ts: world.ts() };
}

function listMessages(args: Json, world: World, of: (message: SlackMessage) => boolean): Json {
  channelOf(args, world);
  const oldest = Number(args.oldest ?? 0);
  const shown = world.messages.filter(one => one.channel === args.channel && of(one) && Number(one.ts) >= oldest);
  const start = Number(args.cursor ?? 0);
  const limit = Math.min(Number(args.limit ?? 100), 999);
  const messages = shown.slice(start, start + limit).map(one => ({
    ts: one.ts,
    user: one.user,
    text: one.text,
    ...(one.bot_id === undefined ? {} : { bot_id: one.bot_id }),
    ...(one.thread_ts === undefined ? {} : { thread_ts: one.thread_ts }),
    ...(args.include_all_metadata && one.metadata !== undefined ? { metadata: one.metadata } : {}),
    ...(one.files === undefined ? {} : { files: one.files }),
  }));
  const more = start + limit < shown.length;
  return { messages, has_more: more, response_metadata: { next_cursor: more ? String(start + limit) : '' } };
}

function replies(args: Json, world: World): Json {
  messageAtThread(args, world);
  return listMessages(args, world, one => one.ts === args.ts || one.thread_ts === args.ts);
}

function messageAtThread(args: Json, world: World): void {
  if (!isThere({ channel: args.channel, thread_ts: args.ts }, world)) throw new Refused('thread_not_found');
}

function react(what: 'add' | 'remove') {
  return (args: Json, world: World): Json => {
    channelOf(args, world);
    const { reactions } = messageAt(args.channel, args.timestamp, world);
    if (what === 'add' && reactions.has(args.name)) throw new Refused('already_reacted');
    if (what === 'remove' && !reactions.has(args.name)) throw new Refused('no_reaction');
    reactions[what === 'add' ? 'add' : 'delete'](args.name);
    return {};
  };
}

function openView(args: Json, world: World): Json {
  const trigger = world.triggers.get(args.trigger_id);
  if (trigger === undefined) throw new Refused('invalid_trigger_id');
  if (trigger.used) throw new Refused('exchanged_trigger_id');
  if (Date.now() - trigger.at > triggerLife) throw new Refused('expired_trigger_id');
  checkView(args.view);
  trigger.used = true;
  const view = { id: world.next('V'), hash: world.next('h'), user: trigger.user, body: args.view };
  world.views.set(view.id, view);
  return { view: { id: view.id, hash: view.hash } };
}

function checkView(view: Json): void {
  const faults = refuseView(view);
  if (faults.length > 0)
    throw new Refused(
      'invalid_arguments',
      faults.map(fault => `[ERROR] ${fault}`),
    );
}

function updateView(args: Json, world: World): Json {
  const view = world.views.get(args.view_id);
  if (view === undefined) throw new Refused('not_found');
  if (args.hash !== undefined && args.hash !== view.hash) throw new Refused('hash_conflict');
  checkView(args.view);
  replaceView(view.id, args.view, world);
  return { view: { id: view.id } };
}

/** Also done by an acknowledgement. */
export function replaceView(id: string, body: Json, world: World): void {
  const view = world.views.get(id);
  if (view === undefined) throw new Refused('not_found');
  checkView(body);
  Object.assign(view, { body, hash: world.next('h') });
  const inputs = (body.blocks ?? []).some((block: Json) => block.type === 'input');
  if (!inputs)
    world.told.push({ user: view.user, how: 'modal', channel: null, thread: null, text: readable(body), body });
}

function publish(args: Json, world: World): Json {
  checkView(args.view);
  if (args.view.type !== 'home') throw new Refused('invalid_arguments');
  if (!world.users.has(args.user_id)) throw new Refused('user_not_found');
  world.homes.set(args.user_id, args.view);
  world.told.push({
    user: args.user_id,
    how: 'home',
    channel: null,
    thread: null,
    text: readable(args.view),
    body: args.view,
  });
  return {};
}

function uploadUrl(args: Json, world: World): Json {
  if (!args.filename || !(Number(args.length) > 0)) throw new Refused('invalid_arguments');
  const id = world.next('F');
  world.files.set(id, { name: args.filename, length: Number(args.length), bytes: null, shared: [] });
  return { file_id: id, upload_url: `{self}/upload/${id}` };
}

function completeUpload(args: Json, world: World): Json {
  const { channel_id: channel, thread_ts: thread } = args;
  channelOf(args, world);
  if (thread !== undefined) checkThread({ channel, thread_ts: thread }, world);
  for (const { id } of args.files) {
    const file = world.files.get(id);
    if (file?.bytes == null) throw new Refused('file_not_found');
    if (file.bytes.length !== file.length) throw new Refused('file_upload_size_mismatch');
    file.shared.push({ channel, thread: thread ?? null });
    const message: SlackMessage = {
      channel,
      ts: world.ts(),
      user: world.bot.user,
      bot_id: world.bot.bot,
      text: '',
      blocks: [],
      attachments: [],
      reactions: new Set(),
      edits: 0,
      files: [{ id, name: file.name }],
      ...(thread === undefined ? {} : { thread_ts: thread }),
    };
    world.messages.push(message);
  }
  return { files: args.files };
}

function listChannels(args: Json, world: World): Json {
  const types = String(args.types ?? 'public_channel').split(',');
  const shown = [...world.channels.values()].filter(
    one =>
      types.includes(one.private ? 'private_channel' : 'public_channel') &&
      !(args.exclude_archived && one.archived) &&
      (!one.private || one.member),
  );
  return {
    channels: shown.map(one => ({
      id: one.id,
      name: one.name,
      is_member: one.member,
      is_private: one.private,
      is_archived: one.archived === true,
    })),
    response_metadata: { next_cursor: '' },
  };
}

export const methods: Record<string, Method> = {
  'auth.test': bot([], (_args, world) => ({
    url: 'https://acme.slack.com/',
    team: 'Acme',
    user: 'tocsin',
    team_id: world.team,
    user_id: world.bot.user,
    bot_id: world.bot.bot,
  })),
  'apps.connections.open': {
    token: 'app',
    scopes: () => ['connections:write'],
    run: (_args, world) => ({ url: `{socket}/link/${world.next('L')}` }),
  },
  'chat.postMessage': bot(['chat:write'], post),
  'chat.update': bot(['chat:write'], update),
  'chat.delete': bot(['chat:write'], remove),
  'chat.postEphemeral': bot(['chat:write'], ephemeral),
  'conversations.list': {
    token: 'bot',
    scopes: args => (String(args.types).includes('private') ? ['channels:read', 'groups:read'] : ['channels:read']),
    run: listChannels,
  },
  'conversations.history': {
    token: 'bot',
    scopes: history,
    run: (args, world) => listMessages(args, world, one => one.thread_ts === undefined),
  },
  'conversations.replies': { token: 'bot', scopes: history, run: replies },
  'users.info': bot(['users:read'], (args, world) => {
    const user = world.users.get(args.user);
    if (user === undefined) throw new Refused('user_not_found');
    return { user };
  }),
  'usergroups.list': bot(['usergroups:read'], (_args, world) => ({ usergroups: [...world.usergroups.values()] })),
  'usergroups.users.list': bot(['usergroups:read'], (args, world) => {
    const group = world.usergroups.get(args.usergroup);
    if (group === undefined) throw new Refused('no_such_subteam');
    return { users: group.users };
  }),
  'reactions.add': bot(['reactions:write'], react('add')),
  'reactions.remove': bot(['reactions:write'], react('remove')),
  'views.open': bot([], openView),
  'views.push': bot([], openView),
  'views.update': bot([], updateView),
  'views.publish': bot([], publish),
  'files.getUploadURLExternal': bot(['files:write'], uploadUrl),
  'files.completeUploadExternal': bot(['files:write'], completeUpload),
};
