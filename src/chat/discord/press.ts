import { messageOf } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Card } from '../../model/card.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { buttonReference, findButton, type Pressed, privatePlace, readReference, subjectOf } from './buttons.ts';
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
  if (pressed !== null && pressed.asks !== 'none' && who.kind === 'person')
    return await parts.replies.open(press, reasonModal(press, pressed));
  await parts.replies.defer(press);
  if (pressed === null)
    return await parts.replies.say(press, renderText('This button is not one of this version of Tocsin.', 'error'));
  await performPress(press, pressed, who, null, parts);
}

/** The reason that was asked for arrived. */
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
    const answer = await host.act(who, withReason(button.does.act, reason));
    return await replies.say(to, actMessage(answer, who));
  }
  if (who.kind === 'stranger') return await replies.say(to, renderText(strangerText(who), 'error'));
  const card = await host.details(button.does.subject, button.does.id);
  if (card === null) return await replies.say(to, renderText('There is nothing about it any more.', 'info'));
  await sayCard(to, card, parts);
}

/** The act of the button with what the person typed. */
function withReason(act: Act, reason: string | null): Act {
  return reason !== null && 'reason' in act ? { ...act, reason } : act;
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
