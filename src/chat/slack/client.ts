import type { webApi } from '@slack/bolt';
import type { Log } from '../../kernel/log.ts';
import type { ChatHost } from '../../ports/chat.ts';

/** How long one call may take, milliseconds. The SDK itself would wait for ever. */
export const callTimeout = 10_000;

export type SlackClient = webApi.WebClient;

/** How every client of this platform calls: no retries and no waiting of its own, because flow/deliver/deliver.ts paces and repeats. */
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

/** What the SDK says goes to our log without its arguments' noise; texts of messages stay out of it. */
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
