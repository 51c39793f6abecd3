import { messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';

/** An error of the SDK, told apart by its stable `code`; see the errors of @slack/web-api. */
interface SlackFailure {
  code?: string;
  retryAfter?: number;
  statusCode?: number;
  data?: { error?: string; needed?: string; provided?: string; response_metadata?: { messages?: string[] } };
}

const settings = 'https://api.slack.com/apps';

/** Where each setting is found, for messages. */
const places = {
  token: `"OAuth & Permissions" of the app at ${settings}, "Bot User OAuth Token"; set SLACK_BOT_TOKEN to it`,
  appToken: `"Basic Information" of the app at ${settings}, "App-Level Tokens"; set SLACK_APP_TOKEN to one with the scope connections:write`,
  scopes: `"OAuth & Permissions" of the app at ${settings}, "Bot Token Scopes"; add it and install the app again (deploy/slack-manifest.yaml has them all)`,
};

const tokenErrors = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
  'team_access_not_granted',
  'org_login_required',
  'access_denied',
]);
/** Errors after which the outcome of the call is unknown: it may have had its effect. */
const openErrors = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);
const limitErrors = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

export function slackError(error: unknown): string | null {
  const { data } = shape(error);
  return data?.error ?? null;
}

/** True when the call may have had its effect in spite of the error, so that it must not be retried blindly. */
export function isAmbiguous(error: unknown): boolean {
  const { code, data, statusCode } = shape(error);
  if (code === 'slack_webapi_request_error') return true;
  if (code === 'slack_webapi_http_error') return (statusCode ?? 500) >= 500;
  return code === 'slack_webapi_platform_error' && isOpen(data?.error ?? '');
}

/** An answer that is not JSON, such as the page of a proxy, arrives as the text of an error. */
function isOpen(error: string): boolean {
  return openErrors.has(error) || !/^[a-z][a-z0-9_:-]*$/i.test(error);
}

/** The subject of a call, for its error. */
export interface CallPlace {
  method: string;
  /** The channel as the post names it. */
  channel?: string;
  /** Which token the call was made with. */
  token?: 'bot' | 'app';
}

/** Converts a failed call to an error of the port: `chat-limited`, `chat-down` or `chat-refused`, with a remedy. */
export function toChatError(error: unknown, place: CallPlace): TocsinError {
  if (error instanceof TocsinError) return error;
  const { code, retryAfter, statusCode } = shape(error);
  const said = slackError(error);
  if (code === 'slack_webapi_rate_limited_error') return limited(place, (retryAfter ?? 1) * 1000, error);
  if (said !== null && limitErrors.has(said)) return limited(place, 30_000, error);
  if (said !== null && !isOpen(said)) return fromPlatform(said, error, place);
  if (code === 'slack_webapi_http_error' && statusCode !== undefined && statusCode < 500)
    return refused(place, `HTTP ${statusCode}`, error);
  if (/Retry header/.test(messageOf(error))) return limited(place, 30_000, error);
  return new TocsinError('chat-down', {
    message: `Slack did not answer ${place.method}: ${shortReason(error)}.`,
    at: place.method,
    cause: error,
  });
}

function fromPlatform(said: string, error: unknown, place: CallPlace): TocsinError {
  const bot = place.token !== 'app';
  if (tokenErrors.has(said)) {
    const name = bot ? 'SLACK_BOT_TOKEN' : 'SLACK_APP_TOKEN';
    return new TocsinError('chat-down', {
      message: `Slack does not take ${name} (${said}).`,
      at: place.method,
      remedy: `Copy it from ${bot ? places.token : places.appToken}.`,
      cause: error,
    });
  }
  if (said === 'missing_scope') {
    const needed = shape(error).data?.needed ?? 'unknown';
    return new TocsinError('chat-down', {
      message: `The ${bot ? 'bot' : 'app'} token lacks the scope ${needed}, which ${place.method} needs.`,
      at: place.method,
      remedy: bot ? `See ${places.scopes}.` : `See ${places.appToken}.`,
      cause: error,
    });
  }
  if (said === 'thread_not_found') return new TocsinError('chat-root-gone', { at: place.method, cause: error });
  return refused(place, said, error);
}

function limited(place: CallPlace, retryAfter: number, cause: unknown): TocsinError {
  const posts = place.method === 'chat.postMessage' && place.channel !== undefined;
  return new TocsinError('chat-limited', {
    message: `Slack wants fewer calls of ${place.method}.`,
    at: posts ? `channel ${place.channel}` : `method ${place.method}`,
    retryAfter,
    cause,
  });
}

/** Errors of the channel and not of the message. */
const channelErrors = new Set([
  'channel_not_found',
  'not_in_channel',
  'is_archived',
  'restricted_action',
  'restricted_action_read_only_channel',
  'restricted_action_non_threadable_channel',
  'restricted_action_thread_only_channel',
]);

const remedies: Record<string, string> = {
  not_in_channel: 'Invite the bot: type /invite @Tocsin in the channel.',
  channel_not_found:
    'See the name in the routes of tocsin.yaml; a private channel is seen once the bot was invited to it.',
  is_archived: 'The channel is archived: route to another one.',
  restricted_action: 'An administrator of the workspace has limited who may post there.',
};

function refused(place: CallPlace, said: string, cause: unknown): TocsinError {
  const details = shape(cause).data?.response_metadata?.messages?.slice(0, 3).join(' ') ?? '';
  return new TocsinError('chat-refused', {
    message: `Slack refuses ${place.method}${place.channel === undefined ? '' : ` in ${place.channel}`}: ${said}.${details === '' ? '' : ` ${details.slice(0, 300)}`}`,
    at: place.channel !== undefined && channelErrors.has(said) ? `channel ${place.channel}` : place.method,
    ...(remedies[said] === undefined ? {} : { remedy: remedies[said] }),
    cause,
  });
}

/** Awaits a call. Rejects with a `TocsinError` of the port. */
export async function asking<T>(place: CallPlace, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toChatError(error, place);
  }
}

/** A rejection handler for background work: it logs the failure. */
export function tellLog(log: Log, what: string): (error: unknown) => void {
  return error => log.warn({ reason: messageOf(error) }, what);
}

function shape(error: unknown): SlackFailure {
  return error !== null && typeof error === 'object' ? (error as SlackFailure) : {};
}

function shortReason(error: unknown): string {
  const cause = (error as { original?: { message?: string; cause?: { message?: string } } }).original;
  return (cause?.cause?.message ?? cause?.message ?? messageOf(error)).slice(0, 200);
}
