import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { Post } from '../../model/card.ts';
import { type ChatConnection, type ChatHost, defineChat } from '../../ports/chat.ts';
import { createChannels } from './channels.ts';
import { clientOptions, quietLogger } from './client.ts';
import type { SlackContext } from './context.ts';
import { createDeliver, type DeliverParts } from './deliver.ts';
import { createGroups } from './groups.ts';
import { hiddenBySlack } from './hides.ts';
import { createHomes, type Homes } from './homes.ts';
import { createHttpReceiver } from './http.ts';
import { createIdentify } from './identify.ts';
import { createMentions } from './mentions.ts';
import { createReactions } from './reactions.ts';
import { createReceiving } from './receive.ts';
import { parseRef } from './ref.ts';
import { createSession, insist, type Session } from './session.ts';
import { keepConnected } from './socket.ts';
import { createSubjects } from './subjects.ts';
import { uploadFile } from './upload.ts';

/**
 * Slack: Socket Mode where SLACK_APP_TOKEN is set, so that no public address is needed; else signed requests at /slack/events where
 * SLACK_SIGNING_SECRET is set. deploy/slack-manifest.yaml makes the app.
 */
export default defineChat({
  id: 'slack',
  about: 'Threads, cards, modals, the slash command, App Home and user groups of a Slack workspace.',
  options: z.strictObject({}),
  capabilities: {
    maxText: 2800,
    streams: false,
    editEvery: 1000,
    // docs.slack.dev, rate limits: a message a second and channel, several hundred a minute over all; chat.update is of tier 3.
    rateLimits: {
      posts: { count: 60, per: 60_000 },
      // Over many channels a burst is let through: when people approve twenty runs at once, all threads say what became of it.
      allPosts: { count: 250, per: 60_000, burst: 45 },
      allEdits: { count: 50, per: 60_000 },
    },
    hides: hiddenBySlack,
  },
  isOn: env => Boolean(env('SLACK_BOT_TOKEN')),
  open: (_options, host) => openSlack(host),
  check: async (_options, tools) => (await import('./check.ts')).checkSlack(tools),
});

async function openSlack(host: ChatHost): Promise<ChatConnection> {
  const end = new AbortController();
  const { webApi } = await import('@slack/bolt');
  const client = new webApi.WebClient(host.env('SLACK_BOT_TOKEN'), clientOptions(host));
  const session = createSession(client, host);
  const groups = createGroups(client, session, host);
  const mentions = createMentions(groups, host);
  const subjects = createSubjects(client, session);
  const identify = createIdentify(client, session, host);
  const ctx: SlackContext = { client, host, session, identify, groups, mentions, subjects };
  const homes = createHomes(ctx);
  const channels = createChannels(client, host);
  const parts: DeliverParts = { client, host, session, channels, mentions, subjects, openedAt: host.clock.now() };
  const deliver = createDeliver(parts);
  const reactions = createReactions(client, host);
  const listening = await listen(ctx, homes, end.signal);
  const open = <T>(work: () => Promise<T>): Promise<T> =>
    end.signal.aborted
      ? Promise.reject(new TocsinError('chat-down', { message: 'The connection to Slack is closed.' }))
      : work();
  return {
    deliver: (post, root) =>
      open(async () => {
        const ref = await deliver(post, root);
        const mirror = parseRef(root?.ref ?? ref);
        if (mirror !== null) reactions.mirror(post, mirror);
        return ref;
      }),
    upload: (post, file, root) => open(() => uploadFile(post, file, root, parts)),
    channels: () => open(() => channels.names()),
    members: group => open(() => groups.members(group)),
    linkTo: post => linkTo(post, session),
    trouble: () => session.trouble(),
    async close() {
      end.abort(new Error('closed'));
      homes.stop();
      await reactions.stop();
      await listening.ended;
    },
  };
}

/** Starts to receive events. `ended` resolves after the signal, and never rejects. */
async function listen(ctx: SlackContext, homes: Homes, signal: AbortSignal): Promise<{ ended: Promise<void> }> {
  const { host, session } = ctx;
  const appToken = host.env('SLACK_APP_TOKEN');
  const secret = host.env('SLACK_SIGNING_SECRET');
  if (appToken) return { ended: listenOnSocket(appToken, ctx, homes, signal) };
  if (secret && host.http !== null) {
    // The route must be registered before the port is opened, whether Slack answers or not.
    const receiver = await createHttpReceiver(host.http, secret, host);
    await createReceiving(receiver, ctx, homes);
    signal.addEventListener('abort', () => void receiver.stop(), { once: true });
  } else session.report('receiving', deaf);
  return { ended: insist(() => session.ready(), host, signal).then(() => {}) };
}

const deaf =
  'Slack can be posted to, but buttons and commands are not heard: set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET and a public address for /slack/events. Both are under "Basic Information" of the app at https://api.slack.com/apps.';

async function listenOnSocket(appToken: string, ctx: SlackContext, homes: Homes, signal: AbortSignal): Promise<void> {
  const { host, session } = ctx;
  if (!(await insist(() => session.ready(), host, signal))) return;
  const { SocketModeReceiver } = await import('@slack/bolt');
  const receiver = new SocketModeReceiver({
    appToken,
    autoReconnectEnabled: false,
    logger: quietLogger(host.log),
    installerOptions: { clientOptions: clientOptions(host) },
    processEventErrorHandler: async ({ error }) => {
      host.log.error({ err: error }, 'something from Slack could not be handled');
      return false;
    },
  });
  await createReceiving(receiver, ctx, homes);
  await keepConnected(receiver, host, session, signal);
}

/** The message's permanent link. */
function linkTo(post: Post, session: Session): string | null {
  const ref = post.ref === null ? null : parseRef(post.ref);
  const base = session.current()?.url ?? '';
  return ref === null || base === ''
    ? null
    : `${base.replace(/\/$/, '')}/archives/${ref.channel}/p${ref.ts.replace('.', '')}`;
}
