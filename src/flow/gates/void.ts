import { system } from '../../model/actor.ts';
import type { Gate } from '../../model/gates/gate.ts';
import { revokeGate } from './revoke.ts';
import { badSince, type SettleParts, settleGate } from './settle.ts';

/** Ends an open question, or an allow, that became known to be bad since it was decided. Resolves to whether it had to. */
export async function endIfBad(gate: Gate, parts: SettleParts): Promise<boolean> {
  if (gate.state !== 'pending' && gate.state !== 'allowed') return false;
  const because = await badSince(gate, parts);
  if (because !== null) await voidGate(gate, because, parts);
  return because !== null;
}

/** What was asked, or allowed, does not hold any more. What people approve in the same moment is taken back. */
async function voidGate(gate: Gate, because: string, parts: SettleParts): Promise<void> {
  if (gate.state === 'pending' && gate.approval !== null) {
    const approval = await parts.streams.approval(gate.approval, system, now =>
      now.state === 'open'
        ? { facts: [{ kind: 'approval.closed', approval: now.id, run: null, state: 'void', because }] }
        : null,
    );
    await settleGate(approval, parts);
  }
  await revokeGate(gate.id, system, { state: 'void', because }, parts);
}
