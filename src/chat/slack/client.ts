import type { webApi } from '@slack/bolt';
import type { Log } from '../../kernel/log.ts';
import type { ChatHost } from '../../ports/chat.ts';

/** How long one call may take, milliseconds. The SDK itself has no time-out. */
export const callTimeout = 10_000;

export type SlackClient = webApi.WebClient;

/** Options of every Slack client: no retries and no waiting of its own, because flow/deliver/deliver.ts limits the rate and retries. */
export function clientOptions(
  host: Pick<ChatHost, 'env' | 'log'>,
  fetch: typeof globalThis.fetch = fetchInTime,
): webApi.WebClientOptions {
  const url = host.env('SLACK_API_URL');
  return {
    ...(url === undefined || url === '' ? {} : { slackApiUrl: url }),
    timeout: callTimeout,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: quietLogger(host.log),
    fetch,
  };
}

/** Also used by Bolt for response URLs, which have no time-out otherwise. */
export const fetchInTime: typeof globalThis.fetch = (url, init) =>
  globalThis.fetch(url, { ...init, signal: init?.signal ?? AbortSignal.timeout(callTimeout) });

/** Sends the SDK's messages to our log, without their arguments, which may hold texts of messages. */
export function quietLogger(log: Log): NonNullable<webApi.WebClientOptions['logger']> {
  const tell = (level: 'warn' | 'debug') => (message: unknown) =>
    log[level]({ said: String(message).slice(0, 300) }, 'the Slack SDK');
  return {
    debug() {},
    info() {},
    warn: tell('debug'),
    error: tell('debug'),
    setLevel() {},
    getLevel: () => 'error' as ReturnType<NonNullable<webApi.WebClientOptions['logger']>['getLevel']>,
    setName() {},
  };
}
