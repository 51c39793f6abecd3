import type { Actor } from '../../model/actor.ts';
import type { Gate } from '../../model/gates/gate.ts';
import { endingPermit, type SettleParts } from './settle.ts';

/** Takes an allow back, with its permit. Resolves to the gate as it is then; one that is not allowed is left as it is. */
export async function revokeGate(
  id: string,
  who: Actor,
  end: { state: 'revoked' | 'void'; because: string },
  parts: SettleParts,
): Promise<Gate> {
  const gate = await parts.streams.document('gate', id, who, async now => {
    if (now.state !== 'allowed') return null;
    const fact = { kind: 'gate.revoked', gate: now.id, state: end.state, because: end.because } as const;
    return { facts: [fact], with: await endingPermit(now, end.because, parts) };
  });
  return gate;
}
