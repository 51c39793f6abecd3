import type { types } from '@slack/bolt';
import { z } from 'zod';
import type { Act } from '../../model/act.ts';
import type { Button, Card } from '../../model/card.ts';
import type { Account } from './account.ts';
import { findButton, parseJson } from './buttons.ts';
import type { SlackContext, Tell } from './context.ts';
import { showDetails } from './details.ts';
import { accountOf, type BlockActions, type ViewSubmission } from './incoming.ts';
import { answerModal, type Outcome, openOrPush, type ViewAck } from './modal.ts';
import { flatten, renderMessage, renderNotice, type SlackMessage } from './render.ts';
import { renderRefusal } from './reply.ts';
import { plainText } from './text.ts';

export const reasonCallback = 'tocsin:reason';
const reasonBlock = 'reason';

/** What the modal for a reason carries; at most 3,000 characters, of which the button's value is at most 2,000. */
const reasonFacts = z.strictObject({ value: z.string(), required: z.boolean() });

type Pressed = Pick<Button, 'does' | 'reason' | 'label'>;

/** Handles a press on a button of a card, after its acknowledgement. */
export async function handlePress(body: BlockActions, tell: Tell, ctx: SlackContext): Promise<void> {
  const value = body.actions[0]?.value ?? '';
  const button = await findButton(value, key => ctx.host.store.post('slack', key));
  if (button === null)
    return tell(renderNotice('This button is not there any more: look at the newest state.', 'error'));
  const trigger = { trigger_id: body.trigger_id, inModal: body.view?.type === 'modal' };
  const { does } = button;
  if (does.kind === 'details') return showDetails(does, await ctx.identify.who(accountOf(body)), trigger, tell, ctx);
  if (button.reason === 'none') return tell(await perform(does.act, accountOf(body), ctx));
  const view = reasonView(button, value);
  await openOrPush(trigger, view, ctx).catch(error => {
    const late = /expired_trigger_id/.test(error.message);
    return tell(renderNotice(late ? 'Slack did not open the form in time: press again.' : error.message, 'error'));
  });
}

function reasonView(button: Pressed, value: string): types.ModalView {
  const required = button.reason === 'required';
  return {
    type: 'modal',
    callback_id: reasonCallback,
    title: plainText(button.label, 24),
    submit: plainText(button.label, 24),
    close: plainText('Back', 24),
    private_metadata: JSON.stringify({ value, required }),
    blocks: [
      {
        type: 'input',
        block_id: reasonBlock,
        optional: !required,
        label: plainText(required ? 'Reason' : 'Reason, if there is one', 2000),
        element: { type: 'plain_text_input', action_id: reasonBlock, multiline: true, max_length: 1000 },
      },
    ],
  };
}

/** The submitted reason: the act is performed with it. */
export async function handleReason(body: ViewSubmission, ack: ViewAck, ctx: SlackContext): Promise<void> {
  await answerModal(ack, body.view.id, performWithReason(body, ctx), ctx);
}

async function performWithReason(body: ViewSubmission, ctx: SlackContext): Promise<Outcome> {
  const facts = reasonFacts.safeParse(parseJson(body.view.private_metadata));
  const button = facts.success ? await findButton(facts.data.value, key => ctx.host.store.post('slack', key)) : null;
  if (button === null) return { blocks: renderNotice('This button is not there any more.', 'error').blocks };
  const reason = body.view.state?.values[reasonBlock]?.[reasonBlock]?.value?.trim() || null;
  if (reason === null && button.reason === 'required') return { errors: { [reasonBlock]: 'Give a reason.' } };
  const { does } = button;
  // Details never ask for a reason.
  if (does.kind === 'details') return { blocks: renderNotice('There is nothing to do here.', 'info').blocks };
  return { blocks: flatten(await perform(withReason(does.act, reason), accountOf(body), ctx)) };
}

/** Performs the act of a button for the account that pressed it. Resolves to a message with the result. Never rejects. */
async function perform(what: Act, account: Account, ctx: SlackContext): Promise<SlackMessage> {
  try {
    const who = await ctx.identify.who(account);
    const answer = await ctx.host.act(who, what);
    return answer.ok ? renderNotice(answer.text, 'good') : renderRefusal(answer.text);
  } catch (error) {
    ctx.host.log.error({ err: error, act: what.kind }, 'a press in Slack failed');
    const text = 'It did not work, and nothing was changed by it as far as is known. Look at the newest state.';
    return renderNotice(text, 'error');
  }
}

function withReason(what: Act, reason: string | null): Act {
  return reason === null || !('reason' in what) ? what : { ...what, reason };
}

/** A card for one person, without mentions. */
export function renderPrivate(card: Card, ctx: SlackContext): SlackMessage {
  return renderMessage(card, { post: null, mentions: [], now: ctx.host.clock.now() });
}
