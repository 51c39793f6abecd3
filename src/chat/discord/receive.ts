import { messageOf } from '../../kernel/errors.ts';
import type { Actor } from '../../model/actor.ts';
import type { Post } from '../../model/card.ts';
import { gateOfKey } from '../../model/card.ts';
import type { CommandContext } from '../../ports/chat.ts';
import type { Api } from './api.ts';
import { lineOf } from './commands.ts';
import { completeCommand } from './complete.ts';
import type { Directory } from './directory.ts';
import type { Forms } from './form.ts';
import { type DiscordContextParts, sayCard, sayFailed, takePress, takeReason } from './press.ts';
import { type Message, renderText } from './render.ts';
import type { Asked } from './reply.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';
import { strangerText, whoActed, wouldDo } from './who.ts';

export interface DiscordContext extends DiscordContextParts {
  api: Api;
  session: Session;
  directory: Pick<Directory, 'hasNews'>;
  /** The post whose root this message is; null when this process has not delivered it. */
  rootAt(message: string): Post | null;
  forms: Forms;
}

/** How many interactions are remembered for deduplication: the gateway may deliver one twice. */
const mostSeen = 5000;

/** Handles the dispatches of the gateway. Never rejects: a failure is reported to the person, or logged. */
export function createReception(ctx: DiscordContext): (data: unknown) => Promise<void> {
  const seen = new Set<string>();
  return async data => {
    const parsed = shapes.interaction.safeParse(data);
    if (!parsed.success)
      return ctx.host.log.debug({ reason: parsed.error.message }, 'an interaction of a kind that is not used');
    const from = parsed.data;
    if (seen.has(from.id)) return;
    seen.add(from.id);
    if (seen.size > mostSeen) seen.delete(seen.keys().next().value ?? '');
    try {
      const { guild } = await ctx.session.ready();
      forgetOldRoles(from, guild, ctx);
      await route(from, whoActed(from, guild, ctx.host), ctx);
    } catch (error) {
      await sayFailed(from, error, ctx);
    }
  };
}

/** An interaction carries the member's present roles. When they changed, cached groups are dropped. */
function forgetOldRoles(from: shapes.Interaction, guild: string, { directory, host }: DiscordContext): void {
  const { member } = from;
  if (member === undefined || member.pending === true || from.guild_id !== guild) return;
  if (directory.hasNews(member.user.id, member.roles)) host.membersChanged('discord', null);
}

async function route(from: shapes.Interaction, who: Actor, ctx: DiscordContext): Promise<void> {
  switch (from.type) {
    case 2:
      return await takeSlash(from, who, ctx);
    case 3:
      return from.data.custom_id.startsWith('f.') ? await openAgain(from, who, ctx) : await takePress(from, who, ctx);
    case 4:
      return await ctx.replies.complete(from, who.kind === 'person' ? await completions(from, ctx) : []);
    case 5:
      return from.data.custom_id.startsWith('r.') ? await takeForm(from, who, ctx) : await takeReason(from, who, ctx);
  }
}

/** Completions are optional: without them people can still type. */
async function completions(from: shapes.Completion, { host }: DiscordContext) {
  try {
    return await completeCommand(from, host);
  } catch (error) {
    host.log.warn({ reason: messageOf(error) }, 'nothing could be suggested');
    return [];
  }
}

async function takeSlash(from: shapes.Slash, who: Actor, ctx: DiscordContext): Promise<void> {
  const form = who.kind === 'person' ? ctx.forms.forSlash(from.data) : null;
  if (form !== null) return await ctx.replies.open(from, form);
  await ctx.replies.defer(from);
  await command(from, lineOf(from.data, ctx.host.commands()), who, null, ctx);
}

async function takeForm(from: shapes.Filled, who: Actor, ctx: DiscordContext): Promise<void> {
  await ctx.replies.defer(from);
  const found = ctx.forms.lineOf(from.data);
  if (found === null)
    return await ctx.replies.say(from, renderText('This form is too old. Type /tocsin run again.', 'error'));
  if (found.refused !== null && who.kind === 'person')
    return await ctx.replies.say(from, correctable(found.refused, found.key));
  await command(from, found.line, who, found.key, ctx);
}

async function openAgain(from: shapes.Press, who: Actor, ctx: DiscordContext): Promise<void> {
  const form = who.kind === 'person' ? ctx.forms.again(from.data.custom_id.slice(2)) : null;
  if (form !== null) return await ctx.replies.open(from, form);
  await ctx.replies.defer(from);
  await ctx.replies.say(from, renderText('This form is too old. Type /tocsin run again.', 'error'));
}

/** Runs the command line for a person of tocsin.yaml, and answers that person only. Commands that only read are for these people too. */
async function command(
  from: Asked & shapes.Interaction,
  line: string,
  who: Actor,
  form: string | null,
  ctx: DiscordContext,
): Promise<void> {
  const { host, replies } = ctx;
  if (who.kind === 'stranger') return await refuseStranger(from, who, ctx);
  const answer = await host.command(who, line, await contextOf(from, ctx));
  if (answer.ok) return await sayCard(from, answer.card, ctx);
  const correct = answer.code === 'params-invalid' && form !== null;
  await replies.say(from, correct ? correctable(answer.text, form) : renderText(answer.text, 'error'));
}

/** What is wrong, with a button that opens the form again. */
function correctable(text: string, form: string): Message {
  const button = { type: 2 as const, style: 2, label: 'Correct it', custom_id: `f.${form}` };
  return { ...renderText(text, 'error'), components: [{ type: 1, components: [button] }] };
}

async function refuseStranger(
  from: shapes.Interaction,
  who: Extract<Actor, { kind: 'stranger' }>,
  ctx: DiscordContext,
): Promise<void> {
  const wanted = from.type === 2 ? wouldDo(from.data) : null;
  if (wanted !== null) await ctx.host.act(who, wanted);
  await ctx.replies.say(from, renderText(strangerText(who), 'error'));
}

/** The subject of a thread. The thread's id is that of the root's message, whose footer is the key of its post. */
async function contextOf(from: shapes.Interaction, ctx: DiscordContext): Promise<CommandContext> {
  const context = { platform: 'discord', channel: from.channel_id ?? null, alert: null, run: null, gate: null };
  const parent = from.channel?.parent_id;
  if (from.channel_id == null || parent == null || !isThread(from.channel?.type)) return context;
  const known = ctx.rootAt(from.channel_id);
  if (known !== null) return { ...context, alert: known.alert, run: known.run, gate: gateOfKey(known.key) };
  try {
    const { bot } = await ctx.session.ready();
    const path = `/channels/${parent}/messages/${from.channel_id}` as const;
    const root = await ctx.api.call(shapes.message, { method: 'GET', path });
    const mark =
      root.author?.id === bot ? root.embeds.findLast(one => one.footer !== undefined)?.footer?.text : undefined;
    // What follows a space tells copies and renewed messages apart.
    const [kind, id = null] = (mark ?? '').replace(/ .*/s, '').split('/');
    return {
      ...context,
      alert: kind === 'alert' ? id : null,
      run: kind === 'run' ? id : null,
      gate: gateOfKey(mark ?? ''),
    };
  } catch (error) {
    ctx.host.log.debug({ reason: messageOf(error) }, 'the root of a thread could not be read');
    return context;
  }
}

/** 10 in an announcement channel, 11 public, 12 private. */
function isThread(type: number | undefined): boolean {
  return type === 10 || type === 11 || type === 12;
}
