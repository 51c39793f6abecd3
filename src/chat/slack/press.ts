import type { types } from '@slack/bolt';
import { z } from 'zod';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Button, Card } from '../../model/card.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import type { Account } from './account.ts';
import { findButton, parseJson } from './buttons.ts';
import { confirmBlocks, reasonBlock, reasonInput } from './confirm.ts';
import type { SlackContext, Tell } from './context.ts';
import { showDetails } from './details.ts';
import { accountOf, type BlockActions, type ViewSubmission } from './incoming.ts';
import { answerModal, type Outcome, openOrPush, type ViewAck } from './modal.ts';
import { flatten, renderMessage, renderNotice, type SlackMessage } from './render.ts';
import { renderRefusal } from './reply.ts';
import { plainText, type SlackBlock } from './text.ts';

export const reasonCallback = 'tocsin:reason';

/** What the modal for a reason carries; at most 3,000 characters, of which the button's value is at most 2,000. */
const reasonFacts = z.strictObject({
  value: z.string(),
  required: z.boolean(),
  /** The seal of what was shown to be confirmed. */
  confirmed: z.string().optional(),
});
type ReasonFacts = z.infer<typeof reasonFacts>;

type Pressed = Pick<Button, 'does' | 'reason' | 'label' | 'confirm'>;

/** Handles a press on a button of a card, after its acknowledgement. */
export async function handlePress(body: BlockActions, tell: Tell, ctx: SlackContext): Promise<void> {
  const value = body.actions[0]?.value ?? '';
  const button = await findButton(value, key => ctx.host.store.post('slack', key));
  if (button === null)
    return tell(renderNotice('This button is not there any more: look at the newest state.', 'error'));
  const trigger = { trigger_id: body.trigger_id, inModal: body.view?.type === 'modal' };
  const { does } = button;
  if (does.kind === 'details') return showDetails(does, await ctx.identify.who(accountOf(body)), trigger, tell, ctx);
  const open = async (view: types.ModalView) =>
    await openOrPush(trigger, view, ctx).catch(error => {
      const late = /expired_trigger_id/.test(error.message);
      return tell(renderNotice(late ? 'Slack did not open the form in time: press again.' : error.message, 'error'));
    });
  if (button.reason !== 'none' && button.confirm !== true) return await open(reasonView(button, value));
  const answer = await perform(does.act, accountOf(body), ctx);
  if (answer !== null && !answer.ok && answer.confirm !== undefined)
    return await open(confirmView(button, value, answer.confirm, null));
  await tell(renderActAnswer(answer));
}

function reasonView(button: Pressed, value: string): types.ModalView {
  const required = button.reason === 'required';
  return formView(button, { value, required }, [reasonInput(required)]);
}

function confirmView(button: Pressed, value: string, confirm: Confirmation, reason: string | null): types.ModalView {
  const facts = { value, required: confirm.reason === 'required', confirmed: confirm.seal };
  return formView(button, facts, confirmBlocks(confirm, reason));
}

function formView(button: Pressed, facts: ReasonFacts, blocks: SlackBlock[]): types.ModalView {
  return {
    type: 'modal',
    callback_id: reasonCallback,
    title: plainText(button.label, 24),
    submit: plainText(button.label, 24),
    close: plainText('Back', 24),
    private_metadata: JSON.stringify(facts),
    blocks,
  };
}

/** The submitted reason or confirmation: the act is performed with it. */
export async function handleReason(body: ViewSubmission, ack: ViewAck, ctx: SlackContext): Promise<void> {
  await answerModal(ack, body.view.id, performWithReason(body, ctx), ctx);
}

async function performWithReason(body: ViewSubmission, ctx: SlackContext): Promise<Outcome> {
  const facts = reasonFacts.safeParse(parseJson(body.view.private_metadata));
  const button = facts.success ? await findButton(facts.data.value, key => ctx.host.store.post('slack', key)) : null;
  if (!facts.success || button === null)
    return { blocks: renderNotice('This button is not there any more.', 'error').blocks };
  const { value, required, confirmed } = facts.data;
  const reason = body.view.state?.values[reasonBlock]?.[reasonBlock]?.value?.trim() || null;
  if (reason === null && required) return { errors: { [reasonBlock]: 'Give a reason.' } };
  const { does } = button;
  // Details never ask for a reason.
  if (does.kind === 'details') return { blocks: renderNotice('There is nothing to do here.', 'info').blocks };
  const answer = await perform(withTyped(does.act, reason, confirmed), accountOf(body), ctx);
  if (answer !== null && !answer.ok && answer.confirm !== undefined)
    return { view: confirmView(button, value, answer.confirm, reason) };
  return { blocks: flatten(renderActAnswer(answer)) };
}

/** Performs the act of a button for the account that pressed it; null when it failed. Never rejects. */
async function perform(what: Act, account: Account, ctx: SlackContext): Promise<ActAnswer | null> {
  try {
    return await ctx.host.act(await ctx.identify.who(account), what);
  } catch (error) {
    ctx.host.log.error({ err: error, act: what.kind }, 'a press in Slack failed');
    return null;
  }
}

function renderActAnswer(answer: ActAnswer | null): SlackMessage {
  if (answer !== null) return answer.ok ? renderNotice(answer.text, 'good') : renderRefusal(answer.text);
  const text = 'It did not work, and nothing was changed by it as far as is known. Look at the newest state.';
  return renderNotice(text, 'error');
}

function withTyped(what: Act, reason: string | null, confirmed: string | undefined): Act {
  const said = reason === null || !('reason' in what) ? what : { ...what, reason };
  return said.kind === 'vote' && confirmed !== undefined ? { ...said, confirmed } : said;
}

/** A card for one person, without mentions. */
export function renderPrivate(card: Card, ctx: SlackContext): SlackMessage {
  return renderMessage(card, { post: null, mentions: [], now: ctx.host.clock.now() });
}
