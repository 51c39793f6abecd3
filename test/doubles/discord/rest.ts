import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { respond } from './interactions.ts';
import { commands, type MessageBody, messageCreate, messageEdit } from './rules.ts';
import { type Channel, type Fault, type Message, snowflake, type World } from './world.ts';

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  files: { name: string; text: string }[];
}

/** Thrown by handlers: Discord's own error codes. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Handler = (world: World, request: Request, ids: readonly string[]) => Answer;

const id = '(\\d{17,20})';
const routes: readonly { method: string; path: RegExp; handle: Handler }[] = [
  route('GET', '/gateway/bot', world => ({ status: 200, body: gatewayOf(world) })),
  route('GET', '/applications/@me', world => ({ status: 200, body: { ...world.application, name: 'Tocsin' } })),
  route('GET', '/users/@me', world => ({ status: 200, body: { ...world.bot, bot: true } })),
  route('GET', `/channels/${id}/messages/${id}`, (world, _, [channel = '', message = '']) => ({
    status: 200,
    body: messageBody(world, findMessage(world, channel, message)),
  })),
  route('GET', '/users/@me/guilds', world => ({ status: 200, body: [world.guild] })),
  route('GET', `/guilds/${id}/channels`, world => ({
    status: 200,
    body: [...world.channels.values()].filter(one => one.type !== 11).map(channelBody),
  })),
  route('GET', `/guilds/${id}/roles`, world => ({ status: 200, body: world.roles })),
  route('GET', `/guilds/${id}/members/${id}`, (world, _, [, user = '']) => ({
    status: 200,
    body: memberBody(world, user),
  })),
  route('PUT', `/applications/${id}/guilds/${id}/commands`, putCommands),
  route('GET', `/channels/${id}`, (world, _, [channel = '']) => ({
    status: 200,
    body: channelBody(find(world, channel)),
  })),
  route('PATCH', `/channels/${id}`, (world, request, [channel = '']) => {
    const found = find(world, channel);
    if (found.locked === true) throw new Refusal(403, 50013, 'Missing Permissions');
    found.archived = (request.body as { archived?: boolean }).archived ?? found.archived;
    return { status: 200, body: channelBody(found) };
  }),
  route('GET', `/channels/${id}/messages`, listMessages),
  route('POST', `/channels/${id}/messages`, createMessage),
  route('PATCH', `/channels/${id}/messages/${id}`, editMessage),
  route('POST', `/channels/${id}/messages/${id}/threads`, startThread),
  route('PUT', `/channels/${id}/messages/${id}/reactions/([^/]+)/@me`, react),
  route('DELETE', `/channels/${id}/messages/${id}/reactions/([^/]+)/@me`, react),
  route('POST', `/interactions/${id}/([\\w-]+)/callback`, respond),
  route('PATCH', `/webhooks/${id}/([\\w-]+)/messages/@original`, respond),
];

function route(method: string, path: string, handle: Handler) {
  return { method, path: new RegExp(`^/api/v10${path}$`), handle };
}

/** Answers one request as Discord does: token, faults, rates, then the route. */
export async function serve(world: World, raw: IncomingMessage, reply: ServerResponse): Promise<void> {
  const url = new URL(raw.url ?? '/', 'http://double');
  const method = raw.method ?? 'GET';
  const path = decodeURIComponent(url.pathname);
  const parsed = await readBody(raw);
  const request: Request = { method, path, query: url.searchParams, ...parsed };
  const fault = takeFault(world, method, path);
  if (fault?.how === 'hang') return;
  const answer = fault === null || fault.how === 'lost' ? answerTo(world, request, raw) : faultAnswer(fault);
  world.requests.push({ method, path, status: answer.status });
  if (fault?.how === 'lost') return void raw.socket.destroy();
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
  reply.writeHead(answer.status, { ...(text === '' ? {} : { 'content-type': 'application/json' }), ...answer.headers });
  reply.end(text);
}

function answerTo(world: World, request: Request, raw: IncomingMessage): Answer {
  const open = /\/(interactions|webhooks)\//.test(request.path);
  if (!open && raw.headers.authorization !== `Bot ${world.token}`)
    return { status: 401, body: { message: '401: Unauthorized', code: 0 } };
  const limited = open ? null : countRequest(world, request);
  if (limited?.status === 429) return limited;
  for (const { method, path, handle } of routes) {
    const match = method === request.method ? path.exec(request.path) : null;
    if (match === null) continue;
    try {
      return { headers: limited?.headers ?? {}, ...handle(world, request, match.slice(1)) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return {
        status: error.status,
        body: { message: error.message, code: error.code },
        headers: limited?.headers ?? {},
      };
    }
  }
  world.violations.push(`no such route: ${request.method} ${request.path}`);
  return { status: 404, body: { message: '404: Not Found', code: 0 } };
}

async function readBody(raw: IncomingMessage): Promise<Pick<Request, 'body' | 'files'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of raw) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const type = raw.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/'))
    return { body: bytes.length === 0 ? undefined : JSON.parse(bytes.toString()), files: [] };
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const files: { name: string; text: string }[] = [];
  for (const [name, value] of form) {
    if (name.startsWith('files[') && typeof value !== 'string')
      files.push({ name: value.name, text: await value.text() });
  }
  return { body: JSON.parse(String(form.get('payload_json') ?? '{}')), files };
}

function takeFault(world: World, method: string, path: string): Fault | null {
  const found = world.faults.find(one => one.times > 0 && one.method === method && one.path.test(path));
  if (found === undefined) return null;
  found.times--;
  return found;
}

function faultAnswer(fault: Fault): Answer {
  if (fault.how === 'error') return { status: 503, body: { message: 'upstream connect error' } };
  if (fault.how === 'unauthorised') return { status: 401, body: { message: '401: Unauthorized', code: 0 } };
  return tooMany(fault.retryAfter ?? 1, fault.how === 'global');
}

function tooMany(retryAfter: number, global: boolean): Answer {
  const headers = {
    'retry-after': String(retryAfter),
    'x-ratelimit-scope': global ? 'global' : 'user',
    ...(global ? { 'x-ratelimit-global': 'true' } : {}),
  };
  return { status: 429, headers, body: { message: 'You are being rate limited.', retry_after: retryAfter, global } };
}

const windows = new WeakMap<World, Map<string, { from: number; count: number }>>();

/** A fixed window per method and channel for messages, and one for everything. The headers say what is left, as Discord's do. */
function countRequest(world: World, request: Request): Answer | null {
  if (count(world, 'global', 1000) > world.limits.global) return tooMany(1, true);
  const match = /\/channels\/(\d+)\/messages(\/\d+)?$/.exec(request.path);
  if (match === null || request.method === 'GET') return null;
  const { messages, per } = world.limits;
  const key = `${request.method} ${match[1]}`;
  const used = count(world, key, per);
  const left = ((windows.get(world)?.get(key)?.from ?? 0) + per - world.now()) / 1000;
  if (used > messages) return tooMany(left, false);
  const headers = {
    'x-ratelimit-limit': String(messages),
    'x-ratelimit-remaining': String(messages - used),
    'x-ratelimit-reset-after': String(left),
    'x-ratelimit-bucket': `messages-${request.method.toLowerCase()}`,
  };
  return { status: 0, headers };
}

function count(world: World, key: string, per: number): number {
  const all = windows.get(world) ?? new Map<string, { from: number; count: number }>();
  windows.set(world, all);
  const now = world.now();
  const known = all.get(key);
  const one = known === undefined || now >= known.from + per ? { from: now, count: 0 } : known;
  all.set(key, one);
  return ++one.count;
}

function gatewayOf(world: World) {
  return {
    url: gateways.get(world) ?? '',
    shards: 1,
    session_start_limit: { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 1 },
  };
}

/** Where the gateway of a world listens. */
export const gateways = new WeakMap<World, string>();

function find(world: World, channel: string): Channel {
  const found = world.channels.get(channel);
  if (found === undefined) throw new Refusal(404, 10003, 'Unknown Channel');
  return found;
}

function findMessage(world: World, channel: string, message: string): Message {
  const found = find(world, channel).messages.find(one => one.id === message);
  if (found === undefined) throw new Refusal(404, 10008, 'Unknown Message');
  return found;
}

function memberBody(world: World, user: string) {
  const member = world.members.get(user);
  if (member === undefined) throw new Refusal(404, 10007, 'Unknown Member');
  return {
    user: { id: member.id, username: member.name, bot: member.bot },
    roles: member.roles,
    pending: member.pending,
  };
}

function channelBody(channel: Channel) {
  return {
    id: channel.id,
    name: channel.name,
    type: channel.type,
    parent_id: channel.parent,
    ...(channel.type === 11
      ? {
          thread_metadata: { archived: channel.archived, locked: channel.locked === true, auto_archive_duration: 1440 },
        }
      : {}),
  };
}

export function messageBody(world: World, message: Message) {
  return {
    id: message.id,
    channel_id: message.channel,
    author: { id: message.author, username: world.bot.username, bot: true },
    type: 0,
    timestamp: new Date(message.at).toISOString(),
    content: message.body.content ?? '',
    embeds: message.body.embeds ?? [],
    components: message.body.components ?? [],
    attachments: message.files.map((file, index) => ({
      id: String(index),
      filename: file.name,
      size: file.text.length,
    })),
    reactions: [...message.reactions].map(([name, by]) => ({
      emoji: { id: null, name },
      count: by.size,
      me: by.has(world.bot.id),
    })),
  };
}

function check<T>(world: World, schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  world.violations.push(`invalid body: ${parsed.error.message}`);
  throw new Refusal(400, 50035, `Invalid Form Body: ${parsed.error.message}`);
}

function createMessage(world: World, request: Request, [channel = '']: readonly string[]): Answer {
  const place = find(world, channel);
  if (world.lacks.has('send')) throw new Refusal(403, 50013, 'Missing Permissions');
  if (request.files.length > 0 && world.lacks.has('attach')) throw new Refusal(403, 50013, 'Missing Permissions');
  // Public reports disagree about the code; what is certain is that nothing is posted.
  if (place.locked === true && place.archived) throw refusalOfLocked(world);
  const { nonce, enforce_nonce, ...body } = check(world, messageCreate, request.body);
  notEmpty(body, request.files.length);
  const same = enforce_nonce === true && nonce !== undefined ? recent(world, place, nonce) : undefined;
  if (same !== undefined) return { status: 200, body: messageBody(world, same) };
  place.archived = false;
  const message: Message = {
    id: snowflake(world.now()),
    channel,
    author: world.bot.id,
    body,
    files: request.files,
    reactions: new Map(),
    nonce: nonce ?? null,
    at: world.now(),
    edits: 0,
  };
  place.messages.push(message);
  return { status: 200, body: messageBody(world, message) };
}

function refusalOfLocked({ lockedSays }: World): Refusal {
  return lockedSays === 50013
    ? new Refusal(403, 50013, 'Missing Permissions')
    : new Refusal(400, 50083, 'Thread is archived');
}

/** Discord remembers nonces for a few minutes. */
const nonceKept = 180_000;

function recent(world: World, place: Channel, nonce: string): Message | undefined {
  return place.messages.find(one => one.nonce === nonce && world.now() - one.at < nonceKept);
}

function notEmpty(body: Omit<MessageBody, 'nonce'>, files: number): void {
  if ((body.content ?? '') === '' && (body.embeds ?? []).length === 0 && files === 0)
    throw new Refusal(400, 50006, 'Cannot send an empty message');
}

function editMessage(world: World, request: Request, [channel = '', id = '']: readonly string[]): Answer {
  const message = findMessage(world, channel, id);
  if (message.author !== world.bot.id) throw new Refusal(403, 50005, 'Cannot edit a message authored by another user');
  if (find(world, channel).archived) throw new Refusal(400, 50083, 'Thread is archived');
  message.body = { ...message.body, ...check(world, messageEdit, request.body) };
  message.edits++;
  return { status: 200, body: messageBody(world, message) };
}

function listMessages(world: World, request: Request, [channel = '']: readonly string[]): Answer {
  const { messages } = find(world, channel);
  if (world.lacks.has('history')) throw new Refusal(403, 50001, 'Missing Access');
  const limit = Number(request.query.get('limit') ?? 50);
  if (limit < 1 || limit > 100) throw new Refusal(400, 50035, 'Invalid Form Body');
  const after = request.query.get('after');
  const before = request.query.get('before');
  const newer = after === null ? messages : messages.filter(one => BigInt(one.id) > BigInt(after));
  const older = before === null ? newer : newer.filter(one => BigInt(one.id) < BigInt(before));
  const page = after === null ? older.slice(-limit) : older.slice(0, limit);
  return { status: 200, body: page.toReversed().map(one => messageBody(world, one)) };
}

function startThread(world: World, request: Request, [channel = '', id = '']: readonly string[]): Answer {
  findMessage(world, channel, id);
  if (world.lacks.has('threads')) throw new Refusal(403, 50013, 'Missing Permissions');
  const { name } = request.body as { name?: string };
  if (name === undefined || name.trim() === '' || name.length > 100)
    throw new Refusal(400, 50035, 'Invalid Form Body: name');
  if (world.channels.has(id)) throw new Refusal(400, 160004, 'A thread has already been created for this message');
  const thread: Channel = { id, name, type: 11, parent: channel, archived: false, messages: [] };
  world.channels.set(id, thread);
  return { status: 201, body: channelBody(thread) };
}

function react(world: World, request: Request, [channel = '', id = '', emoji = '']: readonly string[]): Answer {
  const message = findMessage(world, channel, id);
  if (world.lacks.has('react')) throw new Refusal(403, 50013, 'Missing Permissions');
  const by = message.reactions.get(emoji) ?? new Set();
  if (request.method === 'PUT') by.add(world.bot.id);
  else by.delete(world.bot.id);
  if (by.size > 0) message.reactions.set(emoji, by);
  else message.reactions.delete(emoji);
  return { status: 204 };
}

function putCommands(world: World, request: Request): Answer {
  if (world.lacks.has('commands')) throw new Refusal(403, 50001, 'Missing Access');
  world.commands = check(world, commands, request.body);
  return {
    status: 200,
    body: world.commands.map(one => ({ ...one, id: snowflake(), application_id: world.application.id })),
  };
}
