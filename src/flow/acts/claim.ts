import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { openClaim } from '../gates/claims.ts';
import { type ActParts, refused, unknown } from './parts.ts';

/** The longest reason, characters. */
const longestReason = 1000;

/** "It was me": asks a second person. That the one who says so did it was authorised. */
export async function performClaim(
  who: Actor,
  act: Extract<Act, { kind: 'claim' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  if ((await parts.store.document('held', act.change)) === null) throw unknown('change', act.change, []);
  const reason = act.reason.trim();
  if (reason === '' || reason.length > longestReason)
    return refused('bad-request', 400, `Say why you did it, in at most ${longestReason} characters.`);
  if (who.kind !== 'person') return refused('forbidden', 403, 'Only people say that it was them.');
  const approval = await openClaim(act.change, who, reason, parts);
  return { ok: true, text: 'A second person is asked whether it may stand.', approval: approval.id };
}
