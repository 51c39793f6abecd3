/** What a workspace of Slack holds, as the double keeps it. Nothing of it is typed by the SDK: the wire is what counts. */
export interface SlackMessage {
  channel: string;
  ts: string;
  thread_ts?: string;
  user: string;
  bot_id?: string;
  text: string;
  blocks: Json[];
  attachments: Json[];
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  reactions: Set<string>;
  files?: { id: string; name: string }[];
  edits: number;
}

// biome-ignore lint/suspicious/noExplicitAny: payloads of Slack are looked into by tests, each in its own shape
export type Json = any;

export interface SlackUser {
  id: string;
  team_id: string;
  name: string;
  deleted?: boolean;
  is_bot?: boolean;
  is_restricted?: boolean;
  is_ultra_restricted?: boolean;
  is_stranger?: boolean;
}

export interface SlackChannel {
  id: string;
  name: string;
  private: boolean;
  /** Whether the bot is in it. */
  member: boolean;
  archived?: boolean;
}

export interface SlackView {
  id: string;
  hash: string;
  user: string;
  body: Json;
}

/** What one person was told privately, in order. */
export interface Told {
  user: string;
  how: 'ephemeral' | 'response_url' | 'direct' | 'modal' | 'errors' | 'home';
  channel: string | null;
  thread: string | null;
  text: string;
  body: Json;
}

export interface World {
  team: string;
  bot: { user: string; bot: string; app: string };
  botToken: string;
  appToken: string;
  /** The scopes of the bot token; a test takes some away. */
  scopes: Set<string>;
  appScopes: Set<string>;
  users: Map<string, SlackUser>;
  channels: Map<string, SlackChannel>;
  usergroups: Map<string, { id: string; handle: string; users: string[] }>;
  messages: SlackMessage[];
  views: Map<string, SlackView>;
  homes: Map<string, Json>;
  triggers: Map<string, { user: string; at: number; used: boolean }>;
  responseUrls: Map<string, { user: string; at: number; uses: number; channel: string }>;
  files: Map<
    string,
    { name: string; length: number; bytes: Buffer | null; shared: { channel: string; thread: string | null }[] }
  >;
  told: Told[];
  /** Scopes that something needed, whether it was granted or not. */
  needed: Set<string>;
  next(prefix: string): string;
  ts(): string;
}

export const allScopes = [
  'app_mentions:read',
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'files:write',
  'groups:history',
  'groups:read',
  'reactions:write',
  'usergroups:read',
  'users:read',
];

export function createWorld(): World {
  let count = 0;
  let micros = 0;
  const user = (id: string, name: string, over: Partial<SlackUser> = {}) =>
    [id, { id, name, team_id: 'T0ACME', ...over }] as const;
  const channel = (id: string, name: string, over: Partial<SlackChannel> = {}) =>
    [id, { id, name, private: false, member: true, ...over }] as const;
  return {
    team: 'T0ACME',
    bot: { user: 'U0BOT', bot: 'B0BOT', app: 'A0TOCSIN' },
    botToken: 'xoxb-double-bot-token',
    appToken: 'xapp-double-app-token',
    scopes: new Set(allScopes),
    appScopes: new Set(['connections:write']),
    users: new Map([
      user('U0ALICE', 'alice'),
      user('U0BOB', 'bob'),
      user('U0RITA', 'rita'),
      user('U0GUEST', 'guest', { is_restricted: true }),
      user('U0SINGLE', 'single', { is_ultra_restricted: true }),
      user('U0GONE', 'gone', { deleted: true }),
      user('U0ROBOT', 'robot', { is_bot: true }),
      user('U0FAR', 'far', { is_stranger: true, team_id: 'T0OTHER' }),
      user('U0NOBODY', 'nobody'),
    ]),
    channels: new Map([
      channel('C0ALERTS', 'alerts'),
      channel('C0OPS00', 'ops'),
      channel('C0SECRET', 'secret', { private: true }),
      channel('C0ELSEWHERE', 'elsewhere', { member: false }),
      channel('C0OLD00', 'old', { archived: true }),
    ]),
    usergroups: new Map([['S0SRE', { id: 'S0SRE', handle: 'sre', users: ['U0ALICE', 'U0BOB'] }]]),
    messages: [],
    views: new Map(),
    homes: new Map(),
    triggers: new Map(),
    responseUrls: new Map(),
    files: new Map(),
    told: [],
    needed: new Set(),
    next: prefix => `${prefix}${(++count).toString(36).toUpperCase().padStart(6, '0')}`,
    ts() {
      const now = Date.now() * 1000;
      micros = Math.max(micros + 1, now);
      return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
    },
  };
}
