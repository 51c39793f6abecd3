import type { App, Receiver } from '@slack/bolt';
import type { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import { actionPrefix, startAction } from './buttons.ts';
import { clientOptions, quietLogger } from './client.ts';
import { handleMention, handleSlash } from './commands.ts';
import type { Origin, SlackContext, Tell } from './context.ts';
import { tellLog } from './failure.ts';
import { handleChosen, handleRun, openRunForm, runbookAction, runbookOptions, runCallback } from './form.ts';
import type { Homes } from './homes.ts';
import {
  accountOf,
  type BlockActions,
  blockActions,
  homeOpened,
  mention,
  messageShortcut,
  slashCommand,
  suggestion,
  viewSubmission,
} from './incoming.ts';
import type { ViewAck } from './modal.ts';
import { handlePress, handleReason, reasonCallback } from './press.ts';
import { flatten, resultView, type SlackMessage } from './render.ts';
import { tellPrivately } from './reply.ts';
import { createSeen, isFirst } from './seen.ts';

export const shortcutCallback = 'tocsin:run_on_this';

/** How long events and presses are remembered, milliseconds: Slack repeats an event for up to 5 minutes, and people may click twice. */
const eventKeep = 3_600_000;
const clickKeep = 3000;

/** Bolt's app over a receiver. Every request is acknowledged first and handled afterwards. */
export async function createReceiving(receiver: Receiver, ctx: SlackContext, homes: Homes): Promise<App> {
  const { App } = await import('@slack/bolt');
  const { host, session } = ctx;
  const app = new App({
    receiver,
    logger: quietLogger(host.log),
    clientOptions: clientOptions(host),
    convoStore: false,
    authorize: async () => {
      const own = await session.ready();
      return { botToken: host.env('SLACK_BOT_TOKEN') ?? '', botId: own.bot, botUserId: own.botUser, teamId: own.team };
    },
  });
  app.error(async error => host.log.error({ reason: messageOf(error) }, 'something from Slack could not be handled'));
  addInteractions(app, ctx, homes);
  addEvents(app, ctx, homes);
  return app;
}

function addInteractions(app: App, ctx: SlackContext, homes: Homes): void {
  const { clock } = ctx.host;
  const clicks = createSeen<Promise<void>>({ keep: clickKeep, most: 10_000, monotonic: () => clock.monotonic() });
  app.action(new RegExp(`^${actionPrefix}`), async ({ body, ack }) => {
    await ack();
    const press = parse(blockActions, body, ctx);
    if (press === null) return;
    await clicks.once(clickKey(press), () => handlePress(press, tellFor(press, ctx, homes), ctx)).value;
  });
  app.action(startAction, async ({ body, ack }) => {
    await ack();
    const press = parse(blockActions, body, ctx);
    if (press === null) return;
    const asked = { trigger: press.trigger_id, account: accountOf(press), origin: originOf(press) };
    await openRunForm(asked, { alert: press.actions[0]?.value ?? null, runbook: null }, ctx);
  });
  app.action(runbookAction, async ({ body, ack }) => {
    await ack();
    const chosen = parse(blockActions, body, ctx);
    if (chosen !== null) await handleChosen(chosen, ctx);
  });
  app.options(runbookAction, async ({ body, ack }) => {
    const typed = parse(suggestion, body, ctx);
    await ack({ options: runbookOptions(ctx, typed?.value ?? '') });
  });
  app.view({ callback_id: reasonCallback, type: 'view_submission' }, async ({ body, ack }) => {
    const submitted = parse(viewSubmission, body, ctx);
    if (submitted !== null) await handleReason(submitted, ack as ViewAck, ctx);
  });
  app.view({ callback_id: runCallback, type: 'view_submission' }, async ({ body, ack }) => {
    const submitted = parse(viewSubmission, body, ctx);
    if (submitted !== null) await handleRun(submitted, ack as ViewAck, ctx);
  });
  app.command(/^\/.+/, async ({ body, ack }) => {
    await ack();
    const typed = parse(slashCommand, body, ctx);
    if (typed !== null) await handleSlash(typed, ctx);
  });
  app.shortcut({ callback_id: shortcutCallback, type: 'message_action' }, async ({ body, ack }) => {
    await ack();
    const asked = parse(messageShortcut, body, ctx);
    if (asked === null) return;
    const { channel, message, trigger_id: trigger, user } = asked;
    const place = { channel: channel.id, ts: message.thread_ts ?? message.ts };
    const subject = await ctx.subjects
      .at(place)
      .catch(tellLog(ctx.host.log, 'Slack did not say what a thread is about'));
    const origin = { user: user.id, channel: channel.id, thread: message.thread_ts ?? null, responseUrl: null };
    const facts = { alert: subject?.alert ?? null, runbook: null };
    await openRunForm({ trigger, account: accountOf(asked), origin }, facts, ctx);
  });
}

function addEvents(app: App, ctx: SlackContext, homes: Homes): void {
  const { clock } = ctx.host;
  const events = createSeen<null>({ keep: eventKeep, most: 50_000, monotonic: () => clock.monotonic() });
  // Bolt acknowledged an event already when its listener is called.
  const isNew = (body: { event_id?: string }) =>
    body.event_id === undefined || events.once(body.event_id, () => null).first;
  app.event('app_mention', async ({ body }) => {
    if (!isNew(body)) return;
    const said = parse(mention, body, ctx);
    // Slack hands an event that was not acknowledged in time to another node, or to the next start of this one.
    if (said !== null && (await isFirst(`slack/event/${body.event_id ?? said.event.ts}`, eventKeep, ctx.host)))
      await handleMention(said, ctx);
  });
  app.event('app_home_opened', async ({ body }) => {
    const opened = isNew(body) ? parse(homeOpened, body, ctx) : null;
    if (opened !== null && opened.event.tab !== 'messages')
      await homes.show({ user: opened.event.user, team: opened.team_id });
  });
  const forget = async () => {
    ctx.groups.forget();
    ctx.host.membersChanged('slack', null);
  };
  app.event('subteam_updated', forget);
  app.event('subteam_created', forget);
  app.event('subteam_members_changed', forget);
}

/** Parses a payload. One without the documented shape is logged and ignored. */
function parse<T>(schema: z.ZodType<T>, body: unknown, ctx: SlackContext): T | null {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(issue => issue.path.join('.')).slice(0, 5);
  ctx.host.log.warn({ where }, 'Slack sent something of an unknown shape');
  return null;
}

/** One person, one message, one button. */
function clickKey(press: BlockActions): string {
  const [action] = press.actions;
  const { container, user } = press;
  return [user.team_id, user.id, container?.channel_id, container?.message_ts ?? press.view?.id, action?.value].join(
    '|',
  );
}

function originOf(press: BlockActions): Origin {
  const channel = press.channel?.id ?? press.container?.channel_id ?? null;
  const ts = press.message?.ts ?? press.container?.message_ts;
  const thread = press.message?.thread_ts ?? press.container?.thread_ts ?? null;
  // A press on a root is answered in the channel, because an answer in the thread would not be seen.
  return {
    user: press.user.id,
    channel,
    thread: thread === ts ? null : thread,
    responseUrl: press.response_url ?? null,
  };
}

/** Answers where the press was: in the thread, in App Home, or in the modal. */
function tellFor(press: BlockActions, ctx: SlackContext, homes: Homes): Tell {
  const { view } = press;
  if (view?.type === 'home') return message => homes.show(accountOf(press), message);
  if (view?.type === 'modal') return message => tellInModal(view.id, message, ctx);
  return message => tellPrivately(ctx, originOf(press), message);
}

async function tellInModal(id: string, message: SlackMessage, ctx: SlackContext): Promise<void> {
  await ctx.client.views.update({ view_id: id, view: resultView(flatten(message)) });
}
