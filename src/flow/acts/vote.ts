import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Approval, Standing, Vote } from '../../model/approval.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import { plan as planSchema } from '../../model/plan.ts';
import type { Run } from '../../model/run.ts';
import type { Guard } from '../../ports/store.ts';
import { type Refusal, refuseVote, tally } from '../pipeline/approve.ts';
import { afterVote, closePlanApproval } from '../pipeline/close.ts';
import { isOverFor, outlived, voidOutlived } from '../pipeline/episode.ts';
import { isCurrent } from '../pipeline/plan.ts';
import { digestOf } from '../thread/beforehand/beforehand.ts';
import { asksToConfirm, makeConfirmation } from '../thread/beforehand/confirmation.ts';
import type { ActParts } from './parts.ts';
import { refused, unknown } from './parts.ts';

/** A vote with how the right to it is known, and the warnings that were confirmed. */
type Cast = Extract<Act, { kind: 'vote' }> & { standing: Standing; told: readonly string[] };

const statusOf = { forbidden: 403, conflict: 409, 'bad-request': 400 } as const;

/** Takes one person's vote. It counts at most once, however often they press: it is decided on the newest state, under its version. */
export async function performVote(
  who: Actor,
  act: Extract<Act, { kind: 'vote' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = await parts.store.approval(act.approval);
  if (known === null) throw unknown('approval', act.approval, []);
  if (act.seal !== null && !parts.seals.holds(act.seal, known.id, known.planHash))
    return refused('forbidden', 403, 'This button was not made for this plan.');
  const ofPlan = known.state === 'open' && known.step === null && known.run !== null;
  if (ofPlan && !(await planIsCurrent(known, parts))) {
    await closePlanApproval(known.id, 'void', 'the runbook was edited after this was asked; ask again', parts);
    return refused(
      'conflict',
      409,
      'The runbook was edited after this was asked, so what you saw is not what would run. Ask for the run again.',
    );
  }
  if (ofPlan) {
    const over = await endIfOutlived(known, parts);
    if (over !== null) return over;
  }
  // Asked before the approval is locked: a platform that is slow must not delay the votes of others.
  await standingIn(known, who, parts);
  const look = await toConfirm(known, who, act, parts);
  let refusal: Refusal | null = null;
  const after = await parts.streams.approval(known.id, who, async now => {
    // Asked on the newest state, because an escalation changes who may vote.
    const standing = await standingIn(now, who, parts);
    // What is asked first comes with a place for the reason.
    const cast = look.confirm === null ? act : { ...act, reason: act.reason ?? 'not asked for yet' };
    refusal = refuseVote(now, who, cast, { now: parts.clock.now(), inGroups: () => standing !== null });
    if (refusal !== null || standing === null || look.confirm !== null) return null;
    const { facts, because, guards } = await voteOn(now, who, { ...act, standing, told: look.told }, parts);
    refusal = because;
    return facts.length === 0 ? null : { facts, with: { guards } };
  });
  const rejection = refusal as Refusal | null;
  const of = after.run !== null ? { run: after.run } : after.gate !== null ? { gate: after.gate } : {};
  if (rejection !== null) {
    const because = rejection.because + (await uncertainGroups(rejection, after, parts));
    return { ...refused(rejection.code, statusOf[rejection.code], because), ...of };
  }
  if (look.confirm !== null) return askToConfirm(look.confirm);
  await afterVote(after, parts);
  return { ok: true, text: answerText(after, await parts.store.halted()), ...of, approval: after.id };
}

/**
 * What has to be confirmed before a press on Approve counts, and the warnings that were confirmed. Callers of the API and commands that are
 * typed name the approval themselves, and read its warnings where they read the rest of it. A denial is never made harder.
 */
async function toConfirm(
  approval: Approval,
  who: Actor,
  act: Extract<Act, { kind: 'vote' }>,
  parts: ActParts,
): Promise<{ confirm: Confirmation | null; told: readonly string[] }> {
  const none = { confirm: null, told: [] };
  if (act.vote !== 'approve' || act.seal === null || who.kind !== 'person' || approval.state !== 'open') return none;
  const { run, alert } = await subjectOf(approval, parts);
  if (run === null) return none;
  const about = { approval, run, alert };
  const looked = await parts.lookAt(about);
  if (!asksToConfirm(looked, about)) return none;
  const look = { approval: approval.id, planHash: approval.planHash, person: who.id };
  const { confirmed } = act;
  if (confirmed !== undefined && parts.seals.holdsLook(confirmed, { ...look, digest: digestOf(looked.findings) }))
    return { confirm: null, told: looked.findings.map(({ text }) => text) };
  const seal = (digest: string) => parts.seals.sealLook({ ...look, digest });
  return { confirm: makeConfirmation(looked, about, seal, confirmed !== undefined), told: [] };
}

function askToConfirm(confirm: Confirmation): ActAnswer {
  const text = [confirm.news ?? 'Look before you approve:', ...confirm.warnings].join('\n');
  return { ok: false, code: 'conflict', status: 409, text, confirm };
}

/** A resolve may have overtaken the pipeline that voids: then the vote does it, and says why. Null while the plan may run. */
async function endIfOutlived(approval: Approval, parts: ActParts): Promise<ActAnswer | null> {
  const { run, alert } = await subjectOf(approval, parts);
  const because = run === null ? null : outlived(run, alert);
  if (run === null || because === null) return null;
  await voidOutlived(run, alert, parts);
  return refused('conflict', 409, `Too late: ${because}, so nothing runs. See the thread of the alert.`);
}

async function subjectOf(approval: Approval, { store }: ActParts): Promise<{ run: Run | null; alert: Alert | null }> {
  const [run, alert] = await Promise.all([
    approval.run === null ? null : store.run(approval.run),
    approval.alert === null ? null : store.alert(approval.alert),
  ]);
  return { run, alert };
}

/** The least time between the press that is told that the alert is over and the one that counts, milliseconds: no double click. */
const secondPress = 2000;

/**
 * The facts of a vote that may be cast. For a step of a run whose alert is over, the first press to approve only warns. The alert's version
 * guards the vote, so that a resolve that is taken in at the same moment comes before it or after it.
 */
async function voteOn(
  approval: Approval,
  who: Actor,
  act: Cast,
  parts: ActParts,
): Promise<{ facts: Fact[]; because: Refusal | null; guards: Guard[] }> {
  const { run, alert } = await subjectOf(approval, parts);
  const at = parts.clock.now();
  const guards: Guard[] =
    alert === null ? [] : [{ kind: 'stream', stream: streamOf.alert(alert.id), version: alert.version }];
  const late = run === null || approval.step !== null ? null : outlived(run, alert);
  if (late !== null) return { facts: [], because: { code: 'conflict', because: `Too late: ${late}.` }, guards };
  const asksTwice = act.vote === 'approve' && approval.step !== null && run !== null && isOverFor(run, alert);
  // A warning of before it fired again says nothing of this end.
  const warned = approval.warned.find(one => one.person === who.id && one.at > (alert?.lastFiring ?? 0));
  if (!asksTwice || (warned !== undefined && at - warned.at >= secondPress))
    return { facts: voteFacts(approval, who, act, at), because: null, guards };
  const because =
    'The alert is over, so this may not be needed any more. Press Approve once more if it should go on all the same.';
  const facts: Fact[] =
    warned === undefined ? [{ kind: 'approval.warned', approval: approval.id, run: approval.run, person: who.id }] : [];
  return { facts, because: { code: 'conflict', because }, guards };
}

/** Why this actor may not vote on it now; null when they may. Changes nothing. */
export async function mayVote(approval: Approval, who: Actor, parts: ActParts): Promise<string | null> {
  const standing = await standingIn(approval, who, parts);
  const facts = { now: parts.clock.now(), inGroups: () => standing !== null };
  return refuseVote(approval, who, { vote: 'deny', reason: 'as the policy wants it' }, facts)?.because ?? null;
}

/** Looked up at the moment of the vote, never from when the card was posted. */
async function standingIn(approval: Approval, who: Actor, parts: ActParts): Promise<Standing | null> {
  if (who.kind !== 'person') return null;
  const alert = approval.alert === null ? null : await parts.store.alert(approval.alert);
  return await parts.groups.standing(who.id, approval.ask.by, { alert });
}

/** Tells a refused voter which groups could not be asked. */
async function uncertainGroups(rejection: Refusal, approval: Approval, parts: ActParts): Promise<string> {
  if (rejection.code !== 'forbidden') return '';
  const alert = approval.alert === null ? null : await parts.store.alert(approval.alert);
  const doubt = await parts.groups.doubt(approval.ask.by, { alert });
  return doubt === null ? '' : ` (${doubt})`;
}

function voteFacts(approval: Approval, who: Actor, act: Cast, at: number): Fact[] {
  const account = who.kind === 'person' ? who.account : null;
  const via = who.kind === 'person' ? who.via : 'none';
  const reason = act.reason?.trim() || null;
  const { standing, told } = act;
  const confirmed = told.length === 0 ? {} : { confirmed: [...told] };
  const vote: Vote = { person: who.id, account, via, vote: act.vote, reason, at, standing, ...confirmed };
  const result = tally({ ...approval, votes: [...approval.votes, vote] });
  const voted: Fact = { kind: 'approval.voted', approval: approval.id, run: approval.run, vote };
  return result.state === 'waiting'
    ? [voted]
    : [
        voted,
        {
          kind: 'approval.closed',
          approval: approval.id,
          run: approval.run,
          state: result.state,
          because: result.because,
        },
      ];
}

/** Whoever approves while everything is halted must not wait for a run that does not come. */
function answerText(approval: Approval, halted: { by: string } | null): string {
  const result = tally(approval);
  if (result.state === 'waiting')
    return `Your vote counts. ${result.missing} more ${result.missing === 1 ? 'is' : 'are'} needed.`;
  if (result.state !== 'approved') return 'Denied.';
  if (approval.claim !== null) return 'Approved. The change may stand.';
  if (approval.run === null) return 'Approved. It may go on.';
  return halted === null
    ? 'Approved. It starts now.'
    : `Approved. It starts when somebody resumes: ${halted.by} halted everything.`;
}

async function planIsCurrent(approval: Approval, parts: ActParts): Promise<boolean> {
  const bytes = await parts.store.blob(approval.planHash);
  if (bytes === null) return false;
  const plan = planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return isCurrent(plan, parts.catalogue.current().runbooks.get(plan.runbook));
}
