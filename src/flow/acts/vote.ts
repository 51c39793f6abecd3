import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Approval, Standing, Vote } from '../../model/approval.ts';
import type { Fact } from '../../model/journal.ts';
import { plan as planSchema } from '../../model/plan.ts';
import { type Refusal, refuseVote, tally } from '../pipeline/approve.ts';
import { afterVote, closePlanApproval } from '../pipeline/close.ts';
import { isCurrent } from '../pipeline/plan.ts';
import type { ActParts } from './parts.ts';
import { refused, unknown } from './parts.ts';

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
  if (known.state === 'open' && known.step === null && !(await planIsCurrent(known, parts))) {
    await closePlanApproval(known.id, 'void', 'the runbook was edited after this was asked; ask again', parts);
    return refused(
      'conflict',
      409,
      'The runbook was edited after this was asked, so what you saw is not what would run. Ask for the run again.',
    );
  }
  // Asked before the approval is locked: a platform that is slow must not delay the votes of others.
  await standingIn(known, who, parts);
  let refusal: Refusal | null = null;
  const after = await parts.streams.approval(known.id, who, async now => {
    // Asked on the newest state, because an escalation changes who may vote.
    const standing = await standingIn(now, who, parts);
    refusal = refuseVote(now, who, act, { now: parts.clock.now(), inGroups: () => standing !== null });
    return refusal === null && standing !== null
      ? { facts: voteFacts(now, who, { ...act, standing }, parts.clock.now()) }
      : null;
  });
  const rejection = refusal as Refusal | null;
  if (rejection !== null)
    return refused(
      rejection.code,
      statusOf[rejection.code],
      rejection.because + (await uncertainGroups(rejection, after, parts)),
    );
  await afterVote(after, parts);
  return { ok: true, text: answerText(after), run: after.run, approval: after.id };
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

function voteFacts(
  approval: Approval,
  who: Actor,
  act: Extract<Act, { kind: 'vote' }> & { standing: Standing },
  at: number,
): Fact[] {
  const account = who.kind === 'person' ? who.account : null;
  const via = who.kind === 'person' ? who.via : 'none';
  const reason = act.reason?.trim() || null;
  const vote: Vote = { person: who.id, account, via, vote: act.vote, reason, at, standing: act.standing };
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

function answerText(approval: Approval): string {
  const result = tally(approval);
  if (result.state === 'waiting')
    return `Your vote counts. ${result.missing} more ${result.missing === 1 ? 'is' : 'are'} needed.`;
  return result.state === 'approved' ? 'Approved. It starts now.' : 'Denied.';
}

async function planIsCurrent(approval: Approval, parts: ActParts): Promise<boolean> {
  const bytes = await parts.store.blob(approval.planHash);
  if (bytes === null) return false;
  const plan = planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return isCurrent(plan, parts.catalogue.current().runbooks.get(plan.runbook));
}
