import type { types } from '@slack/bolt';
import { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import type { ActAnswer } from '../../model/act.ts';
import type { RunbookView } from '../../ports/chat.ts';
import type { Account } from './account.ts';
import { parseJson } from './buttons.ts';
import type { Origin, SlackContext } from './context.ts';
import { asking } from './failure.ts';
import { blockOf, paramBlocks, readParams } from './fields.ts';
import { accountOf, type BlockActions, type ViewSubmission } from './incoming.ts';
import { answerModal, type Outcome, type ViewAck } from './modal.ts';
import { renderNotice } from './render.ts';
import { renderRefusal, tellPrivately } from './reply.ts';
import { line, literal, plainText, richText, type SlackBlock, section } from './text.ts';

export const runCallback = 'tocsin:run';
export const runbookAction = 'tocsin:runbook';
const runbookBlock = 'runbook';
const reasonBlock = 'reason';
const mostOptions = 100;

/** What the form carries from one step to the next. */
const formFacts = z.strictObject({ alert: z.string().nullable(), runbook: z.string().nullable() });
type FormFacts = z.infer<typeof formFacts>;

/** Opens the form to pick a runbook and fill in its parameters. Strangers are refused, because it shows what there is. Never rejects. */
export async function openRunForm(
  asked: { trigger: string; account: Account; origin: Origin },
  facts: FormFacts,
  ctx: SlackContext,
): Promise<void> {
  const who = await ctx.identify.who(asked.account);
  const tell = (text: string) => tellPrivately(ctx, asked.origin, renderNotice(text, 'error'));
  if (who.kind === 'stranger') return tell(`You are not known here: ${who.because}.`);
  try {
    const view = runView(facts, ctx);
    await asking({ method: 'views.open' }, ctx.client.views.open({ trigger_id: asked.trigger, view }));
  } catch (error) {
    ctx.host.log.warn({ reason: messageOf(error) }, 'a form was not opened in Slack');
    await tell(`Slack did not open the form: ${messageOf(error)} Try again.`);
  }
}

/** Another runbook was chosen: the form shows its parameters. */
export async function handleChosen(chosen: BlockActions, ctx: SlackContext): Promise<void> {
  const { view } = chosen;
  const facts = formFacts.safeParse(parseJson(view?.private_metadata ?? ''));
  if (view === undefined || !facts.success) return;
  const runbook = chosen.actions[0]?.selected_option?.value ?? null;
  const next = runView({ ...facts.data, runbook }, ctx);
  // The hash keeps a slow answer from replacing what was chosen after it.
  const hash = view.hash === undefined ? {} : { hash: view.hash };
  await asking({ method: 'views.update' }, ctx.client.views.update({ view_id: view.id, ...hash, view: next }));
}

function runView(facts: FormFacts, ctx: SlackContext): types.ModalView {
  const { runbooks } = ctx.host.catalogue();
  const runbook = runbooks.find(one => one.id === facts.runbook) ?? null;
  const common = { type: 'modal' as const, title: plainText('Run a runbook', 24), close: plainText('Close', 24) };
  if (runbooks.length === 0) return { ...common, blocks: renderNotice('No runbook is loaded.', 'info').blocks };
  const about =
    facts.alert === null ? [] : [richText(section(literal('For the alert '), line(facts.alert, 80, { code: true })))];
  return {
    ...common,
    callback_id: runCallback,
    submit: plainText('Run', 24),
    private_metadata: JSON.stringify({ alert: facts.alert, runbook: runbook?.id ?? null } satisfies FormFacts),
    blocks: [...about, pickBlock(runbooks, runbook), ...(runbook === null ? [] : runbookBlocks(runbook))],
  };
}

function pickBlock(runbooks: readonly RunbookView[], chosen: RunbookView | null): types.InputBlock {
  const initial = chosen === null ? {} : { initial_option: optionOf(chosen) };
  const common = { action_id: runbookAction, placeholder: plainText('Choose one', 150), ...initial };
  const element: types.InputBlock['element'] =
    runbooks.length <= mostOptions
      ? { type: 'static_select', options: runbooks.map(optionOf), ...common }
      : { type: 'external_select', min_query_length: 0, ...common };
  return { type: 'input', block_id: runbookBlock, dispatch_action: true, label: plainText('Runbook', 2000), element };
}

function optionOf(runbook: RunbookView): types.PlainTextOption {
  return { text: plainText(`${runbook.id}: ${runbook.title}`, 75), value: runbook.id.slice(0, 150) };
}

/** For more runbooks than a select takes: those that contain what was typed. */
export function runbookOptions(ctx: SlackContext, typed: string): types.PlainTextOption[] {
  const wanted = typed.toLowerCase();
  const fits = (one: RunbookView) => `${one.id} ${one.title}`.toLowerCase().includes(wanted);
  return ctx.host.catalogue().runbooks.filter(fits).slice(0, mostOptions).map(optionOf);
}

/** Slack takes 100 blocks in a modal. */
const mostParams = 90;

function runbookBlocks(runbook: RunbookView): SlackBlock[] {
  const about = runbook.about === '' ? [] : [literal('\n'), line(runbook.about, 600)];
  const head = richText(section(literal(`Risk: ${runbook.risk}`), ...about));
  const reason: types.InputBlock = {
    type: 'input',
    block_id: reasonBlock,
    optional: true,
    label: plainText('Reason', 2000),
    element: { type: 'plain_text_input', action_id: reasonBlock, max_length: 1000 },
  };
  return [head, ...paramBlocks(runbook).slice(0, mostParams), reason];
}

/** The submitted form: a request for a run, as if it had been typed. */
export async function handleRun(body: ViewSubmission, ack: ViewAck, ctx: SlackContext): Promise<void> {
  await answerModal(ack, body.view.id, requestRun(body, ctx), ctx);
}

async function requestRun(body: ViewSubmission, ctx: SlackContext): Promise<Outcome> {
  const facts = formFacts.safeParse(parseJson(body.view.private_metadata));
  const values = body.view.state?.values ?? {};
  const id = values[runbookBlock]?.[runbookAction]?.selected_option?.value;
  const runbook = ctx.host.catalogue().runbooks.find(one => one.id === id);
  if (!facts.success || runbook === undefined) return { errors: { [runbookBlock]: 'Choose a runbook that exists.' } };
  const shown = facts.data.runbook === runbook.id || runbook.params.length === 0;
  if (!shown) return { errors: { [runbookBlock]: 'Its parameters are not shown yet: choose it again.' } };
  try {
    const who = await ctx.identify.who(accountOf(body));
    const reason = values[reasonBlock]?.[reasonBlock]?.value?.trim() || null;
    const team = (await ctx.session.ready().catch(() => null))?.team ?? null;
    const { params, errors } = readParams(runbook, values, user => personOf({ team, user }, ctx));
    if (who.kind === 'person' && Object.keys(errors).length > 0) return { errors };
    const answer = await ctx.host.act(who, {
      kind: 'run',
      runbook: runbook.id,
      params,
      alert: facts.data.alert,
      reason,
    });
    return outcomeOf(answer, runbook);
  } catch (error) {
    ctx.host.log.error({ err: error, reason: messageOf(error) }, 'a form from Slack failed');
    return { blocks: renderNotice('It did not work; the reason is in the log of Tocsin.', 'error').blocks };
  }
}

/** The person of tocsin.yaml that an account of our workspace belongs to. */
function personOf({ team, user }: Account, ctx: SlackContext): string | null {
  const who = ctx.host.whoIs({ platform: 'slack', id: `${team}/${user}` });
  return who.kind === 'person' ? who.id : null;
}

/** What is wrong with a parameter is shown at its field. */
function outcomeOf(answer: ActAnswer, runbook: RunbookView): Outcome {
  if (answer.ok) return { blocks: renderNotice(answer.text, 'good').blocks };
  if (answer.code !== 'params-invalid') return { blocks: renderRefusal(answer.text).blocks };
  const fields = Object.entries(answer.details?.fields ?? {});
  const known = fields.filter(([name]) => runbook.params.some(param => param.name === name));
  if (known.length === 0) return { errors: { [runbookBlock]: answer.text.slice(0, 500) } };
  return { errors: Object.fromEntries(known.map(([name, why]) => [blockOf(runbook.id, name), why.slice(0, 500)])) };
}
