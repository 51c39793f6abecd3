import { messageOf } from '../../kernel/errors.ts';
import type { CommandAnswer } from '../../ports/chat.ts';
import { fetchInTime } from './client.ts';
import type { Origin, SlackContext } from './context.ts';
import { renderMessage, renderNotice, type SlackMessage } from './render.ts';

/**
 * Sends a message that only one person sees: in the thread, else to the response URL, else as a direct message. Never rejects; a failure
 * is logged.
 */
export async function tellPrivately(ctx: SlackContext, to: Origin, message: SlackMessage): Promise<void> {
  const ways = [
    () => tellInPlace(ctx, to, message),
    () => tellByUrl(to, message),
    () => tellDirectly(ctx, to, message),
  ];
  const failures: string[] = [];
  for (const way of ways) {
    try {
      if (await way()) return;
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  ctx.host.log.warn({ user: to.user, channel: to.channel, failures }, 'an answer could not be told in Slack');
}

async function tellInPlace(ctx: SlackContext, to: Origin, message: SlackMessage): Promise<boolean> {
  if (to.channel === null) return false;
  const thread = to.thread === null ? {} : { thread_ts: to.thread };
  await ctx.client.chat.postEphemeral({ ...message, channel: to.channel, user: to.user, ...thread });
  return true;
}

async function tellByUrl(to: Origin, message: SlackMessage): Promise<boolean> {
  if (to.responseUrl === null) return false;
  const answer = await fetchInTime(to.responseUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...message, response_type: 'ephemeral', replace_original: false }),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the response URL answered ${answer.status}`);
  return true;
}

async function tellDirectly(ctx: SlackContext, to: Origin, message: SlackMessage): Promise<boolean> {
  await ctx.client.chat.postMessage({ ...message, channel: to.user, unfurl_links: false, unfurl_media: false });
  return true;
}

/** The answer of a command as a private message. */
export function renderAnswer(answer: CommandAnswer, now: number): SlackMessage {
  return answer.ok ? renderMessage(answer.card, { post: null, mentions: [], now }) : renderRefusal(answer.text);
}

/** Refusals may have several lines: what was allowed, what was given, what to do. */
export function renderRefusal(text: string): SlackMessage {
  const [title = '', ...more] = text.split('\n');
  if (more.length === 0) return renderNotice(text, 'error');
  const blocks = [{ kind: 'code' as const, text: more.join('\n') }];
  return renderMessage(
    { tone: 'error', title, badge: null, blocks, buttons: [], mention: [] },
    { post: null, mentions: [], now: 0 },
  );
}
