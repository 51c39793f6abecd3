import { messageOf } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Card } from '../../model/card.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import type { ChatHost } from '../../ports/chat.ts';
import {
  buttonReference,
  findButton,
  type Pressed,
  privatePlace,
  readReference,
  subjectOf,
  writeReference,
} from './buttons.ts';
import { confirmCard, confirmModal } from './confirm.ts';
import { fileOfCard } from './plain.ts';
import { type Message, renderCard, renderText } from './render.ts';
import type { Asked, Modal, Replies } from './reply.ts';
import type { Filled, Press } from './shapes.ts';
import { strangerText } from './who.ts';

export interface DiscordContextParts {
  host: ChatHost;
  replies: Replies;
}

/** A press of a button on one of our cards. Acknowledged before anything is looked up. */
export async function takePress(press: Press, who: Actor, parts: DiscordContextParts): Promise<void> {
  const pressed = readReference(press.data.custom_id);
  if (pressed?.asks === 'confirm' && who.kind === 'person') return await takeConfirmed(press, pressed, who, parts);
  if (pressed !== null && pressed.asks !== 'none' && who.kind === 'person')
    return await parts.replies.open(press, reasonModal(press, pressed));
  await parts.replies.defer(press);
  if (pressed === null)
    return await parts.replies.say(press, renderText('This button is not one of this version of Tocsin.', 'error'));
  await performPress(press, pressed, who, null, parts);
}

/** How long an answer is waited for before the press is acknowledged, milliseconds: only a first answer within three seconds opens a modal. */
const patience = 1500;

/** A button whose press is answered with what to confirm: in a modal, or, where that takes too long, in a message for this person. */
async function takeConfirmed(press: Press, pressed: Pressed, who: Actor, parts: DiscordContextParts): Promise<void> {
  const { host, replies } = parts;
  const work = actOf(pressed, who, null, parts);
  // Its failure is reported below.
  work.catch(() => {});
  const cut = new AbortController();
  const late = host.clock.sleep(patience, cut.signal).then(
    () => 'late' as const,
    () => 'late' as const,
  );
  const first = await Promise.race([work, late]);
  cut.abort();
  const confirm = first === 'late' || first === null || first.ok ? undefined : first.confirm;
  const id = confirm === undefined ? null : writeReference({ ...pressed, confirmed: confirm.seal });
  if (confirm !== undefined && id !== null)
    return await replies.open(press, confirmModal(id.replace(/^b\./, 'm.'), labelOf(press) ?? 'Go on', confirm));
  await replies.defer(press);
  await sayAnswer(press, await work, pressed, who, parts);
}

/** Performs what the button does; null when it is gone from the card. */
async function actOf(
  pressed: Pressed,
  who: Actor,
  reason: string | null,
  { host }: DiscordContextParts,
): Promise<ActAnswer | null> {
  const { button } = await findButton(pressed, host);
  return button?.does.kind === 'act' ? await host.act(who, withTyped(button.does.act, reason, pressed)) : null;
}

async function sayAnswer(
  to: Asked,
  answer: ActAnswer | null,
  pressed: Pressed,
  who: Actor,
  parts: DiscordContextParts,
): Promise<void> {
  if (answer === null) return await sayChanged(to, pressed, who, parts);
  if (answer.ok || answer.confirm === undefined) return await parts.replies.say(to, actMessage(answer, who));
  await sayConfirm(to, answer.confirm, pressed, parts);
}

/** A modal cannot answer a modal, so a message with a button of its own does. Its press carries what was shown here. */
async function sayConfirm(
  to: Asked,
  confirm: Confirmation,
  pressed: Pressed,
  parts: DiscordContextParts,
): Promise<void> {
  const card = confirmCard(confirm);
  const tools = { reference: () => null, accounts: () => [], mark: null, now: parts.host.clock.now() };
  const message = renderCard(card, tools);
  const asks = confirm.reason === 'required' ? 'required' : 'none';
  const id = writeReference({ ...pressed, asks, confirmed: confirm.seal });
  const button = { type: 2 as const, style: 3, label: 'Approve all the same', custom_id: id ?? '' };
  const components = id === null ? [] : [{ type: 1 as const, components: [button] }];
  await parts.replies.say(to, { ...message, components }, fileOfCard(card, message));
}

/** The reason that was asked for arrived, or the confirmation. */
export async function takeReason(filled: Filled, who: Actor, parts: DiscordContextParts): Promise<void> {
  await parts.replies.defer(filled);
  const pressed = readReference(filled.data.custom_id.replace(/^m\./, 'b.'));
  const reason =
    filled.data.components.find(one => one.component?.custom_id === 'reason')?.component?.value?.trim() ?? '';
  if (pressed !== null) await performPress(filled, pressed, who, reason === '' ? null : reason, parts);
}

function reasonModal(press: Press, pressed: Pressed): Modal {
  const label = labelOf(press) ?? 'Go on';
  return {
    custom_id: press.data.custom_id.replace(/^b\./, 'm.'),
    title: label.slice(0, 45),
    components: [
      {
        type: 18,
        label: pressed.asks === 'required' ? 'Reason' : 'Reason (optional)',
        description: 'It is shown in the thread and kept in the journal.',
        component: { type: 4, custom_id: 'reason', style: 2, required: pressed.asks === 'required', max_length: 500 },
      },
    ],
  };
}

/** The label of the pressed button, from the message in the payload. */
function labelOf(press: Press): string | null {
  const rows = press.message.components as { components?: { custom_id?: string; label?: string }[] }[];
  const found = rows.flatMap(row => row?.components ?? []).find(one => one.custom_id === press.data.custom_id);
  return typeof found?.label === 'string' && found.label.trim() !== '' ? found.label : null;
}

async function performPress(
  to: Asked,
  pressed: Pressed,
  who: Actor,
  reason: string | null,
  parts: DiscordContextParts,
): Promise<void> {
  const { host, replies } = parts;
  const { button } = await findButton(pressed, host);
  if (button === null) return await sayChanged(to, pressed, who, parts);
  if (button.does.kind === 'act') {
    const answer = await host.act(who, withTyped(button.does.act, reason, pressed));
    return await sayAnswer(to, answer, pressed, who, parts);
  }
  if (who.kind === 'stranger') return await replies.say(to, renderText(strangerText(who), 'error'));
  const card = await host.details(button.does.subject, button.does.id);
  if (card === null) return await replies.say(to, renderText('There is nothing about it any more.', 'info'));
  await sayCard(to, card, parts);
}

/** The act of the button with what the person typed, and the seal of what they were shown. */
function withTyped(act: Act, reason: string | null, { confirmed }: Pressed): Act {
  const said = reason !== null && 'reason' in act ? { ...act, reason } : act;
  return said.kind === 'vote' && confirmed !== null ? { ...said, confirmed } : said;
}

/** The button is no longer on the card, because the state has changed. Shows the person the present state, and who decided. */
async function sayChanged(to: Asked, { place }: Pressed, who: Actor, parts: DiscordContextParts): Promise<void> {
  if (who.kind === 'stranger') return await parts.replies.say(to, renderText(strangerText(who), 'error'));
  const subject = subjectOf(place);
  const card = subject === null ? null : await parts.host.details(subject.subject, subject.id);
  if (card === null)
    return await parts.replies.say(to, renderText('This has changed meanwhile, and the button is gone.', 'info'));
  const note = {
    kind: 'text' as const,
    text: 'This changed before you pressed; nothing was done. It stands like this:',
  };
  await sayCard(to, { ...card, blocks: [note, ...card.blocks] }, parts);
}

function actMessage(answer: ActAnswer, who: Actor): Message {
  if (answer.ok) return renderText([answer.text, answer.run].filter(Boolean).join('\n'), 'good');
  const hint = who.kind === 'stranger' ? `\n${strangerText(who)}` : '';
  return renderText(`${answer.text}${hint}`, 'error');
}

/** A card for one person. What did not fit is in a file. */
export async function sayCard(to: Asked, card: Card, { host, replies }: DiscordContextParts): Promise<void> {
  const message = renderCard(
    { ...card, mention: [] },
    {
      reference: button => {
        const place = privatePlace(button);
        return place === null ? null : buttonReference(button, place);
      },
      accounts: () => [],
      mark: null,
      now: host.clock.now(),
    },
  );
  await replies.say(to, message, fileOfCard(card, message));
}

/** Reports an internal failure to the person, and logs its cause. */
export async function sayFailed(to: Asked, error: unknown, { host, replies }: DiscordContextParts): Promise<void> {
  host.log.error({ err: error }, 'an interaction of Discord failed');
  try {
    await replies.say(
      to,
      renderText('Something failed inside Tocsin; the log has the details. Nothing may have been done.', 'error'),
    );
  } catch (second) {
    host.log.warn({ reason: messageOf(second) }, 'the person could not be told');
  }
}
