import { messageOf } from '../../kernel/errors.ts';
import type { Act } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { CommandContext } from '../../ports/chat.ts';
import type { Origin, SlackContext } from './context.ts';
import { openRunForm } from './form.ts';
import type { mention, SlashCommand } from './incoming.ts';
import { renderNotice } from './render.ts';
import { renderAnswer, tellPrivately } from './reply.ts';

/** `/tocsin …`: a command line; without one, or with a runbook that still needs parameters, a form. */
export async function handleSlash(typed: SlashCommand, ctx: SlackContext): Promise<void> {
  const line = typedLine(typed.text);
  const form = formFor(line, ctx);
  const origin: Origin = { user: typed.user_id, channel: null, thread: null, responseUrl: typed.response_url };
  const account = { user: typed.user_id, team: typed.team_id };
  if (form !== null) {
    const asked = { trigger: typed.trigger_id, account, origin };
    return openRunForm(asked, { alert: null, runbook: form.runbook }, ctx);
  }
  const context = { platform: 'slack', channel: typed.channel_id, alert: null, run: null, gate: null };
  await runLine(account, line, context, origin, ctx);
}

/** Which form a line wants: nothing typed, `run` alone, or `run <runbook>` without a parameter that it must have. */
function formFor(line: string, ctx: SlackContext): { runbook: string | null } | null {
  const [command = '', name, ...more] = line.split(/\s+/);
  if (command !== '' && command !== 'run') return null;
  if (name === undefined) return { runbook: null };
  const runbook = more.length > 0 ? undefined : ctx.host.catalogue().runbooks.find(one => one.id === name);
  const needs = runbook?.params.some(param => param.required && param.default === null) === true;
  return needs ? { runbook: name } : null;
}

type Mention = NonNullable<ReturnType<typeof mention.parse>>;

/** A mention takes the same commands. In a thread of this app they are about its alert. */
export async function handleMention(said: Mention, ctx: SlackContext): Promise<void> {
  const { event } = said;
  // Bots are never answered: two bots that mention each other would not stop.
  if (event.user === undefined || event.bot_id !== undefined) return;
  const origin = { user: event.user, channel: event.channel, thread: event.thread_ts ?? null, responseUrl: null };
  const line = typedLine(mentionedLine(event.text, ctx.session.current()?.botUser ?? '')) || 'help';
  const subject =
    event.thread_ts === undefined
      ? { alert: null, run: null, gate: null }
      : await ctx.subjects
          .at({ channel: event.channel, ts: event.thread_ts })
          .catch(error => unknownThread(error, ctx));
  const context = { platform: 'slack', channel: event.channel, ...subject };
  await runLine({ user: event.user, team: event.user_team ?? said.team_id }, line, context, origin, ctx);
}

function unknownThread(error: unknown, ctx: SlackContext) {
  ctx.host.log.warn(
    { reason: messageOf(error) },
    'Slack did not say what a thread is about; the command runs without it',
  );
  return { alert: null, run: null, gate: null };
}

async function runLine(
  account: { user: string; team: string | null },
  line: string,
  context: CommandContext,
  origin: Origin,
  ctx: SlackContext,
): Promise<void> {
  try {
    const who = await ctx.identify.who(account);
    if (who.kind === 'stranger') return await refuseStranger(who, line, origin, ctx);
    const answer = await ctx.host.command(who, line, context);
    await tellPrivately(ctx, origin, renderAnswer(answer, ctx.host.clock.now()));
  } catch (error) {
    ctx.host.log.error({ err: error }, 'a command from Slack failed');
    await tellPrivately(ctx, origin, renderNotice('The command failed; the reason is in the log of Tocsin.', 'error'));
  }
}

/**
 * Commands may show stored data, so strangers cannot use them. A line that would be an act goes to the authorisation function, so that
 * its refusal is journalled like that of a press.
 */
async function refuseStranger(
  who: Extract<Actor, { kind: 'stranger' }>,
  line: string,
  origin: Origin,
  ctx: SlackContext,
): Promise<void> {
  const wanted = actOf(line);
  const answer = wanted === null ? null : await ctx.host.act(who, wanted);
  const text = answer === null || answer.ok ? `You are not known here: ${who.because}.` : answer.text;
  await tellPrivately(ctx, origin, renderNotice(text, 'error'));
}

/** What a line would do, for the record of its refusal. */
function actOf(line: string): Act | null {
  const [command = '', word = ''] = line.split(/\s+/);
  const subject = word.slice(0, 200);
  switch (command) {
    case 'run':
      return { kind: 'run', runbook: subject, params: {}, alert: null, reason: null };
    case 'approve':
    case 'deny':
      return { kind: 'vote', approval: subject, vote: command, reason: null, seal: null };
    case 'revoke':
      return { kind: 'revoke', gate: subject, reason: '' };
    case 'cancel':
      return { kind: 'cancel', run: subject, reason: null };
    case 'ack':
      return { kind: 'acknowledge', alert: subject };
    case 'unack':
      return { kind: 'unacknowledge', alert: subject };
    case 'silence':
      return { kind: 'silence', alert: subject, duration: 1 };
    case 'unsilence':
      return { kind: 'unsilence', alert: subject };
    case 'close':
      return { kind: 'close', alert: subject, reason: '' };
    case 'note':
      return { kind: 'note', alert: subject, run: null, gate: null, text: '' };
    case 'claim':
      return { kind: 'claim', change: subject, reason: '' };
    case 'break-glass':
      return { kind: 'break-glass', reason: '' };
    case 'halt':
    case 'resume':
      return { kind: command, reason: '' };
    default:
      return null;
  }
}

/** The typed text with straight quotes: Slack's clients replace them by typographic ones, which the parser does not know. */
function typedLine(text: string): string {
  return text
    .replace(/[\u201c\u201d\u201e]/g, '"')
    .replace(/[\u2018\u2019]/g, "'")
    .replaceAll('\u00a0', ' ')
    .trim();
}

/** The text after the bot's name, with Slack's entities decoded. */
function mentionedLine(text: string, botUser: string): string {
  const name = `<@${botUser}>`;
  const at = botUser === '' ? -1 : text.indexOf(name);
  const rest = at < 0 ? text.replace(/^\s*<@[A-Z0-9]+>/, '') : text.slice(at + name.length);
  return rest
    .replace(/<(?:https?:\/\/|mailto:)[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<(https?:\/\/[^|>]*)>/g, '$1')
    .replace(/<[@#!][^|>]*\|([^>]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
