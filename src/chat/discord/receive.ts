import { messageOf } from '../../kernel/errors.ts';
import type { Actor } from '../../model/actor.ts';
import type { Post } from '../../model/card.ts';
import type { CommandContext } from '../../ports/chat.ts';
import type { Api } from './api.ts';
import { lineOf } from './commands.ts';
import { completeCommand } from './complete.ts';
import type { Directory } from './directory.ts';
import type { Forms } from './form.ts';
import { type DeskParts, sayCard, sayFailed, takePress, takeReason } from './press.ts';
import { type Message, renderText } from './render.ts';
import type { Asked } from './reply.ts';
import type { Session } from './session.ts';
import * as shapes from './shapes.ts';
import { strangerText, whoActed, wouldDo } from './who.ts';

export interface Desk extends DeskParts {
  api: Api;
  session: Session;
  directory: Pick<Directory, 'hasNews'>;
  /** The post whose root this message is; null when this process has not delivered it. */
  rootAt(message: string): Post | null;
  forms: Forms;
}

/** How many interactions are remembered, so that one that the gateway hands over twice is done once. */
const mostSeen = 5000;

/** Takes what the gateway hands over. Never rejects: whoever acted is told, or the log is. */
export function createReception(desk: Desk): (data: unknown) => Promise<void> {
  const seen = new Set<string>();
  return async data => {
    const parsed = shapes.interaction.safeParse(data);
    if (!parsed.success)
      return desk.host.log.debug({ reason: parsed.error.message }, 'an interaction of a kind that is not used');
    const from = parsed.data;
    if (seen.has(from.id)) return;
    seen.add(from.id);
    if (seen.size > mostSeen) seen.delete(seen.keys().next().value ?? '');
    try {
      const { guild } = await desk.session.ready();
      forgetOldRoles(from, guild, desk);
      await route(from, whoActed(from, guild, desk.host), desk);
    } catch (error) {
      await sayFailed(from, error, desk);
    }
  };
}

/** An interaction carries the member's roles of this moment: what groups were told before does not hold any more. */
function forgetOldRoles(from: shapes.Interaction, guild: string, { directory, host }: Desk): void {
  const { member } = from;
  if (member === undefined || member.pending === true || from.guild_id !== guild) return;
  if (directory.hasNews(member.user.id, member.roles)) host.membersChanged('discord', null);
}

async function route(from: shapes.Interaction, who: Actor, desk: Desk): Promise<void> {
  switch (from.type) {
    case 2:
      return await takeSlash(from, who, desk);
    case 3:
      return from.data.custom_id.startsWith('f.') ? await openAgain(from, who, desk) : await takePress(from, who, desk);
    case 4:
      return await desk.replies.complete(from, who.kind === 'person' ? await completions(from, desk) : []);
    case 5:
      return from.data.custom_id.startsWith('r.') ? await takeForm(from, who, desk) : await takeReason(from, who, desk);
  }
}

/** Suggestions are a help: without them people can still type. */
async function completions(from: shapes.Completion, { host }: Desk) {
  try {
    return await completeCommand(from, host);
  } catch (error) {
    host.log.warn({ reason: messageOf(error) }, 'nothing could be suggested');
    return [];
  }
}

async function takeSlash(from: shapes.Slash, who: Actor, desk: Desk): Promise<void> {
  const form = who.kind === 'person' ? desk.forms.forSlash(from.data) : null;
  if (form !== null) return await desk.replies.open(from, form);
  await desk.replies.defer(from);
  await command(from, lineOf(from.data, desk.host.commands()), who, null, desk);
}

async function takeForm(from: shapes.Filled, who: Actor, desk: Desk): Promise<void> {
  await desk.replies.defer(from);
  const found = desk.forms.lineOf(from.data);
  if (found === null)
    return await desk.replies.say(from, renderText('This form is too old. Type /tocsin run again.', 'error'));
  if (found.refused !== null && who.kind === 'person')
    return await desk.replies.say(from, correctable(found.refused, found.key));
  await command(from, found.line, who, found.key, desk);
}

async function openAgain(from: shapes.Press, who: Actor, desk: Desk): Promise<void> {
  const form = who.kind === 'person' ? desk.forms.again(from.data.custom_id.slice(2)) : null;
  if (form !== null) return await desk.replies.open(from, form);
  await desk.replies.defer(from);
  await desk.replies.say(from, renderText('This form is too old. Type /tocsin run again.', 'error'));
}

/** Runs the line for somebody we know, and tells them alone. Reading is for people of tocsin.yaml too. */
async function command(
  from: Asked & shapes.Interaction,
  line: string,
  who: Actor,
  form: string | null,
  desk: Desk,
): Promise<void> {
  const { host, replies } = desk;
  if (who.kind === 'stranger') return await refuseStranger(from, who, desk);
  const answer = await host.command(who, line, await contextOf(from, desk));
  if (answer.ok) return await sayCard(from, answer.card, desk);
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
  desk: Desk,
): Promise<void> {
  const wanted = from.type === 2 ? wouldDo(from.data) : null;
  if (wanted !== null) await desk.host.act(who, wanted);
  await desk.replies.say(from, renderText(strangerText(who), 'error'));
}

/** In a thread, what it is about: its id is that of the root's message, whose footer is the key of its post. */
async function contextOf(from: shapes.Interaction, desk: Desk): Promise<CommandContext> {
  const context = { platform: 'discord', channel: from.channel_id ?? null, alert: null, run: null };
  const parent = from.channel?.parent_id;
  if (from.channel_id == null || parent == null || !isThread(from.channel?.type)) return context;
  const known = desk.rootAt(from.channel_id);
  if (known !== null) return { ...context, alert: known.alert, run: known.run };
  try {
    const { bot } = await desk.session.ready();
    const path = `/channels/${parent}/messages/${from.channel_id}` as const;
    const root = await desk.api.call(shapes.message, { method: 'GET', path });
    const mark =
      root.author?.id === bot ? root.embeds.findLast(one => one.footer !== undefined)?.footer?.text : undefined;
    const [kind, id = null] = (mark ?? '').split('/');
    return { ...context, alert: kind === 'alert' ? id : null, run: kind === 'run' ? id : null };
  } catch (error) {
    desk.host.log.debug({ reason: messageOf(error) }, 'the root of a thread could not be read');
    return context;
  }
}

/** 10 in an announcement channel, 11 public, 12 private. */
function isThread(type: number | undefined): boolean {
  return type === 10 || type === 11 || type === 12;
}
