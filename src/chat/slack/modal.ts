import type { types } from '@slack/bolt';
import type { SlackContext } from './context.ts';
import { asking } from './failure.ts';
import { resultView } from './render.ts';
import { literal, richText, type SlackBlock, section } from './text.ts';

/** The result of a submitted modal: errors at its fields, or blocks that replace it, or another modal in its place. */
export type Outcome = { errors: Record<string, string> } | { blocks: SlackBlock[] } | { view: types.ModalView };

export type ViewAck = (
  answer:
    | { response_action: 'errors'; errors: Record<string, string> }
    | { response_action: 'update'; view: types.ModalView },
) => Promise<void>;

/** Milliseconds. An outcome that takes longer is shown after the acknowledgement, for which Slack waits 3 s and people less. */
const patience = 350;

/**
 * Acknowledges a submitted modal in time: with the outcome if that is quick, because only the acknowledgement can show errors at fields,
 * else with a note that the outcome replaces later.
 */
export async function answerModal(
  ack: ViewAck,
  view: string,
  work: Promise<Outcome>,
  ctx: SlackContext,
): Promise<void> {
  const cut = new AbortController();
  const late = ctx.host.clock.sleep(patience, cut.signal).then(
    () => null,
    () => null,
  );
  const outcome = await Promise.race([work, late]);
  cut.abort();
  if (outcome !== null && 'errors' in outcome) return ack({ response_action: 'errors', errors: outcome.errors });
  if (outcome !== null) return ack({ response_action: 'update', view: viewOf(outcome) });
  const note = richText(section(literal('Working on it …')));
  await ack({ response_action: 'update', view: resultView([note]) });
  await showOutcome(view, await work, ctx);
}

/** A modal on top of a modal is pushed; Slack refuses to open a second one. Rejects in the words of the port. */
export async function openOrPush(
  { trigger_id, inModal }: { trigger_id: string; inModal: boolean },
  view: types.ModalView,
  ctx: SlackContext,
): Promise<void> {
  const { views } = ctx.client;
  if (inModal) await asking({ method: 'views.push' }, views.push({ trigger_id, view }));
  else await asking({ method: 'views.open' }, views.open({ trigger_id, view }));
}

async function showOutcome(view: string, outcome: Outcome, ctx: SlackContext): Promise<void> {
  const next =
    'errors' in outcome
      ? resultView([richText(section(literal(Object.values(outcome.errors).join(' '))))])
      : viewOf(outcome);
  await asking({ method: 'views.update' }, ctx.client.views.update({ view_id: view, view: next }));
}

function viewOf(outcome: Exclude<Outcome, { errors: object }>): types.ModalView {
  return 'view' in outcome ? outcome.view : resultView(outcome.blocks);
}
