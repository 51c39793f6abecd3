import type { REST, RouteLike } from 'discord.js';
import type { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { remedies } from './remedies.ts';

/** Discord's REST API, with time-outs, without queues of its own, and with errors that have a remedy. */
export interface Api {
  /**
   * Rejects with `chat-limited`, `chat-down` or `chat-refused`, as a delivery does; `discordCode` gives Discord's own code. The error's
   * `at` names what is rate-limited, or the channel that a refusal is about.
   */
  call<T>(schema: z.ZodType<T>, call: Call): Promise<T>;
  /** What is wrong with the token; null when Discord accepted it, or was not asked yet. */
  trouble(): string | null;
  close(): void;
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: RouteLike;
  body?: unknown;
  query?: Readonly<Record<string, string>>;
  files?: { name: string; data: Buffer; contentType: string }[];
  /** False for interactions, whose own token stands in the path. */
  auth?: boolean;
  at?: string;
}

export interface ApiParts {
  token: string;
  /** For example https://discord.com/api; null for Discord's own. */
  url: string | null;
  clock: Clock;
  /** The longest time for one request with its answer, milliseconds; for a file it is longer anyway. */
  timeout?: number;
}

/** Unknown channel, no access, no permission. */
const channelCodes = [10003, 50001, 50013];

type Discord = typeof import('discord.js');

/** The longest time for one request with its body, milliseconds; a file takes longer. */
const longest = { plain: 10_000, file: 60_000 };
/** The back-off after Discord refused the token, milliseconds: many refused requests get the IP address banned. */
const pause = { first: 15_000, most: 600_000 };

export function createApi(discord: Discord, parts: ApiParts): Api {
  const end = new AbortController();
  const rest = createRest(discord, parts, {});
  // Answers to interactions do not count against the bot's limit of 50 requests a second.
  const answers = createRest(discord, parts, { globalRequestsPerSecond: Number.POSITIVE_INFINITY });
  let refused: { times: number; until: number } | null = null;

  async function call<T>(schema: z.ZodType<T>, one: Call): Promise<T> {
    const auth = one.auth !== false;
    if (end.signal.aborted) throw new TocsinError('chat-down', { message: 'The connection to Discord is closed.' });
    if (auth && refused !== null && parts.clock.monotonic() < refused.until)
      throw badToken(refused.until - parts.clock.monotonic());
    try {
      const found = await request(auth ? rest : answers, one, end.signal, parts.timeout ?? longest.plain);
      if (auth) refused = null;
      return schema.parse(found);
    } catch (error) {
      const status = error instanceof discord.DiscordAPIError ? error.status : 0;
      if (!auth || status !== 401) throw classify(discord, error, one);
      // The library drops a refused token. It may become valid again: Discord had outages of that kind.
      rest.setToken(parts.token);
      const times = (refused?.times ?? 0) + 1;
      refused = { times, until: parts.clock.monotonic() + Math.min(pause.most, pause.first * 2 ** (times - 1)) };
      throw badToken(refused.until - parts.clock.monotonic());
    }
  }

  return {
    call,
    trouble: () => (refused === null ? null : remedies.token),
    close() {
      end.abort(new Error('closed'));
      for (const one of [rest, answers]) {
        one.clearHashSweeper();
        one.clearHandlerSweeper();
      }
    },
  };
}

function createRest(discord: Discord, { token, url }: ApiParts, more: { globalRequestsPerSecond?: number }): REST {
  const options = {
    ...(url === null ? {} : { api: url.replace(/\/$/, '') }),
    // The flow does rate limiting and retries: a queue here would delay decisions behind output.
    rejectOnRateLimit: () => true,
    retries: 0,
    timeout: longest.file,
    ...more,
  };
  return new discord.REST(options).setToken(token);
}

async function request(rest: REST, one: Call, closed: AbortSignal, plain: number): Promise<unknown> {
  const { method, path, body, query, files, auth } = one;
  // The library's time-out covers only the headers of the answer; this one covers its body too.
  const signal = AbortSignal.any([closed, AbortSignal.timeout(files === undefined ? plain : longest.file)]);
  return rest.request({
    method: method as never,
    fullRoute: path,
    signal,
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { query: new URLSearchParams(query) }),
    ...(files === undefined ? {} : { files }),
    ...(auth === undefined ? {} : { auth }),
  });
}

function badToken(wait: number): TocsinError {
  return new TocsinError('chat-down', { message: remedies.token, remedy: remedies.tokenPage, retryAfter: wait });
}

function classify(discord: Discord, error: unknown, { at, method, path, files }: Call): TocsinError {
  if (error instanceof discord.RateLimitError) {
    const wait = Math.max(error.retryAfter, error.timeToReset, error.sublimitTimeout, 250);
    return new TocsinError('chat-limited', { retryAfter: wait, at: error.global ? 'all' : (at ?? `method ${method}`) });
  }
  if (error instanceof discord.DiscordAPIError) {
    const what = remedies.ofCode(Number(error.code), error.message);
    // A refused file or a deleted message says nothing about the channel.
    const place = channelCodes.includes(Number(error.code)) && files === undefined && at !== undefined ? { at } : {};
    return new TocsinError('chat-refused', { ...what, ...place, cause: error });
  }
  const said =
    error instanceof discord.HTTPError
      ? `Discord answered ${error.status}`
      : `Discord gave no answer: ${messageOf(error)}`;
  return new TocsinError('chat-down', {
    message: `${said} (${method} ${path.replace(/\/[\w-]{60,}/g, '/…')}).`,
    cause: error,
  });
}

/** Discord's own code of a refusal, for example 10008 for an unknown message; null for other errors. */
export function discordCode(error: unknown): number | null {
  if (!(error instanceof TocsinError) || error.code !== 'chat-refused') return null;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : null;
}
