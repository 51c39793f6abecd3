import type { Client, IShardingStrategy } from 'discord.js';
import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { remedies } from './remedies.ts';

/**
 * Receives events and interactions over Discord's gateway. Of several nodes only the holder of the lease opens it; posts do not depend
 * on it.
 */
export interface Gateway {
  /** Starts to connect, and to connect again whenever it is lost, with back-off. */
  open(): void;
  close(): Promise<void>;
  /** Why nothing is received; null when well, when closed, and during the first seconds. */
  trouble(): string | null;
}

export interface GatewayParts {
  discord: Discord;
  token: string;
  url: string | null;
  host: ChatHost;
  /** Called each time that the connection becomes ready for events. */
  onReady(): void;
  onEvent(name: string, data: unknown): void;
}

type Discord = typeof import('discord.js');

interface Events {
  on(name: 'hello' | 'ready' | 'resumed' | 'closed', listener: (facts: { code?: number }) => void): void;
}
type Manager = Parameters<NonNullable<NonNullable<ConstructorParameters<typeof Client>[0]['ws']>['buildStrategy']>>[0];

/** Back-off between two attempts, milliseconds; `refused` is for what does not pass by itself, such as a wrong token. */
const pauses = { lost: { first: 1000, most: 60_000 }, refused: { first: 60_000, most: 600_000 } } as const;
/** How long a close may take, milliseconds. */
const longestClose = 3000;
/** Time-outs of the TCP and WebSocket handshake, HELLO and READY, milliseconds. */
const timeouts = { handshake: 10_000, hello: 10_000, ready: 15_000 } as const;
const heard = [
  'INTERACTION_CREATE',
  'GUILD_ROLE_CREATE',
  'GUILD_ROLE_UPDATE',
  'GUILD_ROLE_DELETE',
  'CHANNEL_CREATE',
  'CHANNEL_UPDATE',
  'CHANNEL_DELETE',
];
/** 4004 wrong token, 4010 to 4012 sharding and version, 4013 and 4014 intents. */
const unrecoverable = [4004, 4010, 4011, 4012, 4013, 4014];

export function createGateway(parts: GatewayParts): Gateway {
  const { clock, log } = parts.host;
  let end: AbortController | null = null;
  let running: Promise<void> = Promise.resolve();
  let trouble: string | null = null;

  async function keepOpen(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const { because, code, wasReady } = await connectOnce(parts, signal, text => {
        trouble = text;
      }).catch(failedAttempt);
      if (signal.aborted) return;
      failures = wasReady ? 1 : failures + 1;
      trouble = because;
      log.warn({ code, failures }, `discord gateway: ${because}`);
      const pause = code !== null && unrecoverable.includes(code) ? pauses.refused : pauses.lost;
      await clock.sleep(pauseAfter(failures, pause), signal).catch(() => {});
    }
  }

  return {
    open() {
      if (end !== null) return;
      end = new AbortController();
      const { signal } = end;
      running = running.then(() => keepOpen(signal));
    },
    async close() {
      end?.abort(new Error('closed'));
      end = null;
      await running;
      trouble = null;
    },
    trouble: () => trouble,
  };
}

function pauseAfter(failures: number, { first, most }: { first: number; most: number }): number {
  return Math.min(most, first * 2 ** Math.min(failures - 1, 20));
}

/** An error that the library throws ends one attempt, never the process. */
function failedAttempt(error: unknown): Ended {
  return { because: `The Discord gateway failed: ${messageOf(error)}`, code: null, wasReady: false };
}

interface Ended {
  because: string;
  /** The gateway's close code, when it closed. */
  code: number | null;
  wasReady: boolean;
}

/** Runs one client from login until it cannot recover. The library handles short losses: it resumes the session. */
async function connectOnce(
  parts: GatewayParts,
  signal: AbortSignal,
  tell: (trouble: string | null) => void,
): Promise<Ended> {
  const ended = Promise.withResolvers<Omit<Ended, 'wasReady'>>();
  const line = createLine(parts, signal, {
    up: () => {
      tell(null);
      parts.onReady();
    },
    down: (code, failures) => {
      if (code !== null && unrecoverable.includes(code)) ended.resolve({ because: remedies.closed(code), code });
      // A quick resume is not reported.
      else if (failures > 2)
        tell(
          'The Discord gateway is lost; Tocsin tries to connect again. Presses and commands are not heard meanwhile.',
        );
    },
  });
  const client = createClient(parts, manager => line.strategy(manager));
  client.on('error', error => parts.host.log.warn({ err: error }, 'discord client'));
  for (const name of heard) client.ws.on(name as never, (data: unknown) => parts.onEvent(name, data));
  const stopped = () => ended.resolve({ because: 'closed', code: null });
  signal.addEventListener('abort', stopped, { once: true });
  if (signal.aborted) stopped();
  client.login(parts.token).catch(error => ended.resolve(loginTrouble(error)));
  const result = await ended.promise;
  signal.removeEventListener('abort', stopped);
  await line.release(() => client.destroy());
  return { ...result, wasReady: line.wasUp() };
}

function loginTrouble(error: unknown): Omit<Ended, 'wasReady'> {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const refused = code === 'TokenInvalid' || messageOf(error) === 'Authentication failed';
  if (refused) return { because: remedies.closed(4004), code: 4004 };
  return { because: `The Discord gateway cannot be reached: ${messageOf(error)}`, code: null };
}

function createClient({ discord, url }: GatewayParts, strategy: (manager: Manager) => IShardingStrategy): Client {
  const none = discord.Options.cacheWithLimits({
    MessageManager: 0,
    GuildMemberManager: 0,
    UserManager: 10,
    PresenceManager: 0,
    ReactionManager: 0,
    ThreadManager: 0,
    VoiceStateManager: 0,
  });
  return new discord.Client({
    intents: [discord.GatewayIntentBits.Guilds],
    rest: { ...(url === null ? {} : { api: url.replace(/\/$/, '') }), retries: 1, timeout: timeouts.handshake },
    makeCache: none,
    closeTimeout: 2000,
    allowedMentions: { parse: [] },
    ws: { buildStrategy: strategy },
  });
}

/** The connection of one client, with what the library lacks: a back-off between attempts, and a close after which it does not retry. */
function createLine(
  parts: GatewayParts,
  signal: AbortSignal,
  on: { up(): void; down(code: number | null, failures: number): void },
) {
  const { clock } = parts.host;
  let failures = 0;
  let wasUp = false;
  let released = false;
  /** Resolves when no handshake is under way, because the library must not be destroyed during one. */
  let shaking = Promise.withResolvers<void>();
  shaking.resolve();

  function up() {
    failures = 0;
    wasUp = true;
    on.up();
  }

  return {
    wasUp: () => wasUp,
    /** Destroys the client as soon as no handshake is under way. The wait is bounded. */
    async release(destroy: () => Promise<void>) {
      released = true;
      const enough = new AbortController();
      const late = clock.sleep(longestClose, enough.signal).catch(() => {});
      const done = shaking.promise.then(destroy).catch(error => {
        parts.host.log.warn({ err: error }, 'a connection to the Discord gateway did not end in order');
      });
      await Promise.race([done, late]);
      enough.abort(new Error('released'));
    },
    strategy(manager: Manager): IShardingStrategy {
      const { options } = manager;
      // The names are those of @discordjs/ws, whose enumeration the main package hides behind one of its own.
      const events = manager as unknown as Events;
      options.handshakeTimeout = timeouts.handshake;
      options.helloTimeout = timeouts.hello;
      options.readyTimeout = timeouts.ready;
      let connected = false;
      const retrieve = options.retrieveSessionInfo;
      // The library calls this before each attempt, so an attempt can be delayed or stopped here.
      options.retrieveSessionInfo = async id => {
        if (connected) return retrieve(id);
        // The first attempt has no delay (the library itself waits half a second), because a quick resume loses no press.
        if (failures > 1) await clock.sleep(pauseAfter(failures - 1, pauses.lost), signal).catch(() => {});
        if (released || signal.aborted) return new Promise(() => {});
        connected = true;
        shaking = Promise.withResolvers();
        return retrieve(id);
      };
      events.on('hello', () => shaking.resolve());
      events.on('ready', up);
      events.on('resumed', up);
      events.on('closed', ({ code = null }) => {
        shaking.resolve();
        connected = false;
        failures++;
        on.down(code, failures);
      });
      return new parts.discord.SimpleShardingStrategy(manager);
    },
  };
}
