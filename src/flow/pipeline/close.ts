import { system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Store } from '../../ports/store.ts';
import { settleClaim } from '../gates/claims.ts';
import { type SettleParts, settleGate } from '../gates/settle.ts';
import type { Streams } from '../journal/streams.ts';

/** What closing an approval needs, whether a vote, an expiry, an edit or the end of its run closes it. */
export interface CloseParts {
  store: Pick<Store, 'approvals'>;
  streams: Streams;
  dispatcher: Dispatcher;
}

/** Releases or ends the run of a closed approval, or settles its gate. Also called on recovery, so it is idempotent. */
export async function afterVote(
  approval: Approval,
  parts: SettleParts & Pick<CloseParts, 'streams' | 'dispatcher'>,
): Promise<void> {
  if (approval.claim !== null) await settleClaim(approval, parts);
  else if (approval.gate === null) await releaseRun(approval, parts);
  else await settleGate(approval, parts);
}

async function releaseRun(approval: Approval, parts: Pick<CloseParts, 'streams' | 'dispatcher'>): Promise<void> {
  if (approval.state === 'open' || approval.run === null) return;
  if (approval.step !== null) return await parts.dispatcher.wake({ run: approval.run, first: true });
  const because = approval.because ?? approval.state;
  const run = await parts.streams.run(approval.run, system, now => {
    if (now.state !== 'waiting' || now.startedAt !== null) return null;
    if (approval.state === 'approved') return { facts: [{ kind: 'run.released', run: now.id, because }] };
    const state = approval.state === 'expired' ? 'expired' : approval.state === 'denied' ? 'denied' : 'cancelled';
    return { facts: [{ kind: 'run.finished', run: now.id, state, because }] };
  });
  if (run.state === 'queued') await parts.dispatcher.wake({ run: run.id, first: true });
}

/** Closes an open approval of a whole plan and ends its run accordingly. */
export async function closePlanApproval(
  id: string,
  state: 'void' | 'expired',
  because: string,
  parts: Pick<CloseParts, 'streams' | 'dispatcher'>,
): Promise<void> {
  await releaseRun(await closeApproval(id, state, because, parts), parts);
}

/** Expiry denies: it ends the run, or the question of the gate. */
export async function expireApproval(
  id: string,
  because: string,
  parts: SettleParts & Pick<CloseParts, 'streams' | 'dispatcher'>,
): Promise<void> {
  await afterVote(await closeApproval(id, 'expired', because, parts), parts);
}

async function closeApproval(
  id: string,
  state: 'void' | 'expired',
  because: string,
  { streams }: Pick<CloseParts, 'streams'>,
): Promise<Approval> {
  return await streams.approval(id, system, now =>
    now.state === 'open'
      ? { facts: [{ kind: 'approval.closed', approval: now.id, run: now.run, state, because }] }
      : null,
  );
}

/** Closes the open approvals of a run that is over, so that nobody votes on it. */
export async function voidApprovals(
  run: string,
  because: string,
  parts: Pick<CloseParts, 'store' | 'streams'>,
): Promise<void> {
  for (const open of await parts.store.approvals({ run, state: 'open' })) {
    await parts.streams.approval(open.id, system, now =>
      now.state === 'open'
        ? { facts: [{ kind: 'approval.closed', approval: now.id, run, state: 'void', because }] }
        : null,
    );
  }
}
