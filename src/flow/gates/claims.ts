import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Actor, identityOf, system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { CatalogueSet } from '../../ports/catalogue.ts';
import { defaultAsk } from '../people/default-ask.ts';
import type { GateParts } from './parts.ts';
import { issuing } from './settle.ts';

export type ClaimParts = Pick<GateParts, 'clock' | 'ids' | 'streams' | 'store'>;

/** Asks a second person whether a change that somebody says was theirs may stand. Rejects with `conflict` when it is settled, or claimed already. */
export async function openClaim(
  id: string,
  who: Extract<Actor, { kind: 'person' }>,
  reason: string,
  parts: ClaimParts & Pick<GateParts, 'catalogue'>,
): Promise<Approval> {
  let made: Approval | null = null;
  await parts.streams.document('held', id, who, async now => {
    made = null;
    if (now.state !== 'unpermitted')
      throw new TocsinError('conflict', { message: `There is nothing to claim: the change is ${now.state}.` });
    const open = now.claim === null ? null : await parts.store.approval(now.claim);
    if (open?.state === 'open')
      throw new TocsinError('conflict', { message: `It is claimed already: ${open.question}` });
    const approval = approvalOf(now, who, reason, parts.catalogue.current(), parts);
    made = approval;
    const entry: NewEntry = {
      stream: streamOf.approval(approval.id),
      actor: system,
      at: approval.createdAt,
      fact: { kind: 'approval.requested', approval },
    };
    return {
      facts: [{ kind: 'change.claimed', held: now.id, person: who.id, reason, approval: approval.id }],
      with: { entries: [entry], rows: [{ table: 'approval', doc: approval }] },
    };
  });
  if (made === null) throw new TocsinError('internal', { message: 'A claim asked nobody.' });
  return made;
}

function approvalOf(
  held: Held,
  who: Extract<Actor, { kind: 'person' }>,
  reason: string,
  set: CatalogueSet,
  { clock, ids }: Pick<ClaimParts, 'clock' | 'ids'>,
): Approval {
  const at = clock.now();
  const { claims } = set.changes;
  const ask = claims === null ? defaultAsk(set) : { ...defaultAsk(set), ...claims, by: [...claims.by] };
  return {
    id: ids.next('apv'),
    run: null,
    gate: null,
    claim: held.id,
    step: null,
    alert: held.alert,
    runbook: 'it was me',
    planHash: sha256(canonicalJson({ claim: held.id, person: who.id, reason })),
    title: held.title,
    question: `${who.id} says that it was them: ${reason}`,
    risk: 'high',
    rule: 'it was me',
    ask,
    barred: [identityOf(who)],
    state: 'open',
    votes: [],
    because: null,
    createdAt: at,
    expiresAt: at + ask.expires,
    closedAt: null,
    warned: [],
    escalated: false,
    version: 1,
  };
}

/** Gives the change of an approved claim its permit, after the fact; a denied one changes nothing. Also called on recovery: idempotent. */
export async function settleClaim(approval: Approval, parts: ClaimParts): Promise<Held | null> {
  if (approval.claim === null || approval.state !== 'approved') return null;
  const because = `${approval.question}; ${approval.because ?? 'approved'}`;
  return await parts.streams.document('held', approval.claim, system, now => {
    // What was undone, or claimed, meanwhile is left as it is.
    if (now.state !== 'unpermitted') return null;
    const fact = { kind: 'change.settled', held: now.id, state: 'claimed', because, endedAt: null } as const;
    return { facts: [fact], with: issuing(permitOf(now, because, parts), parts.clock.now()) };
  });
}

/** For exactly this change: who did it, what, to what, and when. */
function permitOf(held: Held, because: string, { clock, ids }: Pick<ClaimParts, 'clock' | 'ids'>): Permit {
  return {
    id: ids.next('pmt'),
    origin: 'claim',
    of: held.id,
    principal: held.principal,
    nonce: '',
    key: held.changeKey,
    actions: [held.action],
    resources: [held.resource],
    account: held.account,
    region: held.region,
    environment: held.environment,
    from: held.occurredAt,
    until: held.occurredAt,
    state: 'ended',
    because,
    createdAt: clock.now(),
    version: 1,
  };
}
