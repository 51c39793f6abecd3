import { showDuration } from '../../kernel/duration.ts';
import type { Actor } from '../../model/actor.ts';
import { identityOf, nameOf } from '../../model/actor.ts';
import type { Approval, Vote } from '../../model/approval.ts';

/** Pure: what the votes so far make of an approval. One veto denies; the quorum counts distinct people. */
export type Tally = { state: 'approved' | 'denied'; because: string } | { state: 'waiting'; missing: number };

export function tally(approval: Pick<Approval, 'votes' | 'ask'>): Tally {
  const veto = approval.votes.find(vote => vote.vote === 'deny');
  if (veto !== undefined)
    return {
      state: 'denied',
      because: veto.reason === null ? `${veto.person} denied it` : `${veto.person} denied it: ${veto.reason}`,
    };
  const people = new Set(approval.votes.map(vote => vote.person));
  const missing = approval.ask.quorum - people.size;
  return missing > 0
    ? { state: 'waiting', missing }
    : { state: 'approved', because: `approved by ${[...people].join(' and ')}` };
}

export type Refusal = { code: 'forbidden' | 'conflict' | 'bad-request'; because: string };

/**
 * Pure: whether this actor may cast this vote now; null when they may. `inGroups` says whether a person is in one of the groups
 * (or is one of the people) named. Authority is by identity and membership, never by having seen the card.
 */
export function refuseVote(
  approval: Approval,
  who: Actor,
  vote: Pick<Vote, 'vote' | 'reason'>,
  facts: { now: number; inGroups(person: string, names: readonly string[]): boolean },
): Refusal | null {
  if (who.kind !== 'person')
    return { code: 'forbidden', because: `Only people vote, and ${nameOf(who)} is not a person of tocsin.yaml.` };
  if (approval.barred.includes(identityOf(who)))
    return { code: 'forbidden', because: `Nobody votes on ${asked(approval)}.` };
  if (!facts.inGroups(who.id, approval.ask.by))
    return { code: 'forbidden', because: `Only ${approval.ask.by.join(', ')} may vote here.` };
  if (approval.state !== 'open') return { code: 'conflict', because: closedText(approval, who.id, facts.now) };
  if (facts.now >= approval.expiresAt) return { code: 'conflict', because: 'It has expired.' };
  if (approval.votes.some(one => one.person === who.id))
    return { code: 'conflict', because: 'You have voted already; a person votes once.' };
  if (approval.ask.reasonRequired && !vote.reason?.trim())
    return { code: 'bad-request', because: 'The policy wants a reason with each vote.' };
  return null;
}

/** A gate may be asked by a service for somebody, and a change be claimed by the one who did it. */
function asked({ run }: Approval): string {
  return run === null ? 'what was asked by them or for them' : 'a run that they asked for themselves';
}

/** The vote that closed it, when that was just now. */
function before({ state, votes }: Approval, voter: string, now: number): string {
  const last = votes.at(-1);
  const took = last === undefined ? Number.POSITIVE_INFINITY : now - last.at;
  if (last === undefined || took > 60_000 || (state !== 'approved' && state !== 'denied')) return '';
  // The same form sent twice, or a press in another tab.
  if (last.person === voter) return ` That was you, ${showDuration(Math.max(0, took))} ago.`;
  return ` ${last.person} ${state} it ${showDuration(Math.max(0, took))} before you.`;
}

/** Whoever lost a race reads who was first, and by how much. */
function closedText(approval: Approval, voter: string, now: number): string {
  const voters = approval.votes.map(vote => `${vote.person} (${vote.vote})`).join(', ');
  return `It is ${approval.state} already${approval.because === null ? '' : `: ${approval.because}`}${voters === '' ? '.' : `. Votes: ${voters}.`}${before(approval, voter, now)}`;
}
